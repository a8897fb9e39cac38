import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

/// Calls whose clients leave, read to their end.
@Suite("Draining", .timeLimit(.minutes(5)))
struct DrainLayerTests {
    /// Runs `body` beside a runner, which is closed afterwards, under a clock of its own.
    private func run(
        _ body: @escaping @Sendable (JobRunner, TimeSource) async throws -> Void
    ) {
        let executor = VirtualExecutor()
        let time = executor.time
        let ending = executor.run {
            let runner = JobRunner(capacity: 10)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await runner.run() }
                try? await time.sleep(time.now().advanced(by: .milliseconds(1)))
                do { try await body(runner, time) } catch { Issue.record(error) }
                runner.close()
            }
        }
        #expect(ending == .finished)
    }

    /// A stream of ten chunks, a second apart, whose usage comes last.
    private static func upstream(_ time: TimeSource, _ ended: Ended) -> FunctionProvider {
        FunctionProvider("p") { (_, _) throws(NeedletailError) in
            let ending = StreamEnding()
            let stream = ReplyStream(dialect: .openAIChat, ending: ending, reader: Slow(time, ending))
            let reply = InferenceReply(provider: "p", model: "m", body: .stream(stream))
            reply.onEnd { ended.note($0) }
            return reply
        }
    }

    final class Ended: Sendable {
        let outcome = Mutex<Outcome?>(nil)
        func note(_ outcome: Outcome) { self.outcome.withLock { $0 = outcome } }
        var usage: Usage? { self.outcome.withLock { $0?.usage } }
        var isFinished: Bool { self.outcome.withLock { if case .finished = $0?.end { true } else { false } } }
    }

    private final class Slow: ReplyReader {
        private var left = 10
        private let time: TimeSource
        private let ending: StreamEnding

        init(_ time: TimeSource, _ ending: StreamEnding) {
            self.time = time
            self.ending = ending
        }

        func next() async throws(NeedletailError) -> ByteBuffer? {
            do { try await self.time.sleep(self.time.now().advanced(by: .seconds(1))) } catch {
                throw NeedletailError(.cancelled, "cancelled")
            }
            guard self.left > 0 else {
                self.ending.setUsage(Usage(inputTokens: 3, outputTokens: 4))
                return nil
            }
            self.left -= 1
            return ByteBuffer(repeating: 0x20, count: 20_000)
        }
    }

    @Test("A stream that its client leaves goes on to its end, and its usage is known; without the layer it ends")
    func stream() {
        self.run { runner, time in
            for drains in [true, false] {
                let ended = Ended()
                let upstream = Self.upstream(time, ended)
                let provider: any Provider = drains ? DrainLayer(upstream, runner: runner) : upstream
                try await Self.readOne(provider)
                try await time.sleep(time.now().advanced(by: .seconds(60)))
                #expect(ended.isFinished == drains)
                #expect((ended.usage?.totalTokens == 7) == drains)
            }
        }
    }

    private static func readOne(_ provider: any Provider, _ context: RequestContext = .testing()) async throws {
        let reply = try await provider.respond(to: .sample(), context: context)
        guard case .stream(let stream) = reply.body else { throw NeedletailError(.internalFailure, "no stream") }
        var chunks = stream.makeAsyncIterator()
        _ = try await chunks.next()
    }

    /// A limit of one request at a time around what is drained: a key's, a group's target's, and one without a router.
    private static func limited(
        _ kind: String, _ drain: DrainLayer, _ time: TimeSource
    ) -> (provider: any Provider, scope: LimitScope) {
        let scope = LimitScope("s", LimitPolicy(concurrency: 1), now: time.now())
        let gate = AdmissionGate(breaker: CircuitBreaker(nil), limits: [scope])
        switch kind {
        case "key": return (LimitLayer(drain, keys: ["k": [scope]], time: time), scope)
        case "gate": return (GateLayer(drain, gate: gate, time: time, random: .seeded(1)), scope)
        default:
            let target = Target(drain, deployment: Deployment(.init(provider: "p", model: nil), gate: gate))
            let router = Router(id: "r", targets: [target], balancer: .priority, time: time, random: .seeded(1))
            return (router, scope)
        }
    }

    @Test(
        "A place is taken until a call that its client has left has ended, before the first byte or after",
        arguments: ["key", "gate", "target"], [true, false])
    func places(_ kind: String, _ hasBegun: Bool) {
        self.run { runner, time in
            let ended = Ended()
            let upstream = hasBegun ? Self.upstream(time, ended) : Self.slowUpstream(time, ended)
            let (provider, scope) = Self.limited(kind, DrainLayer(upstream, runner: runner), time)
            let context = RequestContext.testing(keyName: "k")
            if hasBegun {
                try await Self.readOne(provider, context)
            } else {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try? await provider.respond(to: .sample(), context: context) }
                    try? await time.sleep(time.now().advanced(by: .seconds(2)))
                    group.cancelAll()
                }
            }
            try await time.sleep(time.now().advanced(by: .seconds(1)))
            #expect(!ended.isFinished && scope.headroom(now: time.now()).running == 1)
            // A router waits for the place.
            if kind != "target" {
                await #expect(throws: NeedletailError.self) {
                    _ = try await provider.respond(to: .sample(), context: .testing(keyName: "k"))
                }
            }
            try await time.sleep(time.now().advanced(by: .seconds(60)))
            #expect(ended.isFinished && scope.headroom(now: time.now()).running == 0)
        }
    }

    @Test("Of two that are asked, the one that lost gives its place back when its own call has ended")
    func hedged() {
        self.run { runner, time in
            let (slow, fast) = (Ended(), Ended())
            let places = ["slow", "fast"].map { name in
                let scope = LimitScope(name, LimitPolicy(concurrency: 1), now: time.now())
                return Deployment(
                    .init(provider: ProviderID(name), model: nil),
                    gate: AdmissionGate(breaker: CircuitBreaker(nil), limits: [scope]))
            }
            let targets = zip([Self.slowUpstream(time, slow), Self.upstream(time, fast)], places).map {
                Target(DrainLayer($0, runner: runner), deployment: $1)
            }
            let router = Router(
                id: "r", targets: targets, balancer: .priority,
                options: RouterOptions(hedge: HedgePolicy(after: .fixed(.seconds(1)), budget: 1)), time: time,
                random: .seeded(1))
            func running() -> [Int] { places.map { $0.gate.limits[0].headroom(now: time.now()).running } }
            let start = time.now()
            // The second is asked after one second and is then read on for eleven; the first ends after ten.
            try await Self.readOne(router)
            try await time.sleep(start.advanced(by: .seconds(9)))
            #expect(running() == [1, 1])
            try await time.sleep(start.advanced(by: .milliseconds(10_500)))
            #expect(slow.isFinished && !fast.isFinished && running() == [0, 1])
            try await time.sleep(start.advanced(by: .seconds(60)))
            #expect(fast.isFinished && running() == [0, 0])
        }
    }

    /// A whole reply after ten seconds.
    private static func slowUpstream(_ time: TimeSource, _ ended: Ended) -> FunctionProvider {
        FunctionProvider("p") { (_, _) throws(NeedletailError) in
            do { try await time.sleep(time.now().advanced(by: .seconds(10))) } catch {
                throw NeedletailError(.cancelled, "cancelled")
            }
            let reply = InferenceReply(
                provider: "p", model: "m",
                body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: "{}")), nil))
            reply.onEnd { ended.note($0) }
            return reply
        }
    }

    @Test("A stream that is read is the same with the layer, however slow its client is")
    func read() {
        self.run { runner, time in
            let ended = Ended()
            let provider = DrainLayer(Self.upstream(time, ended), runner: runner)
            let reply = try await provider.respond(to: .sample(), context: .testing())
            guard case .stream(let stream) = reply.body else { throw NeedletailError(.internalFailure, "no stream") }
            var chunks = stream.makeAsyncIterator()
            var bytes = 0
            while let chunk = try await chunks.next() {
                bytes += chunk.readableBytes
                try await time.sleep(time.now().advanced(by: .seconds(30)))
            }
            #expect(bytes == 200_000)
            #expect(stream.ending.usage?.totalTokens == 7)
            #expect(ended.isFinished)
        }
    }

    @Test("A runner that takes nothing lets the call end with its client")
    func refused() async throws {
        let upstream = FunctionProvider("p") { (_, _) throws(NeedletailError) in
            InferenceReply(
                provider: "p", model: "m",
                body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: "{}")), nil))
        }
        let reply = try await DrainLayer(upstream, runner: JobRunner(capacity: 1)).respond(
            to: .sample(), context: .testing())
        #expect(reply.provider == "p")
    }
}
