import NeedletailCore
import NeedletailRouting

extension JSONWriter {
    /// Writes what a list shows of a request.
    mutating func members(of entry: RecentRequests.Entry) {
        let record = entry.record
        self.member("number", Int(clamping: entry.number))
        self.member("id", record.id)
        self.member("ended", number: Double(record.endWallNanoseconds) / 1e9)
        self.member("key", record.keyName)
        self.member("tenant", record.request.tenant)
        self.member("surface", record.surface?.rawValue)
        self.member("operation", record.operation.rawValue)
        self.member("streaming", record.isStreaming)
        self.member("model", String(record.model.prefix(256)))
        self.member("provider", record.provider?.rawValue)
        self.member("answered_model", record.answeredModel)
        self.member("status", record.status)
        self.member("outcome", record.outcome.word)
        self.member("error", record.outcome.error.map { "\($0.code)" })
        self.member("attempts", record.attempts.count)
        self.member("duration_ms", milliseconds: record.duration)
        self.member("time_to_first_token_ms", milliseconds: record.timeToFirstToken)
        self.member("input_tokens", record.outcome.usage?.inputTokens)
        self.member("output_tokens", record.outcome.usage?.outputTokens)
        self.member("cost_usd", picoDollars: record.cost.picoDollars)
    }

    /// Writes the whole story of a request.
    mutating func story(of entry: RecentRequests.Entry) {
        let record = entry.record
        self.members(of: entry)
        self.member("waited_ms", milliseconds: record.waited)
        self.member("overhead_ms", milliseconds: record.overhead)
        self.member("message", record.outcome.error.map { String($0.message.prefix(1024)) })
        self.member("trace_id", record.trace?.traceID)
        self.member("lost_fields", texts: record.losses.map(\.field))
        self.member("lost_bookkeeping", texts: record.losses.ofBookkeeping)
        self.member("cached_input_tokens", record.outcome.usage?.cachedInputTokens)
        self.member("reasoning_tokens", record.outcome.usage?.reasoningTokens)
        self.member("calls", objects: record.attempts) { json, attempt in
            json.member("number", attempt.number)
            json.member("cause", attempt.cause.rawValue)
            json.member("provider", attempt.provider.rawValue)
            json.member("model", attempt.model)
            json.member("dialect", attempt.dialect?.rawValue)
            json.member("sent", attempt.wasSent)
            json.member("start_ms", milliseconds: attempt.start.duration(since: record.start))
            json.member("duration_ms", milliseconds: attempt.duration)
            json.member("time_to_first_token_ms", milliseconds: attempt.timeToFirstToken)
            json.member("outcome", attempt.outcome.word)
            json.member("error", attempt.error.map { "\($0.code)" })
            json.member("message", attempt.error.map { String($0.message.prefix(1024)) })
            json.member("upstream_status", attempt.error?.upstream?.status)
            json.member("retry_after_ms", milliseconds: attempt.error?.retryAfter)
            json.member("input_tokens", attempt.outcome.usage?.inputTokens)
            json.member("output_tokens", attempt.outcome.usage?.outputTokens)
            json.member("cost_usd", picoDollars: attempt.cost.picoDollars)
        }
        if let decision = record.request.decision as? RequestExplanation {
            self.member("explanation") { $0.members(of: decision) }
        }
    }

    /// Writes a key and milliseconds; `null` for none.
    mutating func member(_ key: StaticString, milliseconds duration: Duration?) {
        self.member(key, number: duration.map { Double($0.wholeNanoseconds) / 1e6 })
    }

    /// Writes a key and dollars as a decimal text; `null` where the price is not known.
    mutating func member(_ key: StaticString, picoDollars: Int64?) {
        self.key(key)
        guard let picoDollars else { return self.null() }
        let (whole, rest) = picoDollars.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000_000)
        var digits = String(rest)
        digits = String(repeating: "0", count: 12 - digits.count) + digits
        while digits.count > 6, digits.hasSuffix("0") { digits.removeLast() }
        self.string((picoDollars < 0 ? "-" : "") + "\(whole)." + digits)
    }
}

extension Outcome {
    /// A word for how it ended.
    var word: String {
        switch self.end {
        case .finished: "finished"
        case .failed: "failed"
        case .abandoned: "abandoned"
        }
    }
}
