// Microseconds per request for choosing a target in each of 3 groups of 10 targets, once per strategy: the median and
// the best of 21 rounds. Every call's start and end are told to the statistics too, and shown apart.
import NeedletailCore
import NeedletailRouting

struct Silent: Provider {
    let id: ProviderID

    func respond(to request: InferenceRequest, context: RequestContext) async throws(NeedletailError) -> InferenceReply
    {
        throw NeedletailError(.unavailable, "This provider is never asked.")
    }
}

let groups = (0..<3).map { group in
    (0..<10).map { number in
        Target(
            Silent(id: ProviderID("p\(group)-\(number)")), model: "m", weight: Double(1 + number % 3),
            price: .perToken(input: Int64(100 + number), output: Int64(400 + number)))
    }
}
let now = TimeSource.live.now()
let calls: [(verdict: AttemptResult.Verdict, milliseconds: Int)] = [(.success, 300), (.success, 700), (.failure, 90)]
for targets in groups {
    for (number, target) in targets.enumerated() {
        for call in 0..<100 {
            let (verdict, base) = calls[(call + number) % 3]
            let latency = Duration.milliseconds(base + 10 * number)
            target.deployment.statistics.begin()
            if verdict == .success {
                target.deployment.statistics.commit(latency: latency, isStreamed: false, now: now)
            }
            target.deployment.statistics.end(
                AttemptResult(verdict, latency: latency), isCommitted: verdict == .success, now: now)
        }
    }
}

let strategies: [(name: String, balancer: any Balancer)] = [
    ("priority", .priority), ("round_robin", .roundRobin), ("weighted", .weighted), ("least_loaded", .leastLoaded),
    ("fastest_first", .fastestFirst), ("latency_weighted", .latencyWeighted), ("load_balanced", .loadBalanced),
    ("cost_optimal", .costOptimal), ("adaptive", .adaptive), ("learned", .learned),
    ("load_balanced, guarded", HealthBalancer(SlowStartBalancer(.loadBalanced, window: .seconds(30)), threshold: 0.1)),
    ("sticky", AffinityBalancer(.priority, rule: .conversation)),
]
let all = TargetSet(count: 10)
let clock = ContinuousClock()

func measure(_ name: String, _ body: () -> Void) {
    let rounds = (0..<21).map { _ in
        let time = clock.measure { for _ in 0..<2_000 { body() } }
        return Double(time.components.attoseconds) / 1e12 / 2_000 + Double(time.components.seconds) * 1e6 / 2_000
    }.sorted()
    let text = name + String(repeating: " ", count: max(1, 26 - name.count))
    print("\(text)\((rounds[10] * 1_000).rounded() / 1_000)  \((rounds[0] * 1_000).rounded() / 1_000)")
}

print("strategy                  median  best (µs per request: one choice in each of 3 groups of 10)")
for (name, balancer) in strategies {
    var serial: UInt64 = 0
    measure(name) {
        for targets in groups {
            serial &+= 1
            let question = RoutingQuestion(
                model: "m", estimatedInputTokens: 500, maxOutputTokens: 200, now: now, random: .live,
                affinity: name == "sticky" ? serial &* 0x9E37_79B9_7F4A_7C15 : nil)
            _ = balancer.pick(from: targets, among: all, for: question)
        }
    }
}
measure("statistics of a call") {
    let statistics = groups[0][0].deployment.statistics
    statistics.begin()
    statistics.commit(latency: .milliseconds(300), isStreamed: false, now: now)
    statistics.end(AttemptResult(.success, latency: .milliseconds(300)), isCommitted: true, now: now)
}
