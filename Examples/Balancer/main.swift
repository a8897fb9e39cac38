// A strategy of one's own, from outside the package: whoever answered the longest ago. It needs no network.
import Foundation
import Needletail
import Synchronization

/// Asks the one that has rested longest.
final class LeastRecentlyAsked: Balancer {
    private let turns = Mutex((clock: 0, last: [Int: Int]()))

    func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        self.turns.withLock { turns in
            let picked = candidates.min { turns.last[$0, default: 0] < turns.last[$1, default: 0] }
            // What is only explained takes no turn.
            if let picked, !question.isPeek {
                turns.clock += 1
                turns.last[picked] = turns.clock
            }
            return picked
        }
    }

    func record(_ result: AttemptResult, of index: Int, in targets: [Target], for question: RoutingQuestion) {
        if result.verdict == .failure { print("  \(targets[index].provider.id) failed") }
    }
}

/// Answers by itself, in the words of OpenAI's API.
struct Echo: Provider {
    let id: ProviderID
    var fails = false

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        if self.fails { throw NeedletailError(.upstreamFailed, "Out of order.", provider: self.id) }
        let choice = ChatChoice(content: [.text(TextPart("I am \(self.id)."))], stopReason: .endTurn)
        return try .whole(ChatResponse(id: context.id, model: request.model, choices: [choice]), from: self.id)
    }
}

let group = FailoverGroup(
    "echoes",
    strategy: .custom(LeastRecentlyAsked()),
    members: [.provider(Echo(id: "north")), .provider(Echo(id: "east", fails: true)), .provider(Echo(id: "south"))]
)
do {
    let client = ChatClient(try group.makeRouter())
    for _ in 0..<4 {
        print(try await client.chat(ChatRequest(model: "any", messages: [.user("Who are you?")])).text)
    }
    await client.close()
} catch {
    print("failed: \(error)")
    exit(1)
}
