import NeedletailControl
import Testing

@Suite("Fault scripts of providers")
struct FaultScriptConfigurationTests {
    private static func provider(_ rest: String) -> String {
        "providers: { p: { type: openai, api_key: { env: OPENAI_API_KEY }, \(rest) } }"
    }

    @Test("a script is read beside the configuration and warned about")
    func warning() throws {
        let configuration = try Fixture.load(Self.provider("faults: { script: /etc/key, seed: 3 }"))
        #expect(configuration.providers.first?.faults?.scriptFile == "/etc/key")
        #expect(configuration.providers.first?.faults?.seed == 3)
        #expect(configuration.warnings.count == 1)
        #expect(configuration.warnings.first?.description.contains("fail on purpose") == true)
    }

    @Test("nothing is wrapped by default, or where it is switched off", arguments: ["enabled: true", "faults: false"])
    func off(rest: String) throws {
        let configuration = try Fixture.load(Self.provider(rest))
        #expect(configuration.providers.first?.faults == nil)
        #expect(configuration.warnings.isEmpty)
    }

    @Test("what cannot work is told with its place")
    func faults() {
        #expect(
            Fixture.faults(Self.provider("faults: { script: missing.yaml }")).first?.contains("missing.yaml") == true)
        #expect(Fixture.faults(Self.provider("faults: { seed: 3 }")).first?.contains("names no script") == true)
        #expect(Fixture.faults(Self.provider("faults: true")).first?.contains("names no script") == true)
        #expect(Fixture.faults(Self.provider("faults: { scrpt: x }")).contains { $0.contains("did you mean 'script'") })
        let mock = "providers: { m: { type: mock, faults: { script: /etc/key } } }"
        #expect(Fixture.faults(mock).first?.contains("wraps a real provider") == true)
    }
}
