import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("ModelRests")
struct ModelRestsTests {
    private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }

    @Test("a model rests until its time has come, and no other with it")
    func rests() {
        let rests = ModelRests()
        #expect(rests.isEmpty)
        rests.rest("a", until: self.at(10), now: self.at(0))
        rests.rest("a", until: self.at(5), now: self.at(0))
        #expect(!rests.isEmpty)
        #expect(rests.rest(of: "a", now: self.at(9)) == self.at(10))
        #expect(rests.rest(of: "b", now: self.at(9)) == nil)
        #expect(rests.rest(of: "a", now: self.at(10)) == nil)
        #expect(rests.isEmpty)
    }

    @Test("more models than are remembered push out those that may be asked first")
    func bounded() {
        let rests = ModelRests()
        for number in 0...ModelRests.capacity {
            rests.rest("m\(number)", until: self.at(100 + number), now: self.at(0))
        }
        #expect(rests.rest(of: "m0", now: self.at(0)) == nil)
        #expect(rests.rest(of: "m1", now: self.at(0)) == self.at(101))
        #expect(rests.rest(of: "m\(ModelRests.capacity)", now: self.at(0)) != nil)
        rests.wake()
        #expect(rests.isEmpty)
        rests.rest(String(repeating: "m", count: ModelRests.longestName + 1), until: self.at(1), now: self.at(0))
        #expect(rests.isEmpty)
    }

    @Test("who serves whatever clients name is not asked for the refused model before its time, and is for others")
    func routed() async throws {
        let time = JumpingTime()
        let base = ScriptedProvider(
            "p", [.failure(NeedletailError(.rateLimited, "Slow down.", retryAfter: .seconds(90)))])
        let place = Deployment(
            Deployment.Key(provider: "p", model: nil), gate: AdmissionGate(rests: .eachModel))
        let router = Router(
            id: "g", targets: [Target(base, deployment: place)], balancer: .priority, time: time.source,
            random: .seeded(1))
        func ask(_ model: String) async -> NeedletailError? {
            do {
                _ = try await router.respond(to: .sample(model), context: .testing())
                return nil
            } catch { return error }
        }
        #expect(await ask("one")?.code == .rateLimited)
        #expect(base.callCount == 1)
        #expect(await ask("one")?.retryAfter == .seconds(90))
        #expect(base.callCount == 1)
        #expect(await ask("two") == nil)
        #expect(base.callCount == 2)
        place.gate.wake()
        #expect(await ask("one") == nil)
    }
}
