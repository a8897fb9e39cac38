// Providers in a registry, a group declared over them, a stack of layers around it, and what all of them know: what a
// request would cost, who can do what, how everybody is. Then a provider is taken out while requests run.
import Foundation
import Needletail

let environment = ProcessInfo.processInfo.environment
guard let key = environment["OPENAI_API_KEY"] else {
    print("Needs OPENAI_API_KEY, and OPENAI_BASE_URL and ANTHROPIC_BASE_URL for a mock; see Examples/Chat.")
    exit(0)
}

do {
    let registry = ProviderRegistry()
    try registry.register(HTTPProvider.connect(to: .openAI, apiKey: key, baseURL: environment["OPENAI_BASE_URL"]))
    try registry.register(
        HTTPProvider.connect(
            to: .anthropic, apiKey: environment["ANTHROPIC_API_KEY"], baseURL: environment["ANTHROPIC_BASE_URL"]),
        as: "claude")

    // Members are asked by name, so that a registration may change while the group serves.
    let openAI = try registry.provider(named: "openai")
    let claude = try registry.provider(named: "claude")
    let group = FailoverGroup(
        "chat",
        strategy: .priority,
        members: [
            openAI.member(model: "gpt-4o-mini", retry: RetryPolicy(maximumAttempts: 2)),
            .group(
                FailoverGroup(
                    "spares", strategy: .costOptimal,
                    members: [claude.member(model: "claude-haiku-4-5"), claude.member(model: "claude-sonnet-4-5")])),
        ],
        options: RouterOptions(maximumAttempts: 3, hedge: HedgePolicy())
    )
    let router = try group.makeRouter()

    // Each layer stands around what comes after it.
    let totals = UsageTotals()
    let stack = ProviderStackBuilder(router)
        .withMetrics(totals)
        .withLoadShedding(maximum: 100)
        .withCache(.init(lifetime: .seconds(60)))
        .withDeadline(.seconds(120))
        .build()
    let client = ChatClient(stack)

    var request = ChatRequest(model: "chat", messages: [.user("Name three birds that fly by night.")])
    request.maxOutputTokens = 100

    for estimate in router.estimateCosts(InferenceRequest(chat: request, isStreaming: false)) {
        let least = estimate.least.map { "$\($0)" } ?? "unknown"
        let most = estimate.most.map { "$\($0)" } ?? "unknown"
        print("\(estimate.provider)/\(estimate.model) costs \(least) to \(most)")
    }
    let seeing = registry.models(able: Capability([.images, .tools], inputTokens: 150_000))
    print("\(seeing.count) models look at images, call tools and take 150,000 tokens")

    // Many at a time, no more than four at once; a failure is its request's alone.
    let questions = ["owls", "nightjars", "swifts", "herons", "kiwis"]
    let answers = await client.chat(
        all: questions.map { ChatRequest(model: "chat", messages: [.user("What do \($0) eat?")]) }, concurrency: 4)
    for (question, answer) in zip(questions, answers) {
        switch answer {
        case .success(let reply): print("\(question): \(reply.provider) \(reply.text.prefix(40))")
        case .failure(let error): print("\(question): \(error.message)")
        }
    }

    // Taken out while traffic flows: what runs there ends, the next requests go to the spares.
    try await registry.drain("openai", within: .seconds(10))
    print("without openai: \(try await client.chat(request).provider)")

    for provider in registry.snapshot() {
        print("\(provider.name): \(provider.state), health \(provider.health), \(provider.successes) well")
    }
    for (name, status) in await registry.checkHealth() { print("\(name) is there: \(status.isHealthy == true)") }
    print("\(totals.snapshot().rows.values.map(\.outputTokens).reduce(0, +)) tokens written")

    await client.close()
    await registry.close()
} catch {
    print("failed: \(error)")
    exit(1)
}
