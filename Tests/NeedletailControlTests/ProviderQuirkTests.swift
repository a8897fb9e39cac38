import NeedletailControl
import Testing

@Suite("What an operator says of a provider's habits")
struct ProviderQuirkTests {
    private static func provider(_ type: String, _ quirks: String) -> String {
        "providers: { a: { type: \(type), base_url: 'http://h/v1', api_key: k, quirks: { \(quirks) } } }"
    }

    @Test("reasoning_details is read, and of the type where it is left out", arguments: [true, false])
    func reasoningDetails(_ takes: Bool) throws {
        let text = Self.provider("openai-compatible", "reasoning_details: \(takes)")
        #expect(try Fixture.load(text).provider("a")?.takesReasoningDetails == takes)
        let silent = Self.provider("openai-compatible", "stream_usage: true")
        #expect(try #require(try Fixture.load(silent).provider("a")).takesReasoningDetails == nil)
    }

    @Test("a value of another kind is a fault")
    func wrong() {
        let faults = Fixture.faults(Self.provider("openai-compatible", "reasoning_details: openrouter"))
        #expect(faults.count == 1)
        #expect(faults.first?.contains("'providers.a.quirks.reasoning_details' 'openrouter' is not a boolean") == true)
    }
}
