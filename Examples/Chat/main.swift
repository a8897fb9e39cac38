// Asks a question twice, whole and streamed, of a stack made in Swift: OpenAI (or whatever speaks its dialect) first,
// Anthropic where it fails. Run without a key it says how to run it.
import Foundation
import Needletail

let environment = ProcessInfo.processInfo.environment
let question = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "Why is the sky blue? One sentence."

guard let key = environment["OPENAI_API_KEY"] else {
    print(
        """
        Needs OPENAI_API_KEY. With a provider:

            OPENAI_API_KEY=sk-... swift run ChatExample "Why is the sky blue?"

        or with the mock in another terminal (`needletail mock --port 4010`):

            OPENAI_BASE_URL=http://127.0.0.1:4010 OPENAI_API_KEY=any swift run ChatExample

        ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL set the provider that is asked when the first one fails.
        """
    )
    exit(0)
}

do {
    // Two upstreams, each with connections of its own.
    let first = try HTTPProvider.connect(to: .openAI, apiKey: key, baseURL: environment["OPENAI_BASE_URL"])
    let spare = try HTTPProvider.connect(
        to: .anthropic, apiKey: environment["ANTHROPIC_API_KEY"], baseURL: environment["ANTHROPIC_BASE_URL"])

    // One place that chooses and tries again: the first twice, then the spare, and two minutes for everything.
    let router = Router(
        id: "chat",
        targets: [
            Target(first, model: "gpt-4o-mini", priority: 1, retry: RetryPolicy(maximumAttempts: 2)),
            Target(spare, model: "claude-haiku-4-5", priority: 2),
        ],
        balancer: .priority,
        time: .live,
        random: .live
    )
    let client = ChatClient(ProviderStackBuilder(router).withDeadline(.seconds(120)).build())

    var request = ChatRequest(model: "chat", messages: [.system("Be brief."), .user(question)])
    request.maxOutputTokens = 200

    let reply = try await client.chat(request)
    print("\(reply.provider): \(reply.text)")
    for loss in reply.losses { print("  lost: \(loss.field) (\(loss.reason))") }
    if let usage = reply.usage { print("  \(usage.inputTokens) tokens in, \(usage.outputTokens) out") }

    let stream = try await client.stream(request)
    for try await event in stream {
        switch event {
        case .text(let text, choice: 0): print(text, terminator: "")
        case .reasoning(let text, choice: 0): print("(thinking: \(text))", terminator: "")
        case .toolCallStarted(_, _, let name, _, choice: 0): print("(calls \(name))", terminator: "")
        case .finished(let reason, _, choice: 0): print("\n  ended: \(reason)")
        default: break
        }
    }
    await client.close()
} catch {
    print("failed: \(error.message) (\(error.code), asked: \(error.provider?.rawValue ?? "nobody"))")
    exit(1)
}
