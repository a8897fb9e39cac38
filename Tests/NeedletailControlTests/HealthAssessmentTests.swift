import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Testing

@testable import NeedletailControl

@Suite("Health: the rules of docs/health.md")
struct HealthAssessmentTests {
    private static let now = Instant(nanoseconds: 1_000_000_000_000)

    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var check: Bool?
        var evidence: [HealthAssessment.Evidence]
        var status: ProviderHealth.Status
        var circuit = "closed"
    }

    private static func seen(
        _ score: Double, ago: Int = 5, _ circuit: HealthAssessment.Circuit = .closed
    ) -> HealthAssessment.Evidence {
        HealthAssessment.Evidence(
            score: score, errorRate: 1 - score, latency: 100,
            lastEvidence: Self.now.advanced(by: .seconds(-ago)), lastSuccess: Self.now.advanced(by: .seconds(-ago - 1)),
            circuit: circuit)
    }

    static let cases = [
        Case(description: "nothing is known", check: nil, evidence: [], status: .healthy),
        Case(description: "the check went well", check: true, evidence: [.init()], status: .healthy),
        Case(description: "the check failed, no traffic", check: false, evidence: [.init()], status: .unhealthy),
        Case(description: "the check failed, traffic is well", check: false, evidence: [seen(1)], status: .degraded),
        Case(
            description: "the check failed, traffic is old", check: false, evidence: [seen(1, ago: 61)],
            status: .unhealthy),
        Case(description: "traffic is well", check: true, evidence: [seen(0.7)], status: .healthy),
        Case(description: "traffic does badly", check: true, evidence: [seen(0.69)], status: .degraded),
        Case(description: "traffic fails", check: true, evidence: [seen(0.2)], status: .unhealthy),
        Case(description: "one model of two fails", check: true, evidence: [seen(0), seen(1)], status: .degraded),
        Case(
            description: "one breaker of two is open", check: true, evidence: [seen(1, .open), seen(1)],
            status: .degraded, circuit: "half_open"),
        Case(
            description: "a breaker probes", check: true, evidence: [seen(1, .halfOpen)], status: .degraded,
            circuit: "half_open"),
        Case(
            description: "every breaker that was used is open", check: true, evidence: [seen(1, .open), .init()],
            status: .unhealthy, circuit: "open"),
        Case(
            description: "every breaker is open", check: true, evidence: [seen(1, .open), seen(1, .open)],
            status: .unhealthy, circuit: "open"),
    ]

    private static func health(_ test: Case) -> ProviderHealth {
        var check: HealthMonitor.Status?
        if let isHealthy = test.check {
            check = HealthMonitor.Status()
            check?.isHealthy = isHealthy
            check?.lastSuccess = 500
            check?.lastError = isHealthy ? nil : "No."
        }
        return HealthAssessment.provider("p", check: check, test.evidence, now: Self.now, wallSeconds: 2_000)
    }

    @Test("a provider", arguments: cases)
    func provider(test: Case) {
        let health = Self.health(test)
        #expect(health.status == test.status && health.circuitState == test.circuit)
        #expect(health.isHealthy == (test.status != .unhealthy))
        #expect((0...1).contains(health.healthScore))
        if test.check == false { #expect(health.lastError == "No.") }
    }

    @Test("what was last seen is told in the time of day, rates and times as means")
    func numbers() {
        let health = Self.health(
            Case(description: "", check: true, evidence: [Self.seen(1), Self.seen(0.5), .init()], status: .healthy))
        #expect(health.lastSuccess == 1_994 && health.successRate == 0.75 && health.averageResponseTime == 100)
        #expect(health.healthScore == 0.75)
    }

    @Test(
        "the gateway",
        arguments: [
            ([], "healthy", true), (["healthy"], "healthy", true), (["healthy", "degraded"], "degraded", true),
            (["healthy", "unhealthy"], "degraded", true), (["unhealthy"], "unhealthy", true),
            (["cut", "unhealthy"], "unhealthy", true), (["cut", "cut"], "unhealthy", false),
        ] as [([String], String, Bool)])
    func gateway(providers: [String], status: String, serves: Bool) {
        let report = HealthAssessment.report(
            providers.map { word in
                ProviderHealth(
                    name: word, status: ProviderHealth.Status(rawValue: word) ?? .unhealthy,
                    circuitState: word == "cut" ? "open" : "closed")
            })
        #expect(report.status == status && report.isHealthy == serves)
    }
}
