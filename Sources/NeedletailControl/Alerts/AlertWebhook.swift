import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTransport

/// Posts alerts to one receiver, in their order. A dead one costs a bounded queue and a counter.
final class AlertWebhook: Sendable {
    /// More messages than this do not wait.
    private static let capacity = 100
    /// How often is looked whether there is something to send.
    private static let tick = Duration.milliseconds(500)

    /// What it was told.
    let configuration: AlertConfiguration.Webhook
    private let queue = BatchQueue<AlertEvent>(capacity: AlertWebhook.capacity)
    private let client: OTLPClient
    private let pool: UpstreamPool?
    private let time: TimeSource

    /// Connects to nobody yet.
    convenience init(
        _ configuration: AlertConfiguration.Webhook, _ surroundings: GatewayProcess.Surroundings
    ) throws(NeedletailError) {
        guard let target = WebhookURL(configuration.url.exposed) else {
            throw NeedletailError(.invalidRequest, "The URL of the webhook '\(configuration.name)' is none.")
        }
        var options = TransportOptions()
        options.maximumConnections = 1
        let pool = try UpstreamPool(
            origin: target.origin, options: options, group: surroundings.group, time: surroundings.time,
            logger: surroundings.logger)
        self.init(
            configuration, transport: pool, path: target.path, pool: pool, time: surroundings.time,
            random: .seeded(surroundings.random.next()))
    }

    /// - Parameter pool: What is closed at the end; `nil` for nothing.
    init(
        _ configuration: AlertConfiguration.Webhook, transport: any HTTPTransport, path: String,
        pool: UpstreamPool? = nil,
        time: TimeSource, random: RandomSource
    ) {
        self.configuration = configuration
        self.pool = pool
        self.time = time
        self.client = OTLPClient(
            .init(
                transport: transport, path: path,
                headers: [
                    .contentType: "application/json", .userAgent: "needletail/\(NeedletailVersion.current)",
                ],
                timeout: configuration.timeout, retried: [408, 429, 500, 502, 503, 504]),
            time: time, random: random)
    }

    /// Alerts that arrived.
    var sent: Int { self.client.sentBatches }
    /// Tries that failed.
    var failedTries: Int { self.client.failedTries }
    /// Alerts that were given up.
    var dropped: Int { self.queue.dropped }

    /// Takes an alert if it is one for this receiver. Never waits.
    func push(_ event: AlertEvent) {
        guard event.rule.severity >= self.configuration.severity,
            event.rule.notify?.contains(self.configuration.name) ?? true
        else { return }
        self.queue.push(event)
    }

    /// Sends what comes until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await self.sendWaiting(tries: OTLPClient.maximumTries)
            do { try await self.time.sleep(self.time.now().advanced(by: Self.tick)) } catch { return }
        }
    }

    /// Sends what waits.
    ///
    /// - Parameter tries: How often each at most.
    func sendWaiting(tries: Int) async {
        while let event = self.queue.take(1).first {
            let body = AlertMessage.body(event, self.configuration.format)
            let headers = AlertMessage.headers(event, body, secret: self.configuration.secret)
            guard !(await self.client.send(body, headers: headers, tries: tries)) else { continue }
            // Whoever runs it next goes on where this one was stopped.
            guard !Task.isCancelled else { return self.queue.putBack([event]) }
            self.queue.drop(1)
        }
    }

    /// Closes its connection.
    func shutdown() async { await self.pool?.shutdown() }
}
