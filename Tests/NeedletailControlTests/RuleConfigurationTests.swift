import Foundation
import HTTPTypes
import NeedletailCore
import NeedletailRouting
import Testing

@testable import NeedletailControl

@Suite("Configuration: rules")
struct RuleConfigurationTests {
    typealias Case = ConfigurationFaultTests.Case
    private static let base = """
        providers: { m: { type: mock }, off: { type: mock, enabled: false } }
        models: { g: { targets: [m] }, t: { tiers: { simple: [m] } }, gone: { enabled: false, targets: [m] } }
        keys: [ { name: dev, key: { env: DEV_KEY }, tenant: crew } ]

        """

    private static func rule(_ when: String) -> String { Self.base + "routes: [ { when: { \(when) }, to: m } ]" }
    private static func group(_ text: String) -> String {
        "providers: { m: { type: mock }, off: { type: mock, enabled: false } }\nmodels: { g: { \(text) } }"
    }
    private static func arms(_ text: String, _ rest: String = "when: { model: a }, ") -> String {
        Self.base + "experiments: { e: { \(rest)arms: \(text) } }"
    }

    static let conditions: [Case] = [
        Case(Self.rule("tokens: { min: 9, max: 3 }"), "f.yaml:4:29: no number is both at least 9 and at most 3"),
        Case(Self.rule("size: { min: 2KiB, max: 1KiB }"), "f.yaml:4:27: no number is both"),
        Case(
            Self.rule("tokens: { mini: 1 }"),
            "f.yaml:4:31: 'routes[0].when.tokens' has no key 'mini'; did you mean 'min'?"),
        Case(Self.rule("key: deb"), "f.yaml:4:26: no client key fits 'deb', so this never holds; did you mean 'dev'?"),
        Case(Self.rule("key: [dev, ops]"), "f.yaml:4:26: no client key fits 'ops'"),
        Case(
            Self.rule("tenant: crow"), "f.yaml:4:29: no tenant fits 'crow', so this never holds; did you mean 'crew'?"),
        Case(Self.rule("headers: { 'a b': x }"), "f.yaml:4:32: 'a b' is no name of a header"),
        Case(Self.rule("headers: { Authorization: x }"), "f.yaml:4:32: the header 'Authorization' is a credential"),
        Case(Self.rule("headers: { x-a: x, X-A: y }"), "f.yaml:4:40: the header 'X-A' is there twice"),
        Case(Self.rule("percent: 0"), "f.yaml:4:30: 0 percent of all requests is none"),
        Case(Self.rule("percent: 101"), "f.yaml:4:30: 'routes[0].when.percent' 101 is out of range"),
        Case(Self.rule("sticky: key"), "f.yaml:4:29: 'sticky' means nothing without 'percent'"),
        Case(Self.rule("percent: 5, sticky: {}"), "f.yaml:4:41: this 'sticky' names no header"),
        Case(Self.rule("percent: 5, sticky: user"), "f.yaml:4:41: 'routes[0].when.sticky' has no value 'user'"),
        Case(
            Self.rule("operation: chats"),
            "f.yaml:4:32: 'routes[0].when.operation' has no value 'chats'; did you mean 'chat'?"),
        Case(Self.rule("operation: embeddings, has_tools: true"), "f.yaml:4:55: 'has_tools' is told of chats only"),
        Case(Self.rule("time: { days: [] }"), "f.yaml:4:35: a window without a day never opens"),
        Case(Self.rule("time: { days: [monday] }"), "f.yaml:4:36: 'routes[0].when.time.days[0]' has no value 'monday'"),
        Case(Self.rule("time: { from: \"25:00\" }"), "f.yaml:4:35: '25:00' is no time of day"),
        Case(Self.rule("time: { from: \"8\" }"), "f.yaml:4:35: '8' is no time of day"),
        Case(
            Self.rule("time: { from: \"08:00\", to: \"08:00\" }"), "f.yaml:4:27: a window from and to the same minute"),
        Case(
            Self.rule("time: { zone: Europe/Pariss }"),
            "f.yaml:4:35: 'Europe/Pariss' is no time zone of this machine; did you mean 'Europe/Paris'?"),
        Case(Self.rule("time: { zone: \"+2\" }"), "f.yaml:4:35: '+2' is no time zone of this machine"),
    ]

    static let reach: [Case] = [
        Case(
            Self.base + "routes:\n- { to: g }\n- { when: { model: a }, to: m }",
            "f.yaml:6:3: this route is never reached: whatever fits it fits 'rule-1' in line 5 before it"),
        Case(
            Self.base
                + "routes:\n- { name: x, when: { model: 'a*' }, to: g }\n- { when: { model: ab, has_tools: true }, to: m }",
            "f.yaml:6:3: this route is never reached: whatever fits it fits 'x'"),
        Case(
            Self.base + "routes:\n- { name: x, when: { model: a }, to: g }\n- { name: x, when: { model: b }, to: m }",
            "f.yaml:6:11: there are two routes named 'x'"),
        Case(Self.base + "routes: [ { to: off } ]", "f.yaml:4:17: the provider 'off' is switched off"),
        Case(Self.base + "routes: [ { to: gone } ]", "f.yaml:4:17: the group 'gone' is switched off"),
        Case(
            Self.base + "routes: [ { to: m, shadow: { percent: 5 } } ]", "f.yaml:4:28: this shadow has no 'to'"),
    ]

    static let experiments: [Case] = [
        Case(Self.arms("[ { to: m }, { to: g } ]", ""), "f.yaml:4:16: the experiment 'e' has no 'when'"),
        Case(Self.arms("[ { to: m } ]"), "f.yaml:4:47: the experiment 'e' has one arm"),
        Case(Self.base + "experiments: { e: { when: { model: a } } }", "f.yaml:4:16: the experiment 'e' has no arms"),
        Case(Self.arms("[ { to: m }, { to: m } ]"), "f.yaml:4:60: the experiment 'e' has two arms named 'm'"),
        Case(
            Self.arms("[ { to: m, weight: 0 }, { to: g, weight: 0 } ]"),
            "f.yaml:4:47: the weights of the experiment 'e' sum to nothing"),
        Case(Self.arms("[ { to: m }, { weight: 1 } ]"), "f.yaml:4:60: this arm has no 'to'"),
        Case(Self.arms("[ { to: m }, { to: off } ]"), "f.yaml:4:66: the provider 'off' is switched off"),
        Case(
            Self.base
                + "experiments:\n  a: { when: { model: x }, arms: [ { to: m }, { to: g } ] }\n  b: { when: { model: x, stream: true }, arms: [ { to: m }, { to: g } ] }",
            "f.yaml:6:3: this experiment is never reached"),
    ]

    static let groups: [Case] = [
        Case(
            Self.group("targets: [m], tiers: { simple: [m] }"),
            "f.yaml:2:25: the group 'g' has 'targets' beside its 'tiers'"),
        Case(Self.group("tiers: {}"), "f.yaml:2:23: the group 'g' has tiers without targets"),
        Case(
            Self.group("tiers: { simple: [m], thresholds: { medium: 0.9, complex: 0.5 } }"),
            "f.yaml:2:50: 'medium' begins at 0.9, above 'complex' at 0.5"),
        Case(
            Self.group(
                "tiers: { simple: [m], weights: { tokens: 0, turns: 0, tools: 0, code: 0, schema: 0, reasoning: 0 } }"),
            "f.yaml:2:47: the weights sum to nothing"),
        Case(
            Self.group("tiers: { simple: [g] }"), "f.yaml:2:34: the groups go round in a circle",
            "f.yaml:2:34: the group 'g' has tiers"),
        Case(
            "providers: { m: { type: mock } }\nmodels: { g: { targets: [t] }, t: { tiers: { simple: [m] } } }",
            "f.yaml:2:26: the group 't' has tiers, and so cannot be a target"),
        Case(Self.group("targets: [m], shadow: { to: m }"), "f.yaml:2:38: this shadow has no 'percent'"),
        Case(
            Self.group("targets: [m], shadow: { to: m, percent: 0 }"),
            "f.yaml:2:56: a shadow of 0 percent copies nothing"),
        Case(
            Self.group("targets: [m], shadow: { to: off, percent: 1 }"),
            "f.yaml:2:44: the provider 'off' is switched off"),
        Case(Self.group("targets: [m], shadow: { to: n, percent: 1 }"), "f.yaml:2:44: 'n' names no provider"),
    ]

    @Test("Each fault has its place, its cause and its remedy", arguments: conditions + reach + experiments + groups)
    func faults(_ test: Case) {
        let found = Fixture.faults(test.text)
        #expect(found.count == test.faults.count, "\(found)")
        for (found, expected) in zip(found, test.faults) {
            #expect(found.hasPrefix(expected), "\(found)")
            #expect(found.contains("; "), "no remedy")
        }
    }

    @Test("Everything that can be written is read")
    func everything() throws {
        let configuration = try Fixture.load(
            Self.base + """
                routes:
                  - name: first
                    when:
                      model: [auto, "gpt-*"]
                      operation: [chat, embeddings]
                      key: "d*"
                      tenant: crew
                      has_images: true
                      has_documents: false
                      stream: true
                      tokens: { min: 10 }
                      size: { max: 1KiB }
                      headers: { X-Team: red }
                      time: { days: [mon, fri], from: "8:00", to: "24:00", zone: UTC+02:00 }
                      percent: 12.5
                      sticky: { header: x-user }
                      seed: 7
                    to: m/large
                    shadow: { to: g, percent: 5, budget: 60, concurrency: 3 }
                  - { enabled: false, to: off }
                experiments:
                  e: { when: { model: x }, seed: 3, arms: [ { name: a, to: m, weight: 3 }, { to: m/x } ] }
                """)
        #expect(configuration.warnings.isEmpty)
        let rule = try #require(configuration.routes.first)
        #expect(rule.name == "first" && rule.destination == .provider("m", model: "large"))
        var expected = RuleCondition()
        expected.models = [ModelGlob("auto"), ModelGlob("gpt-*")]
        expected.operations = [.chat, .embeddings, .singleEmbedding]
        expected.keys = [ModelGlob("d*")]
        expected.tenants = [ModelGlob("crew")]
        expected.required = .images
        expected.forbidden = .documents
        expected.isStreaming = true
        expected.tokens = 10...Int.max
        expected.size = 0...1024
        let headers = configuration.routingHeaders
        #expect(headers.map(\.canonicalName) == ["x-team", "x-user"])
        expected.headers = [.init(headers[0], ModelGlob("red"))]
        expected.time = TimeWindow(
            days: [.init(number: 0), .init(number: 4)], opening: 480, closing: 1_440,
            zone: ZoneOffsets(name: "UTC+02:00", first: 7_200))
        expected.share = .init(0.125, StickyShare(.header(headers[1]), name: "first", seed: 7))
        #expect(rule.condition == expected)
        #expect(rule.shadow?.settings == .init(fraction: 0.05, perMinute: 60, concurrency: 3))
        #expect(configuration.routes.map(\.isEnabled) == [true, false])
        let experiment = try #require(configuration.experiments.first)
        #expect(experiment.arms.map(\.name) == ["a", "m/x"] && experiment.arms.map(\.weight) == [3, 1])
        #expect(experiment.draw == StickyShare(.key, name: "experiment:e", seed: 3))
    }

    @Test(
        "Times of day",
        arguments: [
            ("00:00", 0), ("8:05", 485), ("24:00", 1_440), ("24:01", nil), ("08:60", nil), ("8", nil), ("8:5", nil),
            ("-1:00", nil), ("", nil),
        ] as [(String, Int?)])
    func clock(_ text: String, _ minutes: Int?) {
        #expect(ClockText.minutes(text) == minutes)
    }

    @Test("A zone's clocks are those of the database, in summer and winter, north and south")
    func zones() throws {
        // 2026-01-15 and 2026-07-15, 12:00 UTC.
        let (winter, summer): (Int64, Int64) = (1_768_478_400, 1_784_116_800)
        for (name, january, july) in [
            ("Europe/Paris", 1, 2), ("America/New_York", -5, -4), ("Australia/Sydney", 11, 10), ("Asia/Tokyo", 9, 9),
            ("-05:30", -5.5, -5.5), ("UTC", 0, 0), ("UTC+14:00", 14, 14),
        ] as [(String, Double, Double)] {
            let zone = try #require(ZoneResolver.zone(name))
            #expect(Double(zone.offset(at: winter)) == january * 3_600, "\(name)")
            #expect(Double(zone.offset(at: summer)) == july * 3_600, "\(name)")
        }
        // The last hour before and the first of summer time in Paris, 2026-03-29 01:00 UTC.
        let paris = try #require(ZoneResolver.zone("Europe/Paris"))
        #expect(paris.offset(at: 1_774_745_999) == 3_600 && paris.offset(at: 1_774_746_000) == 7_200)
        for name in ["CET", "PST", "+19:00", "02:00", "Nowhere/City", ""] { #expect(ZoneResolver.zone(name) == nil) }
    }

    @Test("docs/rules.md's examples can be used")
    func examples() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/rules.md"), encoding: .utf8)
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        #expect(blocks.count == 4)
        for block in blocks { #expect(try Fixture.load(block).warnings.isEmpty) }
    }
}
