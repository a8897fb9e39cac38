import NeedletailControl
import NeedletailProviders
import Testing

@Suite("Settings of providers")
struct ProviderSettingsTests {
    @Test(
        "a setting that the type has not, or one that lacks, is a fault with its place",
        arguments: [
            (
                "providers: { a: { type: openai, settings: { project: x } } }",
                "f.yaml:1:45: the type 'openai' has no setting 'project'; it has none"
            ),
            (
                "providers: { a: { type: azure, base_url: https://a, settings: { api_versio: x } } }",
                "f.yaml:1:65: the type 'azure' has no setting 'api_versio'; did you mean 'api_version'?"
            ),
            (
                "providers: { a: { type: vertex, settings: { zzzzz: x, project: p } } }",
                "f.yaml:1:45: the type 'vertex' has no setting 'zzzzz'; known here: project, location, credentials"
            ),
            (
                "providers: { a: { type: vertex } }",
                "f.yaml:1:14: the provider 'a' of type 'vertex' has no setting 'project'; write settings: { project:"
            ),
            (
                "providers: { a: { type: cloudflare, api_key: '${OPENAI_API_KEY}' } }",
                "f.yaml:1:14: the provider 'a' of type 'cloudflare' has no setting 'account_id'; write settings"
            ),
            (
                "providers: { a: { type: vertex, settings: { credentials: /etc/nothing } } }",
                "f.yaml:1:58: '/etc/nothing': there is no such file"
            ),
            (
                "providers: { a: { type: azure, base_url: https://a, settings: { client_secret: { env: NOPE } } } }",
                "f.yaml:1:87: "
            ),
            (
                "providers: { a: { type: openai, settings: x } }",
                "f.yaml:1:43: 'providers.a.settings' is a single value"
            ),
        ])
    func faults(text: String, fault: String) {
        let faults = Fixture.faults(text)
        #expect(faults.count == 1 && faults.first?.hasPrefix(fault) == true, "\(faults)")
    }

    @Test("settings come from the file, from their variables, or from other settings")
    func values() throws {
        let configuration = try Fixture.load(
            """
            providers:
              a: { type: vertex, settings: { project: own, credentials: /etc/key } }
              b: { type: vertex }
              c: { type: vertex, settings: { credentials: /etc/key, location: '${PLACE}' } }
              d: { type: vertex, enabled: false }
              e: { type: azure, base_url: https://a, api_key: { env: AZ }, settings: { api_version: 2024-06-01 } }
            """,
            environment: ["GOOGLE_CLOUD_PROJECT": "p", "PLACE": "eu", "AZ": "k", "OPENAI_API_VERSION": "other"])
        #expect(configuration.warnings.isEmpty, "\(configuration.warnings)")
        let settings = { (name: String) in configuration.provider(name)?.settings.mapValues(\.exposed) }
        #expect(settings("a") == ["project": "own", "credentials": "/etc/key"])
        #expect(settings("b") == ["project": "p"])
        #expect(settings("c") == ["project": "p", "credentials": "/etc/key", "location": "eu"])
        #expect(settings("e") == ["api_version": "2024-06-01"])
        let implied = try Fixture.load("providers: { a: { type: vertex, settings: { credentials: /etc/key } } }")
        #expect(implied.provider("a")?.settings.keys.sorted() == ["credentials"])
    }

    @Test("a credential that is written out is warned about, any other setting is not")
    func literals() throws {
        let warnings = try Fixture.load(
            "providers: { a: { type: azure, base_url: https://a, settings: { client_id: i, client_secret: very-secret } } }"
        ).warnings
        #expect(warnings.count == 1 && warnings.first?.description.contains("client_secret") == true, "\(warnings)")
        #expect(!"\(warnings)".contains("very-secret"))
    }

    @Test(
        "the environment configures a type when all that it needs is there",
        arguments: [
            (["AZURE_OPENAI_API_KEY": "k"], ["mock"]),
            (
                ["AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://a.openai.azure.com/"],
                ["azure", "mock"]
            ),
            (["AZURE_OPENAI_AD_TOKEN": "t", "AZURE_OPENAI_ENDPOINT": "https://a"], ["azure", "mock"]),
            (["AZURE_OPENAI_ENDPOINT": "https://a"], ["mock"]), (["GOOGLE_CLOUD_PROJECT": "p"], ["mock"]),
            (["GOOGLE_APPLICATION_CREDENTIALS": "/etc/key"], ["vertex", "mock"]),
            (["CLOUDFLARE_API_TOKEN": "k"], ["mock"]),
            (["CLOUDFLARE_API_TOKEN": "k", "CLOUDFLARE_ACCOUNT_ID": "a"], ["cloudflare", "mock"]),
            (["DATABRICKS_TOKEN": "k", "DATABRICKS_HOST": "adb-1.azuredatabricks.net"], ["databricks", "mock"]),
            (["HF_TOKEN": "k"], ["huggingface", "mock"]), (["MISTRAL_API_KEY": "k"], ["mistral", "mock"]),
            (["RUNPOD_API_KEY": "k"], ["mock"]),
            (["RUNPOD_API_KEY": "k", "RUNPOD_ENDPOINT_ID": "e"], ["runpod", "mock"]),
            (["REPLICATE_API_TOKEN": "k"], ["replicate", "mock"]),
            (["LLAMACPP_BASE_URL": "http://h"], ["llamacpp", "mock"]),
        ] as [([String: String], [String])])
    func environment(environment: [String: String], names: [String]) throws {
        #expect(try Fixture.loader(environment).load().providers.map(\.name) == names)
    }

    @Test("what the operator says of models is read in the order of the file")
    func capabilities() throws {
        let provider = try Fixture.load(
            """
            providers:
              a:
                type: mock
                capabilities:
                  tiny: { context_window: 4096, max_output_tokens: 100, vision: true, tools: false }
                  "big-*": { structured_output: false, reasoning: true }
            """
        ).provider("a")
        let statements = try #require(provider?.capabilities)
        #expect(statements.map(\.pattern) == ["tiny", "big-*"])
        #expect(statements[0].facts == .init(contextWindow: 4096, maxOutputTokens: 100, vision: true, tools: false))
        #expect(statements[1].facts == .init(structuredOutput: false, reasoning: true))
        let faults = Fixture.faults("providers: { a: { type: mock, capabilities: { m: { visoin: true } } } }")
        #expect(faults.count == 1 && faults.first?.contains("did you mean 'vision'?") == true, "\(faults)")
    }
}
