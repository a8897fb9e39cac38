import NeedletailCore
import NeedletailRouting
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Vectors for the semantic cache")
struct EmbeddingsTests {
    /// Notes until when it may take, and gives nothing.
    private final class Mute: Provider {
        let id: ProviderID = "e"
        private let seen = Mutex<[Instant?]>([])

        var deadlines: [Instant?] { self.seen.withLock { $0 } }

        func respond(
            to request: InferenceRequest, context: RequestContext
        ) async throws(NeedletailError) -> InferenceReply {
            self.seen.withLock { $0.append(context.deadline) }
            throw NeedletailError(.timedOut, "Late.")
        }
    }

    @Test(
        "a provider that hangs costs a chat two seconds, and never more than it has",
        arguments: [(nil, 2), (60, 2), (1, 1)] as [(Int?, Int)])
    func limit(left: Int?, expected: Int) async {
        let (clock, provider) = (JumpingTime(), Mute())
        clock.advance(by: .seconds(7))
        let directory = ModelDirectory(
            groups: [:], upstreams: ["e": ModelDirectory.Upstream(router: provider)], defaultGroup: nil)
        let embeddings = Embeddings(model: "e/m", directory: directory, time: clock.source)
        let context = RequestContext.testing(deadline: left.map { clock.now.advanced(by: .seconds($0)) })
        let vector = await embeddings.vector("Hello", context)
        #expect(vector == nil)
        #expect(provider.deadlines == [clock.now.advanced(by: .seconds(expected))])
    }
}
