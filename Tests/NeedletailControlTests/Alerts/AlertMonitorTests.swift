import Crypto
import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Alerts: from traffic to whoever is told")
struct AlertMonitorTests {
    private final class Told: Sendable {
        private let list = Mutex<[AlertEvent]>([])
        var events: [AlertEvent] { self.list.withLock { $0 } }
        func tell(_ event: AlertEvent) { self.list.withLock { $0.append(event) } }
    }

    private let clock = JumpingTime()
    private let told = Told()

    private func monitor(
        _ configuration: AlertConfiguration, deployments: [Deployment] = [], webhooks: [AlertWebhook] = [],
        duringLook: @escaping @Sendable () -> Void = {}
    ) -> AlertMonitor {
        AlertMonitor(
            configuration,
            sources: AlertSources(
                deployments: { deployments },
                health: { HealthReport(isHealthy: true, status: "healthy", providers: []) },
                budgets: {
                    duringLook()
                    return [BudgetLevel(name: "team/red", used: 0.9)]
                },
                keyAges: { [.init(subject: "old", value: 91 * 86_400)] }),
            time: self.clock.source, prefix: "t",
            makeWebhook: { wanted in webhooks.first { $0.configuration.name == wanted.name } },
            tell: { [told] in told.tell($0) })
    }

    private func fail(_ monitor: AlertMonitor, _ count: Int, good: Int = 0) {
        for index in 0..<(count + good) {
            monitor.signals.attemptEnded(
                RecordSamples.attempt(error: index < count ? NeedletailError(.timedOut, "Late.") : nil))
        }
    }

    @Test("calls that fail fire the rule after its time, calls that succeed resolve it")
    func errors() async {
        var configuration = AlertConfiguration()
        configuration.rules = configuration.rules.filter { $0.name == "provider_errors" }
        let monitor = self.monitor(configuration)
        await monitor.look()
        self.fail(monitor, 10, good: 10)
        await monitor.look()
        #expect(monitor.active.map(\.isFiring) == [false] && self.told.events.isEmpty)
        self.clock.advance(by: .seconds(120))
        await monitor.look()
        #expect(monitor.active.map(\.isFiring) == [true])
        let event = self.told.events.first
        #expect(event?.subject == "main" && event?.value == 0.5 && event?.isResolved == false)
        // Half an hour later the window holds only what went well.
        for _ in 0..<20 {
            self.clock.advance(by: .seconds(90))
            self.fail(monitor, 0, good: 10)
            await monitor.look()
        }
        #expect(self.told.events.map(\.isResolved) == [false, true] && monitor.active.isEmpty)
    }

    @Test("too few calls say nothing")
    func few() async {
        let monitor = self.monitor(AlertConfiguration())
        await monitor.look()
        self.fail(monitor, 19)
        await monitor.look()
        #expect(!monitor.active.contains { $0.rule.metric == .errorRate })
    }

    @Test("budgets, keys and breakers are judged by what they are now")
    func states() async {
        let gate = AdmissionGate()
        gate.breaker.trip(now: self.clock.now)
        let monitor = self.monitor(
            AlertConfiguration(), deployments: [Deployment(.init(provider: "main", model: "gpt"), gate: gate)])
        await monitor.look()
        #expect(
            Set(self.told.events.map { "\($0.rule.name) \($0.subject)" })
                == ["budget_nearly_spent team/red", "key_old old", "breaker_open main/gpt"])
        gate.breaker.reset()
        await monitor.look()
        #expect(self.told.events.last?.isResolved == true)
    }

    private final class Reloading: Sendable {
        private let monitor = Mutex<AlertMonitor?>(nil)
        func set(_ monitor: AlertMonitor?) { self.monitor.withLock { $0 = monitor } }
        func reload() {
            var nothing = AlertConfiguration()
            nothing.rules = []
            self.monitor.withLock { $0 }?.replace(nothing)
        }
    }

    @Test("a rule that a reload removes during a look tells nothing any more")
    func reloadDuringLook() async {
        let reloading = Reloading()
        let monitor = self.monitor(AlertConfiguration(), duringLook: { reloading.reload() })
        reloading.set(monitor)
        await monitor.look()
        #expect(monitor.rules.isEmpty && monitor.events.isEmpty && self.told.events.isEmpty)
        reloading.set(nil)
    }

    @Test("an objective that is missed tells how fast its budget is spent")
    func objective() async {
        var objective = Objective(name: "asked", scope: AlertScope(.group, "asked"))
        objective.availability = 0.999
        var configuration = AlertConfiguration()
        configuration.rules = []
        configuration.objectives = [objective]
        let monitor = self.monitor(configuration)
        for index in 0..<100 {
            let error = index < 5 ? NeedletailError(.timedOut, "Late.") : nil
            monitor.signals.requestEnded(RecordSamples.request(error: error))
        }
        await monitor.look()
        #expect(Set(self.told.events.map(\.rule.name)) == Set(BurnWindow.all.map(\.name)))
        #expect(self.told.events.allSatisfy { $0.subject == "asked availability" })
        #expect(abs((self.told.events.first?.value ?? 0) - 50) < 1e-6)
    }

    @Test("a rule of one kind makes nobody count the others")
    func onlyWhatIsWatched() {
        let signals = AlertSignals()
        signals.requestEnded(RecordSamples.request())
        signals.attemptEnded(RecordSamples.attempt())
        #expect(AlertScope.Dimension.allCases.allSatisfy { signals.counts($0).isEmpty })
        var rule = AlertRule.builtIn[0]
        rule.scope = AlertScope(.key)
        signals.replace([rule], [])
        signals.requestEnded(RecordSamples.request())
        #expect(signals.counts(.key).map(\.name) == ["dev"] && signals.counts(.provider).isEmpty)
    }

    // MARK: Webhooks

    private struct Post {
        var headers: HTTPFields
        var body: ByteBuffer
    }

    private final class Receiver: Sendable {
        private let answers: Mutex<ArraySlice<Int>>
        private let seen = Mutex<[Post]>([])
        init(_ answers: [Int] = []) { self.answers = Mutex(answers[...]) }
        var posts: [Post] { self.seen.withLock { $0 } }

        var transport: FunctionTransport {
            FunctionTransport { request throws(NeedletailError) in
                self.seen.withLock { $0.append(Post(headers: request.headers, body: request.body)) }
                let status = self.answers.withLock { $0.popFirst() } ?? 204
                if status == 0 { throw NeedletailError(.unreachable, "Nobody is there.") }
                return TransportResponse(status: status, headers: [:], body: TransportBody(ByteBuffer()))
            }
        }
    }

    private func webhook(
        _ receiver: Receiver, _ change: (inout AlertConfiguration.Webhook) -> Void = { _ in }
    ) -> AlertWebhook {
        var configuration = AlertConfiguration.Webhook(name: "ops", url: Secret("http://127.0.0.1/hook"))
        change(&configuration)
        return AlertWebhook(
            configuration, transport: receiver.transport, path: "/hook", time: self.clock.source, random: .seeded(1))
    }

    private static func event(
        _ subject: String = "main", severity: AlertSeverity = .warning, id: String = "t_1"
    ) -> AlertEvent {
        var rule = AlertRule.builtIn[0]
        rule.severity = severity
        return AlertEvent(
            id: id, isResolved: false, rule: rule, subject: subject, value: 0.5,
            wallNanoseconds: 1_700_000_000_000_000_000)
    }

    @Test("a message is signed as Standard Webhooks say, with a key in Base64 or as it is")
    func signature() async throws {
        // The example of the specification's own libraries.
        let key = Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") ?? Data()
        for (secret, bytes) in [("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", key), ("plain", Data("plain".utf8))] {
            let receiver = Receiver()
            let webhook = self.webhook(receiver) { $0.secret = Secret(secret) }
            webhook.push(Self.event())
            await webhook.sendWaiting(tries: 1)
            let post = try #require(receiver.posts.first)
            let body = String(buffer: post.body)
            let code = HMAC<SHA256>.authenticationCode(
                for: Data("t_1.1700000000.\(body)".utf8), using: SymmetricKey(data: bytes))
            let name = try #require(HTTPField.Name("webhook-signature"))
            #expect(post.headers[name] == "v1," + Data(code).base64EncodedString())
            let json = try JSONDocument(post.body).root
            #expect(json["type"]?.string == "alert.fired" && json["data"]?["provider"]?.string == "main")
            #expect(json["data"]?["status"]?.string == "warning" && json["data"]?["value"]?.double == 0.5)
        }
    }

    @Test("what a client named cannot format, link or mention in Slack")
    func slack() throws {
        let body = AlertMessage.body(Self.event("<!channel> `*& evil"), .slack)
        let text = try #require(try JSONDocument(body).root["text"]?.string)
        #expect(text.contains("&lt;!channel&gt; '∗&amp; evil") && !text.contains("<"))
    }

    @Test("lesser alerts and those for others are not sent")
    func filter() async {
        let receiver = Receiver()
        let webhook = self.webhook(receiver)
        webhook.push(Self.event(severity: .info))
        var other = Self.event()
        other.rule.notify = ["somebody"]
        webhook.push(other)
        await webhook.sendWaiting(tries: 1)
        #expect(receiver.posts.isEmpty)
    }

    @Test("a receiver that fails is asked again with growing pauses, in the order of what happened")
    func retries() async throws {
        let receiver = Receiver([500, 0])
        let webhook = self.webhook(receiver)
        webhook.push(Self.event(id: "t_1"))
        webhook.push(Self.event(id: "t_2"))
        await webhook.sendWaiting(tries: OTLPClient.maximumTries)
        let name = try #require(HTTPField.Name("webhook-id"))
        #expect(receiver.posts.map { $0.headers[name] } == ["t_1", "t_1", "t_1", "t_2"])
        #expect(webhook.sent == 2 && webhook.failedTries == 2 && webhook.dropped == 0)
        #expect(self.clock.sleeps.count == 2 && self.clock.sleeps[0] < self.clock.sleeps[1])
    }

    @Test("a dead receiver costs a bounded queue and a counter")
    func dead() async {
        let receiver = Receiver(Array(repeating: 0, count: 10_000))
        let webhook = self.webhook(receiver)
        for index in 0..<250 { webhook.push(Self.event(id: "t_\(index)")) }
        #expect(webhook.dropped == 150)
        await webhook.sendWaiting(tries: 2)
        #expect(webhook.dropped == 250 && receiver.posts.count == 200)
    }

    @Test("the log has the line that is asked for")
    func log() throws {
        var bytes = ByteBuffer()
        LogFormat.json.write(.alert(Self.event()), into: &bytes)
        let line = try JSONDocument(bytes).root
        #expect(line["event"]?.string == "health_alert" && line["provider"]?.string == "main")
        #expect(line["metric"]?.string == "error_rate" && line["status"]?.string == "warning")
        #expect(line["value"]?.double == 0.5 && line["threshold"]?.double == 0.2)
        #expect(line["message"]?.string == "error_rate of main is 50 %; the limit is 20 %.")
    }
}
