import HTTPTypes
import NIOCore
import NeedletailCore

/// Writes health reports.
enum HealthReply {
    /// The short form: `{"status":"healthy"}`.
    static func make(_ report: HealthReport, isDraining: Bool) -> EdgeResponse {
        self.reply(report, isDraining: isDraining) { _ in }
    }

    /// With one entry per provider.
    static func detailed(_ report: HealthReport, isDraining: Bool) -> EdgeResponse {
        self.reply(report, isDraining: isDraining) { json in
            json.key("providers")
            json.beginObject()
            for provider in report.providers {
                json.key(provider.name)
                json.beginObject()
                json.key("healthy")
                json.bool(provider.isHealthy)
                json.member("circuit_state", provider.circuitState)
                json.key("health_score")
                json.raw(self.number(provider.healthScore))
                json.key("last_success")
                if let time = provider.lastSuccess { json.string(HTTPDate.internetText(time)) } else { json.null() }
                json.endObject()
            }
            json.endObject()
        }
    }

    private static func reply(
        _ report: HealthReport,
        isDraining: Bool,
        _ rest: (inout JSONWriter) -> Void
    ) -> EdgeResponse {
        var json = JSONWriter()
        json.beginObject()
        json.member("status", isDraining ? "draining" : report.status)
        rest(&json)
        json.endObject()
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        let isHealthy = report.isHealthy && !isDraining
        if !isHealthy { headers[.retryAfter] = "1" }
        return EdgeResponse(status: isHealthy ? 200 : 503, headers: headers, body: json.bytes)
    }

    /// A score from 0 to 1 with at most three decimals.
    private static func number(_ score: Double) -> JSONText {
        let thousandths = score.isFinite ? Int((min(max(score, 0), 1) * 1000).rounded()) : 0
        let decimals = String(thousandths % 1000 + 1000).dropFirst()
        return JSONText(unchecked: ByteBuffer(string: "\(thousandths / 1000).\(decimals)"))
    }
}
