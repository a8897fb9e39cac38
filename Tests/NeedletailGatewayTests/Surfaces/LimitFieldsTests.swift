import HTTPTypes
import NeedletailCore
import Testing

@testable import NeedletailGateway

@Suite("LimitFields")
struct LimitFieldsTests {
    private let report = LimitReport(
        requests: .init(limit: 60, remaining: 59, reset: .milliseconds(1_250)),
        tokens: .init(limit: 1_000, remaining: 0, reset: .seconds(360)))

    @Test("OpenAI's words hold for every dialect but Anthropic's")
    func openAI() {
        var headers = HTTPFields()
        LimitFields.append(self.report, .gemini, now: 0, to: &headers)
        let pairs = headers.map { "\($0.name.canonicalName): \($0.value)" }
        #expect(
            pairs == [
                "x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 59",
                "x-ratelimit-reset-requests: 1.25s", "x-ratelimit-limit-tokens: 1000",
                "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6m0s",
            ])
        #expect(headers.allSatisfy { LimitFields.isOne($0.name) })
    }

    @Test("Anthropic's tell dates")
    func anthropic() {
        var headers = HTTPFields()
        LimitFields.append(
            LimitReport(requests: self.report.requests), .anthropicMessages, now: 1_709_251_199, to: &headers)
        let pairs = headers.map { "\($0.name.canonicalName): \($0.value)" }
        #expect(
            pairs == [
                "anthropic-ratelimit-requests-limit: 60", "anthropic-ratelimit-requests-remaining: 59",
                "anthropic-ratelimit-requests-reset: 2024-03-01T00:00:01Z",
            ])
    }

    @Test(
        "durations are written as OpenAI writes them, rounded up",
        arguments: [
            (Duration.zero, "0ms"), (.nanoseconds(1), "1ms"), (.milliseconds(999), "999ms"), (.seconds(1), "1s"),
            (.milliseconds(59_001), "59.001s"), (.seconds(61), "1m1s"), (.seconds(-1), "0ms"),
        ])
    func durations(duration: Duration, text: String) {
        #expect(LimitFields.text(duration) == text)
    }
}
