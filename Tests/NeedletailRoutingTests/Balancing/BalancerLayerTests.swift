import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Balancers around balancers")
struct BalancerLayerTests {
    // MARK: Health

    @Test("a target below the threshold is left out, unless all are")
    func health() {
        let bench = BalancerBench(count: 3)
        let balancer = HealthBalancer(.roundRobin, threshold: 0.7)
        for _ in 0..<10 { bench.call(1, latency: .milliseconds(1), .failure) }
        #expect(bench.counts(balancer, 100) == [50, 0, 50])
        let scores = balancer.scores(of: bench.targets, among: bench.all, for: bench.question())
        #expect(scores.filter { $0.leftOut != nil }.map(\.index) == [1])
        for index in [0, 2] { for _ in 0..<10 { bench.call(index, latency: .milliseconds(1), .failure) } }
        #expect(bench.counts(balancer, 99) == [33, 33, 33])
        #expect(bench.pick(balancer, among: TargetSet(bits: 0b010)) == 1)
    }

    @Test("it comes back by itself, starts slowly, and one good reply keeps it in")
    func comeback() {
        var bench = BalancerBench(count: 2)
        let balancer = HealthBalancer(.roundRobin, threshold: 0.7)
        for _ in 0..<50 { bench.call(1, latency: .milliseconds(1), .failure) }
        #expect(bench.counts(balancer, 10) == [10, 0])
        bench.advance(.seconds(50))
        #expect(bench.counts(balancer, 10) == [10, 0])
        #expect(bench.targets[1].deployment.statistics.recoveredAt == nil)
        bench.advance(.seconds(5))
        // Looking at it does not start the clock.
        _ = balancer.scores(of: bench.targets, among: bench.all, for: bench.question(isPeek: true))
        #expect(bench.targets[1].deployment.statistics.recoveredAt == nil)
        #expect(bench.counts(balancer, 10) == [5, 5])
        #expect(bench.targets[1].deployment.statistics.recoveredAt == bench.now)
        let back = bench.now
        bench.call(1, latency: .milliseconds(1))
        bench.advance(.seconds(1))
        #expect(bench.counts(balancer, 10) == [5, 5])
        #expect(bench.targets[1].deployment.statistics.recoveredAt == back)
    }

    // MARK: Slow start

    @Test("the share grows from a tenth to all", arguments: 0..<5 as Range<UInt64>)
    func slowStart(seed: UInt64) {
        var bench = BalancerBench(count: 2, seed: seed)
        let balancer = SlowStartBalancer(.priority, window: .seconds(30))
        bench.targets[0].deployment.statistics.recover(now: bench.now)
        for (second, share) in [(0, 0.1), (15, 0.5), (24, 0.8), (30, 1.0), (100, 1.0)] {
            var later = bench
            later.advance(.seconds(second))
            let count = later.counts(balancer, 4_000)[0]
            let deviation = (4_000 * share * (1 - share)).squareRoot()
            #expect(abs(Double(count) - 4_000 * share) <= 5 * deviation, "seed \(seed), second \(second)")
        }
        bench.advance(.seconds(1))
        // Nobody else may be asked: it takes all.
        #expect(bench.counts(balancer, 100, among: TargetSet(bits: 1)) == [100, 0])
        // All came back together: nobody is held back.
        bench.targets[0].deployment.statistics.recover(now: bench.now)
        bench.targets[1].deployment.statistics.recover(now: bench.now)
        #expect(bench.counts(balancer, 100) == [100, 0])
    }

    @Test("a session comes back once and stays")
    func slowStartSessions() {
        var bench = BalancerBench(count: 2)
        let balancer = SlowStartBalancer(AffinityBalancer(.priority, rule: .conversation), window: .seconds(30))
        let sessions = (0..<200).map { StableHash.mix(UInt64($0)) }
        let homes = sessions.map { bench.pick(balancer, affinity: $0) }
        bench.targets[0].deployment.statistics.recover(now: bench.now)
        var back: Set<Int> = []
        for _ in 0...30 {
            for (number, session) in sessions.enumerated() where homes[number] == 0 {
                if bench.pick(balancer, affinity: session) == 0 {
                    back.insert(number)
                } else {
                    #expect(!back.contains(number))
                }
            }
            bench.advance(.seconds(1))
        }
        #expect(back.count == homes.filter { $0 == 0 }.count)
    }

    // MARK: Affinity

    @Test("a session stays, sessions are spread by weight, and one target's loss moves only its own")
    func rendezvous() {
        let bench = BalancerBench(weights: [1, 1, 2])
        let balancer = AffinityBalancer(.priority, rule: .conversation)
        let sessions = (0..<8_000).map { StableHash.mix(UInt64($0)) }
        let homes = sessions.compactMap { bench.pick(balancer, affinity: $0) }
        #expect(sessions.compactMap { bench.pick(balancer, affinity: $0) } == homes)
        for (index, share) in [(0, 0.25), (1, 0.25), (2, 0.5)] {
            let count = Double(homes.filter { $0 == index }.count)
            #expect(abs(count - 8_000 * share) < 5 * (8_000 * share * (1 - share)).squareRoot())
        }
        let without = sessions.compactMap { bench.pick(balancer, among: TargetSet(bits: 0b101), affinity: $0) }
        for (home, now) in zip(homes, without) { #expect(home == 1 ? now != 1 : now == home) }
        #expect(bench.pick(balancer) == 0)
    }

    @Test("a cached prompt does not wait in a queue, a session does")
    func overload() throws {
        let bench = BalancerBench(count: 3)
        let home = try #require(bench.pick(AffinityBalancer(.priority, rule: .promptCache), affinity: 42))
        for _ in 0..<20 { bench.targets[home].deployment.statistics.begin() }
        let next = try #require(bench.pick(AffinityBalancer(.priority, rule: .promptCache), affinity: 42))
        #expect(next != home)
        #expect(bench.pick(AffinityBalancer(.priority, rule: .conversation), affinity: 42) == home)
        let scores = AffinityBalancer(.priority, rule: .promptCache).scores(
            of: bench.targets, among: bench.all, for: bench.question(affinity: 42))
        #expect(scores.first?.index == next && scores.count == 3)
    }

    private static func wire(_ dialect: DialectID, _ json: String) -> InferenceRequest {
        InferenceRequest(
            operation: .chat, model: "m",
            body: .wire(WireBody(dialect: dialect, bytes: ByteBuffer(string: json)), BodyLandmarks()),
            replyDialect: dialect)
    }

    @Test(
        "a conversation is known again in every dialect while it grows",
        arguments: [
            (
                #"{"model":"a","messages":[{"role":"system","content":"S"},{"role":"user","content":"U"}]}"#,
                #"{"model":"b","messages":[{"role":"system","content":"S"},{"role":"user","content":"U"},{"role":"assistant","content":"A"},{"role":"user","content":"V"}]}"#,
                #"{"model":"a","messages":[{"role":"system","content":"S"},{"role":"user","content":"W"}]}"#
            ),
            (
                #"{"system":"S","messages":[{"role":"user","content":"U"}]}"#,
                #"{"system":"S","messages":[{"role":"user","content":"U"},{"role":"assistant","content":"A"}]}"#,
                #"{"system":"S","messages":[{"role":"user","content":"W"}]}"#
            ),
            (
                #"{"contents":[{"parts":[{"text":"U"}]}],"systemInstruction":{"parts":[{"text":"S"}]}}"#,
                #"{"contents":[{"parts":[{"text":"U"}]},{"role":"model","parts":[]}],"systemInstruction":{"parts":[{"text":"S"}]}}"#,
                #"{"contents":[{"parts":[{"text":"W"}]}],"systemInstruction":{"parts":[{"text":"S"}]}}"#
            ),
            (
                #"{"instructions":"S","input":"U"}"#, #"{"instructions":"S","input":"U","store":false}"#,
                #"{"instructions":"S","input":"W"}"#
            ),
        ])
    func beginnings(first: String, later: String, other: String) throws {
        let context = RequestContext.testing()
        func hash(_ rule: AffinityRule, _ text: String) throws -> UInt64 {
            try #require(rule.hash(of: Self.wire(.openAIChat, text), context))
        }
        #expect(try hash(.conversation, first) == hash(.conversation, later))
        #expect(try hash(.conversation, first) != hash(.conversation, other))
        // The prompt's cacheable part is the same for all three.
        #expect(try hash(.promptCache, first) == hash(.promptCache, later))
        #expect(try hash(.promptCache, first) == hash(.promptCache, other))
    }

    @Test("tools and the client's own cache key count, a prompt without either is known by its beginning")
    func cacheable() {
        let context = RequestContext.testing()
        func hash(_ text: String) -> UInt64? {
            AffinityRule.promptCache.hash(of: Self.wire(.openAIChat, text), context)
        }
        let messages = #""messages":[{"role":"user","content":"U"}]"#
        #expect(hash("{\(messages)}") == hash(#"{"messages":[{"role":"user","content":"U"},{"role":"user"}]}"#))
        #expect(hash("{\(messages),\"tools\":[1]}") != hash("{\(messages),\"tools\":[2]}"))
        #expect(
            hash(#"{"prompt_cache_key":"k",\#(messages)}"#) == hash(#"{"prompt_cache_key":"k","messages":[]}"#))
        #expect(hash("{}") == nil && hash("[") == nil)
    }

    @Test("a request made in Swift is known again too")
    func typed() {
        func hash(_ rule: AffinityRule, _ messages: [ChatMessage]) -> UInt64? {
            let request = InferenceRequest(
                operation: .chat, model: "m", body: .model(ChatRequest(model: "m", messages: messages)),
                replyDialect: nil)
            return rule.hash(of: request, .testing())
        }
        let start = [ChatMessage(.system, "S"), ChatMessage(.user, "U")]
        #expect(hash(.conversation, start) == hash(.conversation, start + [ChatMessage(.assistant, "A")]))
        #expect(
            hash(.conversation, start) != hash(.conversation, [ChatMessage(.system, "S"), ChatMessage(.user, "V")]))
        #expect(hash(.promptCache, start) == hash(.promptCache, [ChatMessage(.system, "S"), ChatMessage(.user, "V")]))
        #expect(hash(.conversation, []) == nil)
    }

    @Test("a header's value is known again; without it a request belongs nowhere")
    func header() throws {
        let name = try #require(HTTPField.Name("x-session"))
        func hash(_ value: String?) -> UInt64? {
            AffinityRule.header(name).hash(
                of: .sample(), .testing(routingHeaders: value.map { [name: $0] } ?? [:]))
        }
        #expect(hash("a") == hash("a") && hash("a") != hash("b") && hash("a") != nil)
        #expect(hash(nil) == nil && hash("") == nil)
    }

    // MARK: Groups in groups

    @Test("the outer strategy gives the member its share, the member's own spreads it")
    func nested() {
        // A lone target, and a group of three that has the same share.
        let bench = BalancerBench(weights: [1, 1.0 / 3, 1.0 / 3, 1.0 / 3])
        let balancer = NestedBalancer(
            .weighted, members: [.init(targets: TargetSet(bits: 0b1110), balancer: .roundRobin)])
        #expect(bench.counts(balancer, 600) == [300, 100, 100, 100])
        let first = NestedBalancer(
            .priority, members: [.init(targets: TargetSet(bits: 0b0111), balancer: .roundRobin)])
        #expect(bench.counts(first, 300) == [100, 100, 100, 0])
        #expect(bench.counts(first, 10, among: TargetSet(bits: 0b1000)) == [0, 0, 0, 10])
    }

    @Test("a stable hash is the same in every process")
    func stable() {
        #expect(StableHash.of("openai/gpt-4o-mini") == StableHash.of("openai/gpt-4o-mini"))
        #expect(StableHash.of("") == StableHash.mix(0xcbf2_9ce4_8422_2325))
        #expect(StableHash.of("a") != StableHash.of("b"))
    }
}
