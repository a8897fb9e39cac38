import HTTPTypes
public import NIOHTTP1
public import NeedletailCore
public import NeedletailRouting

/// Answers `/health`, `/health/detailed`, `/health/providers`, `/health/metrics` on the admin listener. Who may ask is
/// for the one to say that passes requests on to it.
public final class AdminHandler: EdgeHandler {
    private let health: @Sendable () -> HealthReport
    private let totals: @Sendable () -> UsageTotals.Snapshot
    private let phase: ServingPhase

    /// Creates a handler.
    ///
    /// - Parameters:
    ///   - health: How the gateway is.
    ///   - totals: What has been served.
    ///   - phase: Shared with the servers.
    public init(
        health: @escaping @Sendable () -> HealthReport,
        totals: @escaping @Sendable () -> UsageTotals.Snapshot,
        phase: ServingPhase
    ) {
        self.health = health
        self.totals = totals
        self.phase = phase
    }

    /// See ``EdgeHandler/admit(_:)``.
    public func admit(_ head: HTTPRequestHead) -> EdgeAdmission {
        self.refusal(for: head).map { .refused($0) } ?? .admitted()
    }

    private func refusal(for head: HTTPRequestHead) -> EdgeResponse? {
        switch head.path {
        case "/health", "/health/detailed", "/health/providers", "/health/metrics": break
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
        if request.head.path == "/health/metrics" { return responder.send(HealthMetricsReply.make(self.totals())) }
        let report = self.health()
        let isDraining = self.phase.isDraining
        responder.send(
            request.head.path == "/health"
                ? HealthReply.make(report, isDraining: isDraining)
                : HealthReply.detailed(report, isDraining: isDraining))
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
