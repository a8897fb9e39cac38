import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

/// Runs `body` beside a runner, which is closed afterwards.
private func withRunner(_ body: (JobRunner) async throws -> Void) async throws {
    let runner = JobRunner(capacity: 1_000)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await runner.run() }
        await eventually { runner.start {} }
        defer { runner.close() }
        try await body(runner)
    }
}

@Suite("Coalescing", .timeLimit(.minutes(15)))
struct CoalescingTests {
    private func layer(
        _ provider: any Provider, _ runner: JobRunner, bound: Int = FlightTable.defaultBound
    ) -> (CoalescingLayer, FlightTable) {
        let flights = FlightTable(runner: runner, bound: bound)
        return (CoalescingLayer(provider, flights: flights, time: JumpingTime().source), flights)
    }

    @Test("equal requests that are under way share one call, and its tokens are counted once")
    func whole() async throws {
        try await withRunner { runner in
            let gate = Gate()
            let provider = FunctionProvider("a") { (_, _) throws(NeedletailError) in
                try await gate.pass()
                return wholeReply("one", usage: Usage(inputTokens: 3, outputTokens: 4))
            }
            let (layer, flights) = self.layer(provider, runner)
            try await withThrowingTaskGroup(of: (String, Int).self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let reply = try await layer.respond(to: ruleRequest(), context: .testing(keyName: "k"))
                        guard case .complete(let body, let usage) = reply.body else { return ("", 0) }
                        return (String(buffer: body.bytes), usage?.totalTokens ?? -1)
                    }
                }
                await eventually { flights.snapshot() == .init(led: 1, joined: 19, calledAgain: 0) }
                gate.open()
                var tokens = 0
                for try await (text, count) in group {
                    #expect(text == "one")
                    tokens += count
                }
                #expect(tokens == 7)
            }
            #expect(provider.calls == 1)
            _ = try await layer.respond(to: ruleRequest(), context: .testing(keyName: "k"))
            #expect(provider.calls == 2, "what is over is not shared")
        }
    }

    /// A request that differs from the usual one.
    private static let others: [(String, InferenceRequest, RequestContext)] = [
        ("bytes", ruleRequest(body: #"{"model":"m","messages":[]}"#), .testing(keyName: "k")),
        ("model", ruleRequest("n"), .testing(keyName: "k")), ("key", ruleRequest(), .testing(keyName: "l")),
        ("tenant", ruleRequest(), .testing(keyName: "k", tenant: "t")),
        ("stream", ruleRequest(isStreaming: true), .testing(keyName: "k")),
        ("strict", ruleRequest(), .testing(isStrict: true, keyName: "k")),
        ("header", ruleRequest(), .testing(forwardedHeaders: [.accept: "x"], keyName: "k")),
        ("dialect", ruleRequest(dialect: .ollamaChat), .testing(keyName: "k")),
        ("images", ruleRequest(operation: .imageGeneration), .testing(keyName: "k")),
        ("kept response", ruleRequest(dialect: .openAIResponses), .testing(keyName: "k")),
        ("earlier deadline", ruleRequest(), .testing(keyName: "k", deadline: Instant(nanoseconds: 5))),
    ]

    @Test("what differs in anything that matters is asked for itself", arguments: 0..<Self.others.count)
    func differs(_ index: Int) async throws {
        let (name, other, context) = Self.others[index]
        try await withRunner { runner in
            let gate = Gate()
            let provider = FunctionProvider("a") { (_, _) throws(NeedletailError) in
                try await gate.pass()
                return wholeReply()
            }
            let (layer, _) = self.layer(provider, runner)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await layer.respond(to: ruleRequest(), context: .testing(keyName: "k")) }
                await eventually { provider.calls == 1 }
                group.addTask { _ = try await layer.respond(to: other, context: context) }
                await eventually { provider.calls == 2 }
                gate.open()
                try await group.waitForAll()
            }
            #expect(provider.calls == 2, "\(name)")
        }
    }

    @Test("a response that is not to be kept may be shared")
    func unkept() {
        let request = ruleRequest(dialect: .openAIResponses, body: #"{"model":"m","input":"x","store":false}"#)
        #expect(CoalescingKey(request, ruleInfo()) != nil)
        var pinned = request
        pinned.pin = "a"
        #expect(CoalescingKey(pinned, ruleInfo()) == nil)
    }

    @Test("a failure is everybody's, and the next request makes its own call")
    func failure() async throws {
        try await withRunner { runner in
            let gate = Gate()
            let provider = FunctionProvider("a") { (_, _) throws(NeedletailError) in
                try await gate.pass()
                throw NeedletailError(.rateLimited, "full", retryAfter: .seconds(3))
            }
            let (layer, flights) = self.layer(provider, runner)
            await withTaskGroup(of: NeedletailError?.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        do { _ = try await layer.respond(to: ruleRequest(), context: .testing()) } catch {
                            return error as? NeedletailError
                        }
                        return nil
                    }
                }
                await eventually { flights.snapshot().joined == 2 }
                gate.open()
                for await error in group { #expect(error?.code == .rateLimited && error?.retryAfter == .seconds(3)) }
            }
            #expect(provider.calls == 1)
        }
    }

    /// A stream that gives a chunk each time it is let.
    private final class Tap: Sendable {
        private let state = Mutex((given: 0, dropped: false))
        let gates = (0..<8).map { _ in Gate() }
        var given: Int { self.state.withLock { $0.given } }
        var isDropped: Bool { self.state.withLock { $0.dropped } }

        func reply(_ count: Int, chunk: Int = 1) -> InferenceReply {
            let ending = StreamEnding()
            let reader = FunctionReader(onDrop: { self.state.withLock { $0.dropped = true } }) {
                () throws(NeedletailError) in
                let index = self.given
                guard index < count else { return nil }
                try await self.gates[index].pass()
                self.state.withLock { $0.given += 1 }
                ending.setUsage(Usage(inputTokens: 10, outputTokens: index + 1))
                return ByteBuffer(string: String(repeating: "\(index)", count: chunk))
            }
            return InferenceReply(
                provider: "a", model: "m",
                body: .stream(ReplyStream(dialect: .openAIChat, ending: ending, reader: reader)))
        }
    }

    @Test("of a stream everyone gets everything, whoever leaves, and late ones too; tokens are counted once")
    func stream() async throws {
        try await withRunner { runner in
            let tap = Tap()
            let provider = FunctionProvider("a") { (_, _) throws(NeedletailError) in tap.reply(3) }
            let (layer, _) = self.layer(provider, runner)
            let request = ruleRequest(isStreaming: true)
            let tokens = Atomic<Int>(0)
            func join() async throws -> InferenceReply {
                let reply = try await layer.respond(to: request, context: .testing())
                reply.onEnd { tokens.add($0.usage?.totalTokens ?? 0, ordering: .relaxed) }
                return reply
            }
            var leaver: InferenceReply? = try await join()
            let (one, two) = (try await join(), try await join())
            tap.gates[0].open()
            await eventually { tap.given == 1 }
            #expect(leaver != nil)
            leaver = nil
            let late = try await join()
            tap.gates[1].open()
            tap.gates[2].open()
            #expect(try await readAll(one) == "012")
            #expect(try await readAll(two) == "012")
            #expect(try await readAll(late) == "012")
            #expect(provider.calls == 1)
            #expect(tokens.load(ordering: .relaxed) == 13)
        }
    }

    @Test("the last one's leaving cancels the call, before the commit and after it", arguments: [true, false])
    func abandoned(_ beforeCommit: Bool) async throws {
        try await withRunner { runner in
            let tap = Tap()
            let gate = Gate()
            if !beforeCommit { gate.open() }
            let provider = FunctionProvider("a") { (_, _) throws(NeedletailError) in
                try await gate.pass()
                return tap.reply(3)
            }
            let (layer, flights) = self.layer(provider, runner)
            let request = ruleRequest(isStreaming: true)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        guard let reply = try? await layer.respond(to: request, context: .testing()) else { return }
                        _ = try? await readAll(reply)
                    }
                }
                await eventually { flights.snapshot().joined == 1 && provider.calls == 1 }
                group.cancelAll()
            }
            await eventually { beforeCommit ? provider.cancelled == 1 : tap.isDropped }
            #expect(provider.running == 0)
            gate.open()
            for gate in tap.gates { gate.open() }
            let again = try await layer.respond(to: request, context: .testing())
            #expect(again.provider == "a" && provider.calls == 2)
        }
    }

    @Test("one who falls behind is cut off only when others wait, and memory stays bounded")
    func laggard() async throws {
        try await withRunner { runner in
            let tap = Tap()
            for gate in tap.gates { gate.open() }
            let provider = FunctionProvider("a") { (_, _) throws(NeedletailError) in tap.reply(8, chunk: 10) }
            let (layer, _) = self.layer(provider, runner, bound: 25)
            let request = ruleRequest(isStreaming: true)
            let quick = try await layer.respond(to: request, context: .testing())
            let slow = try await layer.respond(to: request, context: .testing())
            await eventually { tap.given >= 3 }
            #expect(tap.given == 3, "nobody reads, so the upstream waits")
            #expect(try await readAll(quick).utf8.count == 80)
            let error = await #expect(throws: NeedletailError.self) { try await readAll(slow) }
            #expect(error?.code == .unavailable)
        }
    }

    @Test("one whose call runs out of the first one's time makes its own")
    func timeout() async throws {
        try await withRunner { runner in
            let gate = Gate()
            let calls = Atomic<Int>(0)
            let provider = FunctionProvider("a") { (_, context) throws(NeedletailError) in
                calls.add(1, ordering: .relaxed)
                try await gate.pass()
                if context.deadline == Instant(nanoseconds: 10) { throw NeedletailError(.timedOut, "late") }
                return wholeReply("own")
            }
            let (layer, flights) = self.layer(provider, runner)
            async let first = layer.respond(
                to: ruleRequest(), context: .testing(deadline: Instant(nanoseconds: 10)))
            await eventually { calls.load(ordering: .relaxed) == 1 }
            async let second = layer.respond(
                to: ruleRequest(), context: .testing(deadline: Instant(nanoseconds: 20)))
            await eventually { flights.snapshot().joined == 1 }
            gate.open()
            let own = try await second
            #expect(own.provider == "a")
            let failed: Bool
            do {
                _ = try await first
                failed = false
            } catch {
                failed = true
            }
            #expect(failed)
            #expect(flights.snapshot().calledAgain == 1)
        }
    }

    /// Equal requests that come at one moment have deadlines that differ by what their way took, in any order.
    @Test(
        "the order of requests that come at one moment does not matter",
        arguments: [(-1_000_000, true), (-1, true), (0, true), (1, true), (1_000_000_000, true), (-60_000_000, false)])
    func moment(_ later: Int64, _ joins: Bool) throws {
        let flights = FlightTable(runner: JobRunner(capacity: 1))
        let key = try #require(CoalescingKey(ruleRequest(), ruleInfo()))
        let first = Instant(nanoseconds: 1_000_000_000)
        _ = flights.join(key, deadline: first)
        _ = flights.join(key, deadline: first.advanced(by: .nanoseconds(later)))
        #expect(flights.snapshot() == .init(led: 1, joined: joins ? 1 : 0, calledAgain: 0))
    }

    @Test("without a runner nothing is shared and nothing waits")
    func closed() async throws {
        let provider = FunctionProvider("a") { (_, _) throws(NeedletailError) in wholeReply() }
        let (layer, _) = self.layer(provider, JobRunner(capacity: 1))
        _ = try await layer.respond(to: ruleRequest(), context: .testing())
        #expect(provider.calls == 1)
    }
}
