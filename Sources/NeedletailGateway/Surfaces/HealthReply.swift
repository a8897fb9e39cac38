import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailRouting

/// Writes health reports.
enum HealthReply {
    /// What is asked for.
    enum Question: Sendable, Hashable {
        /// Whether the process serves: 200 as long as it answers at all.
        case live
        /// Whether requests should come here.
        case ready
    }

    /// The short form: `{"status":"healthy"}`.
    static func make(_ report: HealthReport, _ question: Question = .ready, isDraining: Bool) -> EdgeResponse {
        guard question == .ready else {
            return Self.reply("alive", isServing: true) { _ in }
        }
        return Self.reply(report, isDraining: isDraining) { _ in }
    }

    /// With one entry per provider.
    static func providers(_ report: HealthReport, isDraining: Bool) -> EdgeResponse {
        Self.reply(report, isDraining: isDraining) { Self.write(report.providers, into: &$0) }
    }

    /// With one entry per provider, and what has been served.
    static func detailed(_ report: HealthReport, _ totals: UsageTotals.Snapshot, isDraining: Bool) -> EdgeResponse {
        Self.reply(report, isDraining: isDraining) { json in
            Self.write(report.providers, into: &json)
            json.key("metrics")
            json.beginObject()
            HealthMetricsReply.writeSummary(totals, into: &json)
            json.endObject()
        }
    }

    private static func write(_ providers: [ProviderHealth], into json: inout JSONWriter) {
        json.key("providers")
        json.beginObject()
        for provider in providers {
            json.key(provider.name)
            json.beginObject()
            json.member("status", provider.status.rawValue)
            json.member("healthy", provider.isHealthy)
            json.member("circuit_state", provider.circuitState)
            json.key("health_score")
            json.raw(Self.number(provider.healthScore))
            json.key("last_success")
            if let time = provider.lastSuccess { json.int(time) } else { json.null() }
            json.key("success_rate")
            if let rate = provider.successRate { json.raw(Self.number(rate)) } else { json.null() }
            json.key("avg_response_time")
            if let time = provider.averageResponseTime { json.raw(Self.number(time)) } else { json.null() }
            if let error = provider.lastError { json.member("last_error", error) }
            json.endObject()
        }
        json.endObject()
    }

    private static func reply(
        _ report: HealthReport,
        isDraining: Bool,
        _ rest: (inout JSONWriter) -> Void
    ) -> EdgeResponse {
        Self.reply(
            isDraining ? "draining" : report.status, isServing: report.isHealthy && !isDraining, rest)
    }

    private static func reply(_ status: String, isServing: Bool, _ rest: (inout JSONWriter) -> Void) -> EdgeResponse {
        var json = JSONWriter()
        json.beginObject()
        json.member("status", status)
        rest(&json)
        json.endObject()
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if !isServing { headers[.retryAfter] = "1" }
        return EdgeResponse(status: isServing ? 200 : 503, headers: headers, body: json.bytes)
    }

    /// A number that is not negative, with at most three decimals.
    static func number(_ value: Double) -> JSONText {
        let thousandths = value.isFinite ? Int((min(max(value, 0), 1e12) * 1000).rounded()) : 0
        guard thousandths % 1000 != 0 else { return JSONText(unchecked: ByteBuffer(string: "\(thousandths / 1000)")) }
        let decimals = String(thousandths % 1000 + 1000).dropFirst()
        return JSONText(unchecked: ByteBuffer(string: "\(thousandths / 1000).\(decimals)"))
    }
}
