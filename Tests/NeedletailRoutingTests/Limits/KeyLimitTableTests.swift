import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Limits of keys that come and go")
struct KeyLimitTableTests {
    private let table = KeyLimitTable()
    private let time = JumpingTime()

    private func layer(tenants: [String: LimitScope] = [:], keys: [String: [LimitScope]] = [:]) -> LimitLayer {
        LimitLayer(
            ScriptedProvider("upstream"), keys: keys, tenants: tenants, passing: self.table, time: self.time.source)
    }

    private func set(_ policies: [String: LimitPolicy]) { self.table.replace(policies, now: self.time.source.now()) }

    /// The code of the refusal, or what is left of the requests.
    private func ask(_ layer: LimitLayer, _ key: String?, tenant: String? = nil) async -> String {
        let context = RequestContext.testing(keyName: key, tenant: tenant)
        do throws(NeedletailError) {
            _ = try await layer.respond(to: .sample(), context: context)
        } catch {
            return "\(error.code)"
        }
        return context.request.limitReport?.requests.map { "\($0.remaining) of \($0.limit)" } ?? "free"
    }

    @Test("a change holds at once and does not fill the bucket; what is taken away limits nothing")
    func changes() async {
        let layer = self.layer()
        #expect(await self.ask(layer, "dev") == "free")
        self.set(["dev": LimitPolicy(requestsPerMinute: 2)])
        #expect(await self.ask(layer, "dev") == "1 of 2")
        #expect(await self.ask(layer, "other") == "free")
        #expect(await self.ask(layer, nil) == "free")
        #expect(await self.ask(layer, "dev") == "0 of 2")
        #expect(await self.ask(layer, "dev") == "rateLimited")
        self.set(["dev": LimitPolicy(requestsPerMinute: 60), "new": LimitPolicy(requestsPerMinute: 1)])
        #expect(await self.ask(layer, "dev") == "rateLimited", "a higher rate is no gift")
        self.time.advance(by: .seconds(1))
        #expect(await self.ask(layer, "dev") == "0 of 60")
        #expect(self.table.scopes.map(\.name) == ["key dev", "key new"])
        self.set(["new": LimitPolicy()])
        #expect(self.table.scopes.isEmpty)
        #expect(await self.ask(layer, "dev") == "free")
    }

    @Test("its tenant's limits hold beside those of a key, and a refusal takes from neither")
    func tenants() async {
        let tenant = LimitScope("tenant blue", LimitPolicy(requestsPerMinute: 3), now: self.time.source.now())
        let layer = self.layer(tenants: ["blue": tenant])
        self.set(["a": LimitPolicy(requestsPerMinute: 1)])
        #expect(await self.ask(layer, "a", tenant: "blue") == "0 of 1")
        #expect(await self.ask(layer, "a", tenant: "blue") == "rateLimited")
        #expect(await self.ask(layer, "b", tenant: "blue") == "1 of 3")
        #expect(await self.ask(layer, "b", tenant: "blue") == "0 of 3")
        self.set(["a": LimitPolicy(requestsPerMinute: 1), "c": LimitPolicy(requestsPerMinute: 9)])
        #expect(await self.ask(layer, "c", tenant: "blue") == "rateLimited")
        #expect(self.table.scopes.last?.headroom(now: self.time.source.now()).requests?.remaining == 9)
    }

    @Test("a key of the configuration has its own limits")
    func configured() async {
        let own = LimitScope("key dev", LimitPolicy(requestsPerMinute: 5), now: self.time.source.now())
        self.set(["dev": LimitPolicy(requestsPerMinute: 1)])
        #expect(await self.ask(self.layer(keys: ["dev": [own]]), "dev") == "4 of 5")
    }

    @Test("a request that runs ends in the scope that it began in, whatever became of the key")
    func concurrency() async throws {
        self.set(["dev": LimitPolicy(concurrency: 1)])
        let scope = try #require(self.table.scopes.first)
        let layer = LimitLayer(
            ScriptedProvider("upstream", [.stream(["data: {}\n\n"])]), keys: [:], passing: self.table,
            time: self.time.source)
        var reply: InferenceReply? = try await layer.respond(to: .sample(), context: .testing(keyName: "dev"))
        #expect(await self.ask(layer, "dev") == "rateLimited")
        self.set([:])
        #expect(scope.headroom(now: self.time.source.now()).running == 1)
        if case .stream(let stream) = reply?.body { for try await _ in stream {} }
        reply = nil
        #expect(scope.headroom(now: self.time.source.now()).running == 0)
    }
}
