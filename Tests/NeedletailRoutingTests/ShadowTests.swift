import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

@Suite("Shadow traffic", .timeLimit(.minutes(15)))
struct ShadowTests {
    private let time = JumpingTime()

    private func shadow(
        _ target: any Provider, _ runner: JobRunner, _ settings: ShadowTraffic.Settings = .init(fraction: 1),
        seed: UInt64 = 1
    ) -> ShadowTraffic {
        ShadowTraffic(
            name: "g", destination: "b/x", target: target, settings: settings, runner: runner,
            outline: { (bytes, _, _) throws(NeedletailError) in
                let text = String(buffer: bytes)
                return ReplyOutline(textLength: text.utf8.count, toolCalls: text.contains("tool") ? ["t"] : [])
            },
            time: self.time.source, random: .seeded(seed))
    }

    private func withRunner(_ body: (JobRunner) async throws -> Void) async throws {
        let runner = JobRunner(capacity: 1_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            await eventually { runner.start {} }
            defer { runner.close() }
            try await body(runner)
        }
    }

    @Test("the client has its answer while the copy hangs, and a copy is nobody's")
    func neverDelays() async throws {
        try await self.withRunner { runner in
            let gate = Gate()
            let seen = Mutex<RequestContext?>(nil)
            let target = FunctionProvider("b") { (_, context) throws(NeedletailError) in
                seen.withLock { $0 = context }
                try await gate.pass()
                return wholeReply("{\"tool\"}", from: "b")
            }
            let layer = ShadowLayer(ScriptedProvider("a"), shadow: self.shadow(target, runner))
            let shadow = self.shadow(target, runner)
            let whole = try await ShadowLayer(ScriptedProvider("a"), shadow: shadow)
                .respond(to: ruleRequest(), context: .testing(keyName: "k", tenant: "t"))
            #expect(whole.provider == "a" && layer.id == "a")
            let stream = try await ShadowLayer(ScriptedProvider("a", [.stream(["x", "y"])]), shadow: shadow)
                .respond(to: ruleRequest(isStreaming: true), context: .testing(keyName: "k"))
            #expect(try await readAll(stream) == "xy")
            await eventually { target.calls == 2 }
            let context = try #require(seen.withLock { $0 })
            #expect(context.request.keyName == nil && context.request.tenant == nil && context.cause == .shadow)
            #expect(shadow.snapshot().counts.compared == 0)
            gate.open()
            await eventually { shadow.snapshot().counts.compared == 2 }
            let snapshot = shadow.snapshot()
            #expect(snapshot.running == 0 && snapshot.counts.differences[.toolCalls] == 2)
            #expect(snapshot.comparisons.allSatisfy { $0.primary.provider == "a" && $0.shadow.provider == "b" })
        }
    }

    @Test("failures of either are compared, and a client that left is not")
    func failures() async throws {
        try await self.withRunner { runner in
            func ask(
                _ primary: ScriptedProvider.Step, _ copy: ScriptedProvider.Step, read: Bool = true
            ) async
                -> ShadowSnapshot
            {
                let shadow = self.shadow(ScriptedProvider("b", [copy]), runner)
                let reply = try? await ShadowLayer(ScriptedProvider("a", [primary]), shadow: shadow)
                    .respond(to: ruleRequest(), context: .testing())
                if let reply, read { _ = try? await readAll(reply) }
                _ = consume reply
                await eventually { shadow.snapshot().running == 0 }
                return shadow.snapshot()
            }
            let failure = ScriptedProvider.Step.failure(NeedletailError(.overloaded, "x"))
            let both = await ask(failure, failure)
            #expect(both.counts.alike == 1 && both.comparisons.first?.shadow.status == 503)
            #expect(await ask(.reply("{}"), failure).counts.differences == [.status: 1])
            #expect(await ask(failure, .reply("{}")).counts.differences == [.status: 1])
            let broken = ScriptedProvider.Step.broken(["x"], NeedletailError(.unreachable, "x"))
            #expect(await ask(.stream(["x"]), broken).comparisons.first?.shadow.error == "unreachable")
            let left = await ask(.stream(["x"]), .reply("{}"), read: false)
            #expect(left.counts.dropped == 1 && left.counts.compared == 0)
        }
    }

    @Test("no more copies are begun than the share, the minute's budget and the places allow")
    func bounds() async throws {
        var state = ShadowState(budget: 3, concurrency: 2)
        let start = Instant(nanoseconds: 0)
        let comparison = ShadowComparison(
            requestID: "r", model: "m", primary: .init(status: 200, latency: .seconds(1)),
            shadow: .init(status: 200, latency: .seconds(1)))
        #expect(state.admit(now: start) == .send && state.admit(now: start) == .send)
        #expect(state.admit(now: start) == .busy)
        state.end(comparison)
        #expect(state.admit(now: start) == .send)
        state.drop()
        #expect(state.admit(now: start.advanced(by: .seconds(59))) == .overBudget)
        #expect(state.admit(now: start.advanced(by: .seconds(60))) == .send)
        #expect(state.counts.sent == 4 && state.counts.busy == 1 && state.counts.overBudget == 1 && state.running == 2)
        for _ in 0..<250 {
            state.end(comparison)
            _ = state.admit(now: start.advanced(by: .seconds(70)))
        }
        #expect(state.comparisons.count == ShadowState.kept)
    }

    @Test("a share is drawn, and only chats that stand alone are copied", arguments: 0..<3 as Range<UInt64>)
    func share(_ seed: UInt64) async throws {
        try await self.withRunner { runner in
            let settings = ShadowTraffic.Settings(fraction: 0.2, concurrency: 10_000)
            let shadow = self.shadow(ScriptedProvider("b"), runner, settings, seed: seed)
            let layer = ShadowLayer(ScriptedProvider("a"), shadow: shadow)
            for _ in 0..<1_000 { _ = try await layer.respond(to: ruleRequest(), context: .testing()) }
            await eventually { shadow.snapshot().running == 0 }
            #expect((137...263).contains(shadow.snapshot().counts.sent), "seed \(seed)")
            let all = self.shadow(ScriptedProvider("b"), runner)
            var pinned = ruleRequest()
            pinned.pin = "a"
            for request in [pinned, ruleRequest(operation: .embeddings)] {
                _ = try await ShadowLayer(ScriptedProvider("a"), shadow: all).respond(to: request, context: .testing())
            }
            #expect(all.snapshot().counts.sent == 0)
        }
    }

    @Test("closing the runner cancels the copies, and none begins after it")
    func drain() async throws {
        let runner = JobRunner(capacity: 10)
        let gate = Gate()
        let target = FunctionProvider("b") { (_, _) throws(NeedletailError) in
            try await gate.pass()
            return wholeReply()
        }
        let shadow = self.shadow(target, runner)
        let layer = ShadowLayer(ScriptedProvider("a"), shadow: shadow)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            await eventually { runner.start {} }
            _ = try await layer.respond(to: ruleRequest(), context: .testing())
            await eventually { target.running == 1 }
            runner.close()
            try await group.waitForAll()
        }
        #expect(target.cancelled == 1 && shadow.snapshot().counts.dropped == 1)
        #expect(try await layer.respond(to: ruleRequest(), context: .testing()).provider == "a")
        #expect(target.calls == 1)
    }

    @Test(
        "what differs is told",
        arguments: [
            (200, 200, 1.0, 2.0, 100, 100, []), (200, 200, 1.0, 2.1, 100, 100, [.latency]),
            (200, 503, 1.0, 1.0, 100, 100, [.status]), (200, 200, 1.0, 1.0, 100, 201, [.length]),
            (200, 200, 1.0, 1.0, 1, 60, []), (200, 200, 3.0, 1.0, 1_000, 100, [.latency, .length]),
        ] as [(Int, Int, Double, Double, Int, Int, Set<ShadowComparison.Difference>)])
    func differences(
        _ status: Int, _ other: Int, _ latency: Double, _ slower: Double, _ length: Int, _ longer: Int,
        _ differences: Set<ShadowComparison.Difference>
    ) {
        let comparison = ShadowComparison(
            requestID: "r", model: "m",
            primary: .init(status: status, latency: .seconds(latency), outline: .init(textLength: length)),
            shadow: .init(status: other, latency: .seconds(slower), outline: .init(textLength: longer)))
        #expect(comparison.differences == differences)
    }
}
