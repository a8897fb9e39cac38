import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailRouting

/// Writes `/health/metrics`: what has been served since the start.
enum HealthMetricsReply {
    static func make(_ totals: UsageTotals.Snapshot) -> EdgeResponse {
        var json = JSONWriter()
        json.beginObject()
        Self.members(Self.sum(totals), &json)
        json.member("unanswered", totals.unanswered)
        Self.writeSummary(totals, into: &json)
        json.key("by_model")
        json.beginArray()
        for (key, row) in totals.rows.sorted(by: { Self.order($0.key, $1.key) }) {
            json.beginObject()
            json.member("provider", key.provider.rawValue)
            json.member("model", key.model)
            Self.members(row, &json)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return EdgeResponse(
            status: 200, headers: [.contentType: "application/json", .cacheControl: "no-store"], body: json.bytes)
    }

    /// What seeds and dashboards look at first: how many, how well, how fast (in milliseconds).
    static func writeSummary(_ totals: UsageTotals.Snapshot, into json: inout JSONWriter) {
        let sum = Self.sum(totals)
        let all = sum.requests + totals.unanswered
        json.member("total_requests", all)
        json.key("success_rate")
        if all > 0 {
            json.raw(HealthReply.number(Double(sum.requests - sum.failed) / Double(all)))
        } else {
            json.null()
        }
        json.key("avg_response_time")
        if sum.requests > 0 {
            json.raw(HealthReply.number(Double(sum.nanoseconds) / Double(sum.requests) / 1e6))
        } else {
            json.null()
        }
    }

    private static func sum(_ totals: UsageTotals.Snapshot) -> UsageTotals.Row {
        var sum = UsageTotals.Row()
        for row in totals.rows.values {
            sum.requests += row.requests
            sum.failed += row.failed
            sum.abandoned += row.abandoned
            sum.withoutUsage += row.withoutUsage
            sum.inputTokens += row.inputTokens
            sum.outputTokens += row.outputTokens
            sum.nanoseconds += row.nanoseconds
        }
        return sum
    }

    private static func members(_ row: UsageTotals.Row, _ json: inout JSONWriter) {
        json.member("requests", row.requests)
        json.member("failed", row.failed)
        json.member("abandoned", row.abandoned)
        json.member("without_usage", row.withoutUsage)
        json.member("input_tokens", row.inputTokens)
        json.member("output_tokens", row.outputTokens)
    }

    private static func order(_ left: UsageTotals.Key, _ right: UsageTotals.Key) -> Bool {
        (left.provider.rawValue, left.model) < (right.provider.rawValue, right.model)
    }
}
