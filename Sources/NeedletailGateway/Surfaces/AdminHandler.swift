import HTTPTypes
public import NIOHTTP1
public import NeedletailCore
public import NeedletailRouting

/// Answers the admin listener: `/health`, `/health/detailed`, `/health/providers`, `/health/metrics`.
public final class AdminHandler: EdgeHandler {
    private let health: @Sendable () -> HealthReport
    private let totals: @Sendable () -> UsageTotals.Snapshot
    private let phase: ServingPhase
    private let allowedHosts: Set<String>

    /// Creates a handler.
    ///
    /// - Parameters:
    ///   - health: How the gateway is.
    ///   - totals: What has been served.
    ///   - phase: Shared with the servers.
    ///   - allowedHosts: The names by which the listener may be asked, in lower case and without port: whatever
    ///     else a browser asks for is another site's doing (DNS rebinding).
    public init(
        health: @escaping @Sendable () -> HealthReport,
        totals: @escaping @Sendable () -> UsageTotals.Snapshot,
        phase: ServingPhase,
        allowedHosts: Set<String> = AdminHandler.loopbackHosts
    ) {
        self.health = health
        self.totals = totals
        self.phase = phase
        self.allowedHosts = allowedHosts
    }

    /// The names of this machine.
    public static let loopbackHosts: Set<String> = ["localhost", "127.0.0.1", "[::1]"]

    /// See ``EdgeHandler/admit(_:)``.
    public func admit(_ head: HTTPRequestHead) -> EdgeAdmission {
        self.refusal(for: head).map { .refused($0) } ?? .admitted()
    }

    private func refusal(for head: HTTPRequestHead) -> EdgeResponse? {
        guard self.isFromHere(head) else {
            return self.failure(
                NeedletailError(.forbidden, "The admin listener is not asked by this host or origin."), for: head)
        }
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

    private func isFromHere(_ head: HTTPRequestHead) -> Bool {
        let allowed = self.allowedHosts
        guard let host = head.headers.first(name: "host"), allowed.contains(Self.name(host[...])) else { return false }
        guard let origin = head.headers.first(name: "origin") else { return true }
        guard let scheme = ["http://", "https://"].first(where: { origin.hasPrefix($0) }) else { return false }
        return allowed.contains(Self.name(origin.dropFirst(scheme.count)))
    }

    /// A host without its port; all of it where what follows the name is no port.
    private static func name(_ host: Substring) -> String {
        var name = host.prefix { $0 != ":" }
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { name = host[...end] }
        let port = host[name.endIndex...]
        let isPort = port.isEmpty || port.first == ":" && port.utf8.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        return (isPort ? name : host).lowercased()
    }
}
