import NeedletailCore
import NeedletailProviders
import Testing

@testable import NeedletailControl

@Suite("Imported prices")
struct PriceImportTests {
    @Test(
        "Decimal numbers are read exactly, and rounded up where they are finer",
        arguments: [
            ("0", 0), ("1", 1_000_000_000_000), ("2.5e-06", 2_500_000), ("1.5E-7", 150_000), ("0.00000015", 150_000),
            ("7.5e-14", 1), ("3e-12", 3), ("3.0000000000001e-12", 4), ("15", 15_000_000_000_000),
            ("1e3", 1_000_000_000_000_000),
        ] as [(String, Int64)])
    func numbers(text: String, expected: Int64) {
        #expect(ScientificDecimal.scaled(text, by: 12) == expected)
    }

    @Test(
        "What is no number, or below zero, or too much, is none",
        arguments: ["", "-1", "1e", "e5", "1.2.3", "1e99", "NaN", "1e20", "\"1\""])
    func noNumbers(text: String) {
        #expect(ScientificDecimal.scaled(text, by: 12) == nil)
    }

    private static let list = """
        {"sample_spec": {"input_cost_per_token": 0.1, "litellm_provider": "openai"},
         "gpt-4o-mini": {"litellm_provider": "openai", "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07},
         "groq/new-model": {"litellm_provider": "groq", "input_cost_per_token": 5e-08, "output_cost_per_token": 8e-08,
                            "cache_read_input_token_cost": 2.5e-08, "mode": "chat"},
         "long": {"litellm_provider": "gemini", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
                  "input_cost_per_token_above_200k_tokens": 2e-06},
         "odd": {"litellm_provider": "nobody", "input_cost_per_token": 1e-06},
         "bad": {"litellm_provider": "openai", "input_cost_per_token": "much"},
         "dear": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "cache_read_input_token_cost": 2e-06},
         "none": {"litellm_provider": "openai", "mode": "chat"}}
        """

    @Test("LiteLLM's list becomes a file that the configuration takes; what cannot be said is named")
    func liteLLM() throws {
        let list = try PriceImport(Self.list)
        #expect(list.entries.map(\.name) == ["groq/new-model", "openai/gpt-4o-mini"])
        #expect(list.leftOut.map(\.name) == ["bad", "dear", "long", "none", "odd"])
        #expect(list.leftOut.allSatisfy { !$0.reason.isEmpty })
        let text = list.file(isNewsOnly: true)
        #expect(text.contains(#""groq/new-model": { input: 0.05, output: 0.08, cached_input: 0.025 }"#), "\(text)")
        #expect(!text.contains("gpt-4o-mini"), "the catalogue has it just so")
        #expect(list.file(isNewsOnly: false).contains("gpt-4o-mini"))
        #expect(list.report.rows.map(\.name) == ["groq/new-model"])
    }

    @Test("Our own form is read in dollars for a million")
    func own() throws {
        let list = try PriceImport(
            #"{"models": {"main/x": {"input": "0.5", "output": 2, "search": "0.01"}, "y": {"inptu": 1}}}"#)
        #expect(
            list.entries.map(\.rates) == [PriceRates([.input: 500_000, .output: 2_000_000, .search: 10_000_000_000])])
        #expect(list.leftOut.map(\.name) == ["y"])
    }

    @Test("What is no list is refused", arguments: ["", "[]", "1", "{}", #"{"models": {}}"#, "{"])
    func noLists(text: String) {
        #expect(throws: NeedletailError.self) { try PriceImport(text) }
    }

    private static func files(_ prices: String) -> ConfigurationFiles {
        ConfigurationFiles { path, _ throws(ConfigurationFiles.Failure) in
            guard path.hasSuffix("prices.yaml") else { throw .missing }
            return prices
        }
    }

    private static func load(_ prices: String, _ file: String = "prices.yaml") throws -> Configuration {
        try ConfigurationLoader(types: .version, environment: [:], files: Self.files(prices)).load(
            text: """
                providers: { fast: { type: groq, api_key: k }, main: { type: openai, api_key: k } }
                prices: { models: { "main/gpt-4o": { input: 1, output: 1 } }, file: \(file) }
                """, named: "f.yaml")
    }

    @Test("The file's prices hold by provider, by type and by model, after those written in place")
    func file() throws {
        let configuration = try Self.load(
            """
            models:
              "groq/new-model": { input: 0.05, output: 0.08 }
              "main/gpt-4o": { input: 9, output: 9 }
              "main/own": { free: true }
            """)
        let book = PriceBook(configuration)
        func input(_ provider: ProviderID, _ model: String) -> Int64? {
            book.price(provider: provider, model: model)?.base.standard[.input]
        }
        #expect(input("fast", "new-model") == 50_000)
        #expect(input("main", "gpt-4o") == 1_000_000)
        #expect(input("main", "own") == 0)
        #expect(input("main", "new-model") == nil)
    }

    @Test("A file that is missing or wrong is a fault with its own line")
    func faults() throws {
        for (prices, file, expected) in [
            ("models: {}", "other.yaml", "f.yaml:2"), ("models:\n  a: { inptu: 1 }\n", "prices.yaml", "prices.yaml:2"),
            ("models: [\n", "prices.yaml", "prices.yaml"), ("prices: {}\n", "prices.yaml", "prices.yaml:1"),
        ] {
            do {
                _ = try Self.load(prices, file)
                Issue.record("\(prices) is taken")
            } catch let error as ConfigurationError {
                #expect(error.faults.contains { "\($0)".contains(expected) }, "\(error.faults)")
            }
        }
    }
}
