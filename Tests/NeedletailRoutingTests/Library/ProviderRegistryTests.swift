import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Provider registry")
struct ProviderRegistryTests {
    private func request(_ model: String) -> InferenceRequest { .sample(model) }

    @Test("a name, a name with a model, and a model that one provider lists")
    func names() async throws {
        let time = JumpingTime().source
        let registry = ProviderRegistry(time: time)
        let (one, two) = (TimedProvider("one", time: time), TimedProvider("two", time: time))
        try registry.register(one, profile: ProviderProfile(models: ["alpha", "both"]))
        try registry.register(two, as: "second", profile: ProviderProfile(models: ["beta", "both"]))
        #expect(registry.names == ["one", "second"])
        for model in ["one", "one/alpha", "alpha", "second/any/thing", "beta"] {
            _ = try await registry.respond(to: self.request(model), context: .testing())
        }
        #expect(one.models == ["one", "alpha", "alpha"])
        #expect(two.models == ["any/thing", "beta"])
        let ambiguous = await #expect(throws: NeedletailError.self) {
            try await registry.respond(to: self.request("both"), context: .testing())
        }
        #expect(ambiguous?.code == .notFound && ambiguous?.message.contains("'one/both', 'second/both'") == true)
        let near = await #expect(throws: NeedletailError.self) {
            try await registry.respond(to: self.request("alphq"), context: .testing())
        }
        #expect(near?.message.contains("'alpha'") == true)
        #expect(
            #expect(throws: NeedletailError.self) { try registry.provider(named: "secnd") }?.message
                .contains("'second'") == true)
        for name in ["", "a/b"] as [ProviderID] {
            #expect(
                #expect(throws: NeedletailError.self) { try registry.register(one, as: name) }?.code == .invalidRequest)
        }
    }

    @Test("a request ends with the provider that it began with, whatever becomes of the name")
    func replaced() throws {
        let executor = VirtualExecutor()
        let time = executor.time
        let registry = ProviderRegistry(time: time)
        let (old, new) = (TimedProvider("p", .seconds(10), time: time), TimedProvider("p", .seconds(1), time: time))
        let notes = Notes<String>()
        let ending = executor.run {
            _ = try? registry.register(old)
            guard let handle = try? registry.provider(named: "p") else { return }
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    let reply = try? await handle.respond(to: .sample("first"), context: .testing())
                    notes.add("\(reply?.model ?? "none") at \(time.now().nanoseconds / 1_000_000_000)")
                }
                try? await time.sleep(Instant(nanoseconds: 2_000_000_000))
                let replaced = try? registry.register(new)
                notes.add(replaced is TimedProvider ? "replaced" : "nothing there")
                let reply = try? await handle.respond(to: .sample("second"), context: .testing())
                notes.add("\(reply?.model ?? "none") at \(time.now().nanoseconds / 1_000_000_000)")
                notes.add("\(registry.snapshot().map { "\($0.state) \($0.inFlight)" })")
                let left = try? await registry.drain("p", within: .seconds(60))
                notes.add("left \(left ?? -1) at \(time.now().nanoseconds / 1_000_000_000)")
                // The successor goes on.
                notes.add("\(registry.snapshot().map { "\($0.state) \($0.inFlight)" })")
            }
        }
        #expect(ending == .finished)
        #expect(old.models == ["first"] && new.models == ["second"])
        #expect(
            notes.all == [
                "replaced", "second at 3", #"["active 0", "draining 1"]"#, "first at 10", "left 0 at 10",
                #"["active 0"]"#,
            ])
    }

    @Test("drain waits no longer than it may, and says what is left")
    func drain() throws {
        let executor = VirtualExecutor()
        let time = executor.time
        let registry = ProviderRegistry(time: time)
        let provider = TimedProvider("p", .seconds(10), time: time)
        let notes = Notes<String>()
        let ending = executor.run {
            _ = try? registry.register(provider)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await registry.respond(to: .sample("p"), context: .testing()) }
                try? await time.sleep(Instant(nanoseconds: 1))
                notes.add("\((try? await registry.drain("p", within: .seconds(3))) ?? -1)")
                notes.add("\(time.now().nanoseconds / 1_000_000_000)")
                do throws(NeedletailError) {
                    _ = try await registry.respond(to: .sample("p"), context: .testing())
                } catch {
                    notes.add("\(error.code)")
                }
                notes.add("\((try? await registry.drain("p", within: .seconds(60))) ?? -1)")
                try? registry.enable("p")
                notes.add("\(registry.snapshot().map(\.state.rawValue))")
            }
        }
        #expect(ending == .finished)
        #expect(notes.all == ["1", "3", "unavailable", "0", #"["active"]"#])
        #expect(provider.models.count == 1)
    }

    @Test("a call that is switched off on its way in does not begin, and is not counted")
    func lateCall() async {
        let provider = TimedProvider("p", time: JumpingTime().source)
        let entry = RegistryEntry("p", provider, ProviderProfile())
        // The clock is asked between the first look at the switch and the count.
        let time = TimeSource(
            now: {
                entry.isEnabled = false
                return Instant(nanoseconds: 0)
            }, wallSeconds: { 0 }, sleep: { _ throws(CancellationError) in })
        let error = await #expect(throws: NeedletailError.self) {
            _ = try await entry.respond(to: .sample("p"), .testing(), time: time)
        }
        #expect(error?.code == .unavailable && provider.models.isEmpty && entry.calls.count == 0)
    }

    @Test("a group passes over who is switched off, without a try, and comes back to it")
    func inGroup() async throws {
        let time = JumpingTime().source
        let registry = ProviderRegistry(time: time)
        let (one, two) = (TimedProvider("one", time: time), TimedProvider("two", time: time))
        try registry.register(one)
        try registry.register(two)
        let group = FailoverGroup(
            "chat",
            members: [
                try registry.provider(named: "one").member(model: "m"),
                try registry.provider(named: "two").member(model: "m"),
            ], options: RouterOptions(maximumAttempts: 1))
        let router = try group.makeRouter(time: time, random: .seeded(1))
        func ask() async throws -> ProviderID {
            try await router.respond(to: .sample(), context: .testing()).provider
        }
        #expect(try await ask() == "one")
        try registry.disable("one")
        #expect(try await ask() == "two")
        try registry.enable("one")
        #expect(try await ask() == "one")
        try registry.deregister("one")
        #expect(try await ask() == "two")
        try registry.disable("two")
        await #expect(throws: NeedletailError.self) { try await ask() }
        #expect(one.models.count == 2 && two.models.count == 2)
    }

    @Test("what calls have shown is in the snapshot")
    func snapshot() async throws {
        let time = JumpingTime()
        let registry = ProviderRegistry(time: time.source)
        try registry.register(TimedProvider("good", .milliseconds(50), time: time.source))
        try registry.register(
            TimedProvider("bad", failure: NeedletailError(.upstreamFailed, "no"), time: time.source))
        try registry.register(
            TimedProvider("strict", failure: NeedletailError(.invalidRequest, "no"), time: time.source))
        for name in ["good", "good", "bad", "strict"] {
            _ = try? await registry.respond(to: .sample(name), context: .testing())
        }
        try registry.disable("strict")
        let all = registry.snapshot()
        #expect(all.map(\.name) == ["bad", "good", "strict"])
        #expect(all.map(\.successes) == [0, 2, 0] && all.map(\.failures) == [1, 0, 0])
        #expect(all.map(\.neutrals) == [0, 0, 1] && all.map(\.inputTokens) == [0, 6, 0])
        #expect(all[1].averageLatency == .milliseconds(50) && all[1].successRate == 1 && all[0].successRate == 0)
        #expect(all[0].health < 1 && all[1].health == 1 && all[2].successRate == nil)
        #expect(all.map(\.state) == [.active, .active, .disabled])
    }

    @Test("capabilities: what is known, what is not, and what is switched off")
    func capabilities() throws {
        let registry = ProviderRegistry(time: JumpingTime().source)
        let time = JumpingTime().source
        func profile(_ able: [String: Capability.Ability]) -> ProviderProfile {
            ProviderProfile(models: able.keys.sorted()) { model, capability in
                capability.features.contains(.images) ? able[model] ?? .unknown : .able
            }
        }
        try registry.register(
            TimedProvider("a", time: time), profile: profile(["sees": .able, "blind": .unable, "new": .unknown]))
        try registry.register(TimedProvider("b", time: time), profile: profile(["other": .able]))
        #expect(registry.models(able: Capability(.images)).map(\.model) == ["sees", "other"])
        #expect(
            registry.models(able: Capability(.images), includingUnknown: true).map(\.model)
                == ["sees", "other", "new"])
        #expect(registry.models(able: Capability()).count == 4)
        #expect(registry.providers(able: Capability(.images)) == ["a", "b"])
        try registry.disable("b")
        #expect(registry.providers(able: Capability(.images)) == ["a"])
    }

    @Test("health is asked of all at the same time, each with a time limit of its own")
    func checks() throws {
        let executor = VirtualExecutor()
        let time = executor.time
        let registry = ProviderRegistry(time: time)
        let notes = Notes<[ProviderID: Bool?]>()
        let ending = executor.run {
            for (name, seconds) in [("quick", 1), ("slow", 9)] {
                _ = try? registry.register(
                    TimedProvider(ProviderID(name), time: time),
                    profile: ProviderProfile(check: { deadline throws(NeedletailError) in
                        let answer = time.now().advanced(by: .seconds(seconds))
                        try? await time.sleep(min(answer, deadline))
                        if answer > deadline { throw NeedletailError(.timedOut, "late") }
                        return nil
                    }))
            }
            _ = try? registry.register(TimedProvider("mute", time: time))
            notes.add(await registry.checkHealth().mapValues(\.isHealthy))
        }
        #expect(ending == .finished)
        #expect(notes.all == [["quick": true, "slow": false]])
        #expect(executor.now == Instant(nanoseconds: 5_000_000_000))
    }

    @Test("a closed registry waits for what runs, closes what it has, and answers nobody")
    func close() throws {
        let executor = VirtualExecutor()
        let time = executor.time
        let registry = ProviderRegistry(time: time)
        let provider = TimedProvider("p", .seconds(10), time: time)
        let notes = Notes<String>()
        let ending = executor.run {
            _ = try? registry.register(provider)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    let reply = try? await registry.respond(to: .sample("p"), context: .testing())
                    notes.add("answered \(reply != nil)")
                }
                try? await time.sleep(Instant(nanoseconds: 1))
                await registry.close()
                notes.add("closed at \(time.now().nanoseconds / 1_000_000_000)")
            }
            for _ in 0..<2 { await registry.close() }
            do throws(NeedletailError) {
                _ = try await registry.respond(to: .sample("p"), context: .testing())
            } catch {
                notes.add(error.message)
            }
            do throws(NeedletailError) {
                _ = try registry.register(provider)
            } catch {
                notes.add(error.message)
            }
        }
        #expect(ending == .finished)
        #expect(
            notes.all == [
                "answered true", "closed at 10", "The registry has been closed.", "The registry has been closed.",
            ])
        #expect(provider.closes >= 1)
    }
}
