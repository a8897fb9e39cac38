import HTTPTypes
public import NIOHTTP1
public import NeedletailCore
public import NeedletailRouting

/// Answers `/health`, `/health/live`, `/health/ready`, `/health/detailed`, `/health/providers`, `/health/metrics` and
/// `/metrics` on the admin listener. Who may ask is for the one to say that passes requests on to it.
public final class AdminHandler: EdgeHandler {
    private let health: @Sendable () -> HealthReport
    private let totals: @Sendable () -> UsageTotals.Snapshot
    private let metrics: @Sendable (_ accept: String?) -> EdgeResponse
    private let phase: ServingPhase

    /// Creates a handler.
    ///
    /// - Parameters:
    ///   - health: How the gateway is.
    ///   - totals: What has been served.
    ///   - metrics: What Prometheus is told, in the format that its `accept` header asks for.
    ///   - phase: Shared with the servers.
    public init(
        health: @escaping @Sendable () -> HealthReport,
        totals: @escaping @Sendable () -> UsageTotals.Snapshot,
        metrics: @escaping @Sendable (_ accept: String?) -> EdgeResponse,
        phase: ServingPhase
    ) {
        self.health = health
        self.totals = totals
        self.metrics = metrics
        self.phase = phase
    }

    /// See ``EdgeHandler/admit(_:)``.
    public func admit(_ head: HTTPRequestHead) -> EdgeAdmission {
        self.refusal(for: head).map { .refused($0) } ?? .admitted()
    }

    private func refusal(for head: HTTPRequestHead) -> EdgeResponse? {
        switch head.path {
        case "/health", "/health/live", "/health/ready", "/health/detailed", "/health/providers", "/health/metrics",
            "/metrics":
            break
        default: return self.failure(NeedletailError(.notFound, "There is no such path."), for: head)
        }
        guard head.method == .GET || head.method == .HEAD else {
            var answer = self.failure(NeedletailError(.invalidRequest, "This path takes GET and HEAD."), for: head)
            answer.status = 405
            answer.headers[.allow] = "GET, HEAD"
            return answer
        }
        return nil
    }

    /// See ``EdgeHandler/respond(to:through:)``.
    public func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {
        let head = request.head
        // Writing out thousands of series takes milliseconds, which the event loops owe to the requests.
        responder.send(await withTaskExecutorPreference(globalConcurrentExecutor) { await self.answer(head) })
    }

    private func answer(_ head: HTTPRequestHead) async -> EdgeResponse {
        let isDraining = self.phase.isDraining
        switch head.path {
        case "/metrics": return self.metrics(head.headers.first(name: "accept"))
        case "/health/metrics": return HealthMetricsReply.make(self.totals())
        case "/health/live": return HealthReply.make(self.health(), .live, isDraining: isDraining)
        case "/health/detailed": return HealthReply.detailed(self.health(), self.totals(), isDraining: isDraining)
        case "/health/providers": return HealthReply.providers(self.health(), isDraining: isDraining)
        default: return HealthReply.make(self.health(), isDraining: isDraining)
        }
    }

    /// See ``EdgeHandler/failure(_:for:)``.
    public func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.beginObject()
        json.member("message", error.message)
        json.member("type", error.disposition.openAIType)
        json.endObject()
        json.endObject()
        return EdgeResponse(
            status: error.disposition.status, headers: [.contentType: "application/json"], body: json.bytes)
    }
}
