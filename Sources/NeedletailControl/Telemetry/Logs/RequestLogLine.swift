import Logging
import NIOCore
import NeedletailCore

/// The line of a request that has ended.
///
/// For the operator: what was asked, who answered, how long it took, what it used, and for a failure the cause with what
/// to do about it. Never what was said, and no key.
struct RequestLogLine {
    private let record: RequestRecord
    private let isDetailed: Bool

    /// - Parameter isDetailed: Whether the attempts are told one by one, for developers.
    init(_ record: RequestRecord, isDetailed: Bool) {
        self.record = record
        self.isDetailed = isDetailed
    }

    /// The level of the line: whether somebody should look.
    static func level(_ record: RequestRecord) -> Logger.Level {
        guard let error = record.error else { return .info }
        return error.disposition.status >= 500 ? .warning : .info
    }

    private var event: String {
        switch self.record.outcome.end {
        case .finished: "request_success"
        case .failed: "request_error"
        case .abandoned: "request_abandoned"
        }
    }

    /// Appends the line as JSON.
    func writeJSON(into bytes: inout ByteBuffer) {
        let record = self.record
        bytes.writeJSONLine { json in
            json.beginObject()
            json.member("timestamp", LogTime.text(record.endWallNanoseconds))
            json.member("level", Self.level(record).rawValue)
            json.member("event", self.event)
            json.member("request_id", LogLine.cut(record.id))
            if let trace = record.trace ?? record.request.trace {
                json.member("trace_id", trace.traceID)
                json.member("span_id", trace.spanText)
            }
            json.member("surface", record.surface?.rawValue)
            json.member("operation", record.operation.rawValue)
            json.member("requested_model", LogLine.cut(record.model))
            json.member("provider", record.provider?.rawValue)
            json.member("model", record.answeredModel.map(LogLine.cut))
            json.member("status", record.status)
            json.member("stream", record.isStreaming)
            json.member("attempts", record.attempts.count)
            json.key("response_time")
            json.raw(Self.decimal(record.duration, 9))
            if let first = record.timeToFirstToken {
                json.key("time_to_first_token")
                json.raw(Self.decimal(first, 9))
            }
            json.key("overhead_ms")
            json.raw(Self.decimal(record.overhead, 6))
            if let usage = record.usage {
                json.member("input_tokens", usage.inputTokens)
                json.member("output_tokens", usage.outputTokens)
                json.member("cached_input_tokens", usage.cachedInputTokens)
                json.member("reasoning_tokens", usage.reasoningTokens)
            }
            if let cost = record.cost.picoDollars {
                json.key("cost")
                json.raw(JSONText(unchecked: ByteBuffer(string: MetricExposition.decimal(Int(cost), 12))))
            }
            json.member("cached", record.isCached)
            json.member("key", record.keyName)
            json.member("tenant", record.request.tenant)
            if !record.losses.isEmpty {
                Self.list("lossy", record.losses.map(\.field), into: &json)
                Self.list("lossy_bookkeeping", record.losses.ofBookkeeping, into: &json)
            }
            if let error = record.error { self.write(error, into: &json) }
            if self.isDetailed { self.writeAttempts(into: &json) }
            json.endObject()
        }
    }

    private static func list(_ key: StaticString, _ fields: [String], into json: inout JSONWriter) {
        guard !fields.isEmpty else { return }
        json.key(key)
        json.beginArray()
        for field in fields.prefix(32) { json.string(LogLine.cut(field)) }
        json.endArray()
    }

    private func write(_ error: NeedletailError, into json: inout JSONWriter) {
        json.member("error_type", error.code.metricName)
        json.member("error", LogLine.cut(error.message))
        json.member("upstream_status", error.upstream?.status)
        json.member("upstream_request_id", error.upstream?.requestID)
        if let cause = error.cause { json.member("cause", LogLine.cut("\(cause)")) }
        json.member("hint", RecoveryHint.text(for: error))
    }

    private func writeAttempts(into json: inout JSONWriter) {
        json.key("attempt_log")
        json.beginArray()
        for attempt in self.record.attempts {
            json.beginObject()
            json.member("number", attempt.number)
            json.member("cause", attempt.cause.rawValue)
            json.member("provider", attempt.provider.rawValue)
            json.member("model", LogLine.cut(attempt.model))
            json.member("sent", attempt.wasSent)
            json.key("response_time")
            json.raw(Self.decimal(attempt.duration, 9))
            if let error = attempt.error {
                json.member("error_type", error.code.metricName)
                json.member("error", LogLine.cut(error.message))
                json.member("upstream_status", error.upstream?.status)
                if let cause = error.cause { json.member("cause", LogLine.cut("\(cause)")) }
            }
            json.endObject()
        }
        json.endArray()
    }

    /// Nanoseconds in a unit of so many decimals, cut to microseconds.
    private static func decimal(_ duration: Duration, _ digits: Int) -> JSONText {
        let nanoseconds = Int(duration.wholeNanoseconds)
        return JSONText(unchecked: ByteBuffer(string: MetricExposition.decimal(nanoseconds / 1_000, digits - 3)))
    }

    /// Appends the line as text:
    /// `12:00:00.123 info    200 chat gpt → main/gpt-4o 812 ms, first token 210 ms, 12+34 tokens req_1`.
    func writeText(_ isColored: Bool, into bytes: inout ByteBuffer) {
        let record = self.record
        let style = LogStyle(isColored)
        var text = style.start(record.endWallNanoseconds, Self.level(record))
        let code = record.error != nil ? (record.status >= 500 ? 31 : 33) : record.isCommitted ? 32 : 33
        text += style.color(String(record.status), code)
        text += " \(record.operation.rawValue) \(LogStyle.plain(LogLine.cut(record.model)))"
        if let provider = record.provider {
            text += " → \(provider)" + (record.answeredModel.map { "/" + LogStyle.plain(LogLine.cut($0)) } ?? "")
        }
        text += " \(Self.milliseconds(record.duration)) ms"
        if let first = record.timeToFirstToken { text += ", first token \(Self.milliseconds(first)) ms" }
        if record.attempts.count > 1 { text += ", \(record.attempts.count) attempts" }
        if let usage = record.usage { text += ", \(usage.inputTokens)+\(usage.outputTokens) tokens" }
        if let cost = record.cost.picoDollars { text += ", $\(MetricExposition.decimal(Int(cost), 12))" }
        if case .abandoned = record.outcome.end { text += ", the client left" }
        text += " " + style.faint(record.id)
        if let error = record.error {
            text += "\n    \(error.code): \(LogStyle.plain(LogLine.cut(error.message)))"
            if let hint = RecoveryHint.text(for: error) { text += "\n    " + style.faint("→ " + hint) }
        }
        bytes.writeString(text + "\n")
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        (duration.wholeNanoseconds + 500_000) / 1_000_000
    }
}
