import HTTPTypes
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("RefusalReason")
struct RefusalReasonTests {
    private static func error(
        _ message: String, code: String? = nil, as kind: NeedletailError.Code = .invalidRequest
    ) -> NeedletailError {
        NeedletailError(kind, message, upstream: .init(status: 400, code: code))
    }

    @Test(
        "what providers say of requests that are too long or filtered",
        arguments: [
            ("", "context_length_exceeded", NeedletailError.Reason.contextWindow),
            ("This model's maximum context length is 8192 tokens.", nil, .contextWindow),
            ("prompt is too long: 208310 tokens > 200000 maximum", nil, .contextWindow),
            ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", nil, .contextWindow),
            ("The input token count (1200000) exceeds the maximum number of tokens allowed", nil, .contextWindow),
            ("Input is too long for requested model.", nil, .contextWindow),
            ("", "content_filter", .contentFilter), ("", "content_policy_violation", .contentFilter),
            ("Output blocked by content filtering policy", nil, .contentFilter),
            ("triggering Azure OpenAI's content management policy", nil, .contentFilter),
        ] as [(String, String?, NeedletailError.Reason)])
    func reasons(message: String, code: String?, reason: NeedletailError.Reason) {
        #expect(RefusalReason.of(Self.error(message, code: code)) == reason)
    }

    @Test("what is another failure, or our own, has no reason")
    func none() {
        #expect(RefusalReason.of(Self.error("Invalid value: 'rolle'.")) == nil)
        #expect(RefusalReason.of(Self.error("maximum context length", as: .upstreamFailed)) == nil)
        #expect(RefusalReason.of(NeedletailError(.invalidRequest, "maximum context length")) == nil)
        #expect(RefusalReason.of(NeedletailError(.tooLarge, "large")) == .contextWindow)
    }
}

@Suite("RateLimitHeaders told")
struct RateLimitTollTests {
    private static func fields(_ pairs: [String: String]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { if let name = HTTPField.Name(name) { fields[name] = value } }
        return fields
    }

    @Test("limits and what is used up, in the words of both dialects")
    func told() {
        let openAI = RateLimitHeaders.told(
            Self.fields([
                "x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "120ms", "x-ratelimit-limit-tokens": "150000",
                "x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "6m0s",
            ]), wallSeconds: 0)
        #expect(openAI?.requestsPerMinute == 500)
        #expect(openAI?.tokensPerMinute == 150_000)
        #expect(openAI?.untilReset == .milliseconds(120))
        let anthropic = RateLimitHeaders.told(
            Self.fields([
                "anthropic-ratelimit-requests-limit": "1000", "anthropic-ratelimit-requests-remaining": "999",
            ]), wallSeconds: 0)
        #expect(anthropic?.requestsPerMinute == 1_000)
        #expect(anthropic?.untilReset == nil)
        #expect(RateLimitHeaders.told(Self.fields(["content-type": "application/json"]), wallSeconds: 0) == nil)
    }
}

@Suite("CredentialState as a breaker")
struct CredentialBreakerTests {
    private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }

    @Test("a key that is refused again and again is out of service; one request at a time tries it")
    func closed() {
        var state = CredentialState(weights: [1])
        for (start, rest) in [(0, 60), (100, 120), (300, 240), (600, 480), (1_100, 900)] {
            #expect(state.closedUntil(now: self.at(start)) == nil)
            _ = state.pick(now: self.at(start))
            state.rest(0, for: nil, isRefused: true, now: self.at(start))
            #expect(state.hasReady(now: self.at(start + rest)))
            #expect(!state.hasReady(now: self.at(start + rest - 1)))
        }
        #expect(state.closedUntil(now: self.at(1_101)) == self.at(2_000))
        #expect(state.closedUntil(now: self.at(2_000)) == nil)
        _ = state.pick(now: self.at(2_000))
        #expect(state.closedUntil(now: self.at(2_000)) != nil)
        state.wasTaken(0)
        #expect(state.closedUntil(now: self.at(2_000)) == nil)
        #expect(!state.hasRefusals)
    }

    @Test("a limited key rests, and is never out of service for it; another key keeps the provider open")
    func limited() {
        var state = CredentialState(weights: [1, 1])
        for _ in 0..<9 { state.rest(0, for: nil, isRefused: false, now: self.at(0)) }
        for _ in 0..<9 { state.rest(1, for: nil, isRefused: true, now: self.at(0)) }
        #expect(state.closedUntil(now: self.at(1)) == nil)
    }
}
