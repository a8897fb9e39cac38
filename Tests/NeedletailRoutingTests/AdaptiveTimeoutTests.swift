import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

@Suite("Adaptive timeouts")
struct AdaptiveTimeoutTests {
    private let bounds = AdaptiveTimeoutState.Bounds(factor: 3, floor: .seconds(1), ceiling: .seconds(60))

    @Test(
        "the limit is three times the 99th percentile, within its bounds",
        arguments: [
            (Array(repeating: 500, count: 19), nil), (Array(repeating: 500, count: 20), 1_500),
            (Array(repeating: 10, count: 50), 1_000), (Array(repeating: 30_000, count: 50), 60_000),
            (Array(repeating: 500, count: 99) + [2_000], 1_500),
            (Array(repeating: 500, count: 98) + [2_000, 2_000], 6_000),
            (Array(repeating: 9_000, count: 100) + Array(repeating: 500, count: 100), 1_500),
        ] as [([Int], Int?)])
    func limit(waits: [Int], limit: Int?) {
        var state = AdaptiveTimeoutState()
        for wait in waits { state.insert(.milliseconds(wait)) }
        #expect(state.limit(self.bounds) == limit.map { .milliseconds($0) })
    }

    @Test("a limit that has become too short grows until it fits")
    func grows() throws {
        var state = AdaptiveTimeoutState()
        for _ in 0..<100 { state.insert(.milliseconds(400)) }
        var given = 0
        while try #require(state.limit(self.bounds)) < .seconds(10) {
            state.insert(try #require(state.limit(self.bounds)))
            given += 1
        }
        // Two of a hundred move the percentile, and each time the limit triples: 1.2, 3.6, 10.8.
        #expect(given <= 6)
    }

    @Test("only streams are limited, and a wait in vain counts")
    func layer() async throws {
        let time = JumpingTime()
        let base = WaitingProvider(time: time.source)
        let timeout = AdaptiveTimeout()
        let layer = AdaptiveTimeoutLayer(base, timeout, self.bounds, time: time.source)
        for _ in 0..<20 { _ = try await layer.respond(to: Self.request(isStreaming: true), context: .testing()) }
        #expect(timeout.limit(self.bounds) == .milliseconds(1_500))
        #expect(base.lastLimit == nil)
        _ = try await layer.respond(to: Self.request(isStreaming: false), context: .testing())
        #expect(base.lastLimit == nil)
        await #expect(throws: NeedletailError.self) {
            try await layer.respond(to: Self.request(isStreaming: true, model: "late"), context: .testing())
        }
        #expect(base.lastLimit == .milliseconds(1_500))
        #expect(timeout.limit(self.bounds) == .milliseconds(4_500))
    }

    private static func request(isStreaming: Bool, model: String = "m") -> InferenceRequest {
        InferenceRequest(
            operation: .chat, model: model, isStreaming: isStreaming,
            body: .wire(WireBody(dialect: .openAIChat, bytes: ByteBuffer()), BodyLandmarks()),
            replyDialect: .openAIChat)
    }
}

/// Answers after half a second, or gives up at the limit.
private final class WaitingProvider: Provider {
    let id: ProviderID = "w"
    private let time: TimeSource
    private let base = ScriptedProvider("w")
    private let limits = Mutex<[Duration?]>([])
    var lastLimit: Duration? { self.limits.withLock { $0.last ?? nil } }

    init(time: TimeSource) { self.time = time }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        self.limits.withLock { $0.append(context.firstTokenLimit) }
        let wait = request.model == "late" ? context.firstTokenLimit ?? .zero : .milliseconds(500)
        do { try await self.time.sleep(self.time.now().advanced(by: wait)) } catch {
            throw NeedletailError(.cancelled, "cancelled")
        }
        if request.model == "late" { throw NeedletailError(.timedOut, "late") }
        return try await self.base.respond(to: request, context: context)
    }
}
