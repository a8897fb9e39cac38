import NeedletailCore
import NeedletailRouting

extension JSONWriter {
    /// Writes what would become of a request.
    mutating func members(of explanation: RequestExplanation) {
        self.member("model", String(explanation.model.prefix(256)))
        self.member("operation", explanation.operation.rawValue)
        self.member("streaming", explanation.isStreaming)
        self.member("features", texts: explanation.features.names)
        self.member("input_tokens", explanation.inputTokens)
        self.member("max_output_tokens", explanation.maximumOutputTokens)
        self.member("key", explanation.key)
        self.member("tenant", explanation.tenant)
        self.member("summary", explanation.summary)
        self.member("destination", explanation.destination)
        self.member("rules", objects: explanation.verdicts) { json, verdict in
            json.member("kind", verdict.kind.rawValue)
            json.member("name", verdict.name)
            json.member("to", verdict.destination.description)
            json.member("arm", verdict.arm)
            json.member("holds", verdict.holds)
            json.member("reason", verdict.reason.description)
        }
        self.member("limits", objects: explanation.limits) { $0.members(of: $1) }
        if let routing = explanation.routing { self.members(of: routing) }
        self.key("failure")
        guard let failure = explanation.failure else { return self.null() }
        self.beginObject()
        self.member("status", failure.disposition.status)
        self.member("code", "\(failure.code)")
        self.member("message", failure.message)
        self.member("retry_after_seconds", seconds: failure.retryAfter)
        self.endObject()
    }

    private mutating func members(of routing: RoutingExplanation) {
        if let tier = routing.tier {
            self.member("tier") { json in
                json.member("tier", tier.tier.rawValue)
                json.member("answering", tier.answering.rawValue)
                json.member("score", number: tier.score.value)
                json.member("parts", objects: tier.score.parts) { json, part in
                    json.member("name", part.name)
                    json.member("level", number: part.level)
                    json.member("points", number: part.points)
                }
            }
        }
        self.member("group", routing.group.rawValue)
        self.member("group_limits", objects: routing.limits) { $0.members(of: $1) }
        self.member("max_attempts", routing.maximumAttempts)
        if let stream = routing.midStream {
            self.member("mid_stream") { json in
                json.member("policy", stream.rescue.rawValue)
                json.member("because", stream.reason?.rawValue)
            }
        }
        self.member("waits", routing.waits)
        self.member("order", texts: routing.order.compactMap { routing.candidate($0)?.deployment.description })
        self.member("candidates", objects: routing.candidates) { $0.members(of: $1, routing) }
    }

    private mutating func members(of candidate: RoutingExplanation.Candidate, _ routing: RoutingExplanation) {
        self.member("target", candidate.deployment.description)
        self.member("model", candidate.model)
        self.member("role", candidate.role.rawValue)
        self.member("kept", candidate.isKept)
        self.member("reason", candidate.reason)
        self.member("message", candidate.unfit?.message)
        self.member(
            "seconds_until_free",
            seconds: candidate.refusal?.until.map { max(.zero, $0.duration(since: routing.time)) })
        self.member("place", routing.order.firstIndex(of: candidate.index).map { $0 + 1 })
        self.member("priority", candidate.priority)
        self.member("weight", number: candidate.weight)
        self.member("estimated_cost_usd", picoDollars: candidate.cost)
        self.key("score")
        if let score = candidate.score {
            self.beginObject()
            self.member("value", number: score.score, decimals: 6)
            self.member("share", number: score.share)
            self.member("parts") { json in
                for part in score.parts {
                    json.key(part.name)
                    json.number(part.value)
                }
            }
            self.endObject()
        } else {
            self.null()
        }
        self.member("breaker") { json in
            json.member("state", candidate.breaker.word)
            json.member("consecutive_failures", candidate.breaker.consecutiveFailures)
            json.member(
                "seconds_until_probe",
                seconds: candidate.breaker.opensUntil.map { max(.zero, $0.duration(since: routing.time)) })
        }
        self.member("limits", objects: candidate.limits) { $0.members(of: $1) }
        self.member("health", number: candidate.health)
        self.member("in_flight", candidate.inFlight)
    }

    private mutating func members(of limit: (scope: String, headroom: LimitHeadroom)) {
        func write(_ level: LimitHeadroom.Level?, into json: inout JSONWriter) {
            guard let level else { return json.null() }
            json.beginObject()
            json.member("limit", level.limit)
            json.member("remaining", level.remaining)
            json.member("seconds_until_full", seconds: level.untilFull)
            json.endObject()
        }
        self.member("scope", limit.scope)
        self.key("requests")
        write(limit.headroom.requests, into: &self)
        self.key("tokens")
        write(limit.headroom.tokens, into: &self)
        self.member("concurrency", limit.headroom.concurrency)
        self.member("running", limit.headroom.running)
    }

    private mutating func number(_ value: Double) {
        guard value.isFinite, abs(value) < 1e15 else { return self.null() }
        let rounded = (value * 1e6).rounded() / 1e6
        self.raw(JSONText(unchecked: rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"))
    }
}

extension Features {
    /// Their names, as rules have them.
    fileprivate var names: [String] {
        RuleCondition.features.filter { self.contains($0.feature) }.map(\.part.rawValue)
    }
}
