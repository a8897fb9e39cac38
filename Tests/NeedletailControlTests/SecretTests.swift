import NeedletailControl
import Testing

@Suite("Secrets")
struct SecretTests {
    static let value = "sk-hunter2-hunter2"

    private static func everything(_ subject: Any) -> String {
        var dumped = ""
        dump(subject, to: &dumped)
        return "\(subject) \(String(describing: subject)) \(String(reflecting: subject)) \(dumped)"
    }

    @Test("A secret shows as three stars however it is printed")
    func hidden() {
        let secret = Secret(Self.value)
        #expect(Self.everything(secret).contains("***"))
        for subject in [secret, [secret], Optional(secret) as Any, ["a": secret]] as [Any] {
            #expect(!Self.everything(subject).contains("hunter2"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(secret.exposed == Self.value)
        #expect(secret == Secret(Self.value))
        #expect(secret != Secret(Self.value + "x"))
    }

    @Test("A configuration full of secrets shows none of them, nor do its warnings")
    func configuration() throws {
        let configuration = try Fixture.load(
            """
            providers:
              a: { type: openai, api_key: \(Self.value), headers: { Authorization: 'Bearer \(Self.value)' } }
              b: { type: anthropic, api_keys: [ { key: { env: K } } ] }
            keys: [ { name: dev, key: '${K}x' } ]
            """, environment: ["K": Self.value + "2", "OPENAI_API_KEY": Self.value + "3"])
        #expect(configuration.providers.flatMap(\.apiKeys).count == 2)
        #expect(!Self.everything(configuration).contains("hunter2"))
        #expect(configuration.warnings.map(\.description).joined().contains("is written out in the file"))
        #expect(!configuration.warnings.map(\.description).joined().contains("hunter2"))
    }

    @Test(
        "No fault shows a secret, wherever it was put by mistake",
        arguments: [
            "providers: { a: { type: openai, api_key: [sk-hunter2] } }",
            "providers: { a: { type: openai, api_key: { env: 'sk-hunter2 x' } } }",
            "providers: { a: { type: openai, base_url: 'http://u:hunter2@x' } }",
            "providers: { a: { type: openai, base_url: 'x:hunter2@x' } }",
            "providers: { a: { type: openai, base_url: 'http://x?k=hunter2' } }",
            "providers: { a: { type: mock, priority: '${K}' } }",
            "providers: { a: { type: mock, timeouts: { idle: '${K}' } } }",
            "providers: { a: { type: '${K}' } }",
            "providers: { a: { type: mock } }\nmodels: { g: { targets: ['${K}'] } }",
            "providers: { a: { type: mock } }\nmodels: { g: { targets: ['a/${NONE:-}'] } }\nkeys: [ { name: '${K}', key: x } ]",
        ])
    func faults(text: String) {
        let found = Fixture.faults(text, environment: ["K": Self.value + "\u{7}"])
        #expect(!found.isEmpty)
        #expect(!found.joined().contains("hunter2"))
    }

    @Test("A bad key in the environment is not shown")
    func environment() {
        do {
            _ = try Fixture.loader(["OPENAI_API_KEY": "sk hunter2"]).load()
            Issue.record("It was accepted.")
        } catch {
            #expect(error.description.hasPrefix("environment variable OPENAI_API_KEY: "))
            #expect(!error.description.contains("hunter2"))
        }
    }
}
