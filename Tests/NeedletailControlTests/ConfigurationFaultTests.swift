import NeedletailControl
import Testing

@Suite("Configuration faults")
struct ConfigurationFaultTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        /// The place and the beginnings of the texts, in order.
        var faults: [String]
        var testDescription: String { self.text }

        init(_ text: String, _ faults: String...) {
            self.text = text
            self.faults = faults
        }
    }

    static let mock = "providers: { m: { type: mock } }\n"

    static let structure: [Case] = [
        Case("", "f.yaml:1:1: the file is empty"),
        Case("# nothing\n", "f.yaml:1:1: the file is empty"),
        Case("~", "f.yaml:1:1: the file is empty"),
        Case("[1]", "f.yaml:1:1: the configuration is a list"),
        Case("text", "f.yaml:1:1: the configuration is a single value"),
        Case("a: [1\nb: 2", "f.yaml:2:2: this is not YAML"),
        Case("listen:\n\tapi: x", "f.yaml:2:1: this is not YAML"),
        Case("a: 1\n---\nb: 2", "f.yaml:2:1: this is not YAML"),
        Case("a: *nobody", "f.yaml:1:4: this is not YAML"),
        Case("listn: {}", "f.yaml:1:1: the configuration has no key 'listn'; did you mean 'listen'?"),
        Case("zzz: {}", "f.yaml:1:1: the configuration has no key 'zzz'; known here: listen, providers"),
        Case("? [a]\n: 1", "f.yaml:1:3: a key must be a plain word"),
        Case("x: &a 1\n? *a\n: 1", "f.yaml:2:1: a key must be a plain word"),
        Case(
            "listen: {}\nproviders: { m: { type: mock } }\nlisten: {}",
            "f.yaml:3:1: the key 'listen' occurs more than once"),
        Case(
            "providers:\n  m: { type: mock, weight: 1, weight: 2 }\n  m: { type: mock }\n  m: { type: mock }",
            "f.yaml:2:31: the key 'weight' occurs more than once", "f.yaml:4:3: the key 'm' occurs more than once"),
        Case(
            mock + "listen: { api: '${NOPE}' }",
            "f.yaml:2:16: the environment variable NOPE is not set; set it, or write ${NOPE:-default}"),
        Case(mock + "listen: { api: '${NOPE' }", "f.yaml:2:16: `${` is not closed"),
        Case(mock + "listen: { api: '${NO PE}' }", "f.yaml:2:16: this is no variable"),
        Case(mock + "<<: 3", "f.yaml:2:1: `<<` takes a mapping"),
    ]

    static let values: [Case] = [
        Case(
            mock + "privacy: { redact: { email: maybe } }",
            "f.yaml:2:29: 'privacy.redact.email' has no value 'maybe'"),
        Case(mock + "privacy: { deny: [{ words: [a] }] }", "f.yaml:2:19: this deny list has no 'name'"),
        Case(mock + "privacy: { deny: [{ name: a }] }", "f.yaml:2:19: the deny list 'a' holds no word"),
        Case(mock + "privacy: { deny: [{ name: a, words: ['--'] }] }", "f.yaml:2:38: there is no word in '--'"),
        Case(mock + "privacy: { hooks: [{ name: a }] }", "f.yaml:2:20: this hook has no 'url'"),
        Case(
            mock + "privacy: { hooks: [{ name: a, url: 'https://h' }, { name: a, url: 'https://i' }] }",
            "f.yaml:2:51: there are two hooks named 'a'"),
        Case(
            mock + "budgets: [{ name: b, limit: 1, on_exhausted: queue }]",
            "f.yaml:2:46: a budget without an end has no next stretch to wait for; write per: day"),
        Case(
            mock + "budgets: [{ name: b, limit: 1, per: day, on_exhausted: { queue: 5s, downgrade: g } }]",
            "f.yaml:2:56: 'downgrade' and 'queue' are both there", "f.yaml:2:80: there is no group 'g'"),
        Case(
            mock + "budgets: [{ name: b, limit: 1, per: day, on_exhausted: {} }]",
            "f.yaml:2:56: 'on_exhausted' says nothing; write { downgrade: GROUP }"),
        Case(
            mock
                + "models: { cheap: { targets: [m] } }\nbudgets: [{ name: b, limit: 1, on_exhausted: { downgrade: cheep } }]",
            "f.yaml:3:59: there is no group 'cheep' under 'models:'; did you mean 'cheap'?"),
        Case(
            mock + "models: { cheap: { targets: [m], enabled: false } }\n"
                + "keys: [{ name: k, key: '${K:-x}', budget: { limit: 1, on_exhausted: { downgrade: cheap } } }]",
            "f.yaml:3:82: the group 'cheap' is switched off"),
        Case(
            mock + "budgets: [{ name: b, limit: 1, each: teem }]", "f.yaml:2:38: 'budgets[0].each' has no value 'teem'"),
        Case(
            "providers: { m: { type: mock, on_disconnect: wait } }",
            "f.yaml:1:46: 'providers.m.on_disconnect' has no value 'wait'"),
        Case(
            "providers: { m: { type: mock, timeouts: { first_token: 5s, adaptive: { floor: 9s } } } }",
            "f.yaml:1:79: the floor is above 'first_token'; write at most 5s"),
        Case(
            mock + "models: { g: { targets: [m], mid_stream: resume } }",
            "f.yaml:2:42: 'models.g.mid_stream' has no value 'resume'"),
        Case(
            mock + "models: { g: { targets: [m], contract: { jsn: fail } } }",
            "f.yaml:2:42: 'models.g.contract' has no key 'jsn'"),
        Case(mock + "listen: { api: 4003 }", "f.yaml:2:16: 'listen.api' '4003' is not an address"),
        Case(mock + "listen: { api: 'a:70000' }", "f.yaml:2:16: 'listen.api' 'a:70000' is not an address"),
        Case(
            mock + "listen: { drain: 30 }", "f.yaml:2:18: 'listen.drain' 30 has no unit; write 30s for seconds or 30ms"),
        Case(mock + "listen: { drain: soon }", "f.yaml:2:18: 'listen.drain' 'soon' is not a duration"),
        Case(mock + "listen: { drain: -3s }", "f.yaml:2:18: 'listen.drain' '-3s' is not a duration"),
        Case(mock + "listen: { drain: 99999999999999d }", "f.yaml:2:18: 'listen.drain' '99999999999999d' is not a dur"),
        Case(mock + "listen: { body_limit: 0 }", "f.yaml:2:23: 'listen.body_limit' '0' is not a size"),
        Case(mock + "listen: { body_limit: 99999999999GiB }", "f.yaml:2:23: 'listen.body_limit'"),
        Case(mock + "listen: { tls: { cert: /etc/key } }", "f.yaml:2:16: TLS needs 'cert' and 'key'"),
        Case(mock + "listen: { api: '0.0.0.0:1' }", "f.yaml:2:16: the API listener is open to other machines"),
        Case(mock + "listen: { admin: '0.0.0.0:1' }", "f.yaml:2:18: the admin listener would be open"),
        Case(mock + "telemetry: { log: { level: loud } }", "f.yaml:2:28: 'telemetry.log.level' has no value 'loud'"),
        Case(
            mock + "telemetry: { log: { format: jsn } }",
            "f.yaml:2:29: 'telemetry.log.format' has no value 'jsn'; did you mean 'json'?"),
        Case(mock + "telemetry: { log: info }", "f.yaml:2:19: 'telemetry.log' is a single value"),
        Case(mock + "keys: [ { key: a } ]", "f.yaml:2:9: this key has no 'name'"),
        Case(mock + "keys: [ { name: a } ]", "f.yaml:2:9: this key has no 'key'"),
        Case(mock + "keys: [ { name: 'a b', key: x } ]", "f.yaml:2:17: 'keys[0].name' 'a b' is no name"),
        Case(mock + "keys: [ { name: a, key: x }, { name: a, key: y } ]", "f.yaml:2:38: there are two keys named 'a'"),
        Case(
            mock + "keys: [ { name: a, key: x }, { name: b, key: x } ]", "f.yaml:2:46: the client keys 'a' and 'b' have"
        ),
        Case(
            mock + "keys: [ { name: a, key: x, budget: { limit: 5,00 } } ]",
            "f.yaml:2:47: 'keys[0].budget' has no key '00'"),
        Case(
            mock + "keys: [ { name: a, key: x, budget: { limit: ten } } ]",
            "f.yaml:2:45: 'keys[0].budget.limit' 'ten' is not an amount"),
        Case(
            mock + "keys: [ { name: a, key: x, budget: { limit: -1 } } ]",
            "f.yaml:2:45: 'keys[0].budget.limit' '-1' is not"),
        Case(mock + "keys: { name: a }", "f.yaml:2:7: 'keys' is a mapping"),
        Case(
            mock + "keys: [ { name: a, key: { env: NOPE } } ]",
            "f.yaml:2:32: the environment variable NOPE for the client key 'a' is not set"),
        Case(
            mock + "keys: [ { name: a, key: { env: EMPTY } } ]",
            "f.yaml:2:32: the environment variable EMPTY for the client key 'a' is empty"),
        Case(
            mock + "keys: [ { name: a, key: { env: TWO_LINES } } ]",
            "f.yaml:2:32: the environment variable TWO_LINES holds a line"),
        Case(
            mock + "keys: [ { name: a, key: { file: nope } } ]",
            "f.yaml:2:33: the client key 'a' cannot be read from 'nope'"),
        Case(
            mock + "keys: [ { name: a, key: { file: /etc/empty } } ]",
            "f.yaml:2:33: the file '/etc/empty' for the client"),
        Case(mock + "keys: [ { name: a, key: { vault: x } } ]", "f.yaml:2:34: the client key 'a' is in the vault"),
        Case(
            mock + "keys: [ { name: a, key: { evn: x } } ]",
            "f.yaml:2:27: a secret has no source 'evn'; did you mean 'env'?"),
        Case(
            mock + "keys: [ { name: a, key: { env: x, file: y } } ]", "f.yaml:2:25: 'keys[0].key' must name one source"),
        Case(mock + "keys: [ { name: a, key: [x] } ]", "f.yaml:2:25: 'keys[0].key' is a list"),
        Case(mock + "keys: [ { name: a, key: } ]", "f.yaml:2:20: 'keys[0].key' has no value"),
    ]

    static let providers: [Case] = [
        Case("providers: {}", "f.yaml:1:12: there is no provider"),
        Case("providers: [a]", "f.yaml:1:12: 'providers' is a list"),
        Case("providers:\n  a:", "f.yaml:2:3: 'providers.a' has no value"),
        Case("providers: { a: mock }", "f.yaml:1:17: 'providers.a' is a single value"),
        Case("providers: { a: {} }", "f.yaml:1:14: the provider 'a' has no 'type'; write one of: openai, anthropic"),
        Case("providers: { a: { type: } }", "f.yaml:1:19: 'providers.a.type' has no value"),
        Case("providers: { 'a/b': { type: mock } }", "f.yaml:1:14: 'a/b' cannot name a provider"),
        Case(
            "providers: { a: { type: telepathy } }",
            "f.yaml:1:25: 'providers.a.type' is wrong: this version has no provider type 'telepathy'; it has: openai, anthropic, "
        ),
        Case(
            "providers: { a: { type: opnai } }",
            "f.yaml:1:25: 'providers.a.type' is wrong: this version has no provider type 'opnai'; did you mean 'openai'? it has: openai"
        ),
        Case(
            "providers: { a: { type: openai-compatible } }",
            "f.yaml:1:14: the provider 'a' of type 'openai-compatible' has no 'base_url'"),
        Case(
            "providers: { a: { type: mock, base_url: ftp://x } }",
            "f.yaml:1:41: 'providers.a.base_url' 'ftp://x' is not a URL"),
        Case(
            "providers: { a: { type: mock, base_url: 'http://u:hunter2@x/' } }",
            "f.yaml:1:41: 'providers.a.base_url' holds a user or password"),
        Case(
            "providers: { a: { type: mock, base_url: 'http://x/?key=hunter2' } }",
            "f.yaml:1:41: 'providers.a.base_url' has a query"),
        Case(
            "providers: { a: { type: mock, weight: heavy } }",
            "f.yaml:1:39: 'providers.a.weight' 'heavy' is not a number"),
        Case("providers: { a: { type: mock, weight: -1 } }", "f.yaml:1:39: 'providers.a.weight' -1 is out of range"),
        Case(
            "providers: { a: { type: mock, weight: .nan } }", "f.yaml:1:39: 'providers.a.weight' '.nan' is not a number"
        ),
        Case(
            "providers: { a: { type: mock, priority: 1.5 } }",
            "f.yaml:1:41: 'providers.a.priority' '1.5' is not a whole"),
        Case("providers: { a: { type: mock, priority: '1' } }", "f.yaml:1:41: 'providers.a.priority' '1' is a string"),
        Case(
            "providers: { a: { type: mock, enabled: yes } }",
            "f.yaml:1:40: 'providers.a.enabled' 'yes' is not a boolean"),
        Case("providers: { a: { type: mock, delay: 0 } }", "f.yaml:1:38: 'providers.a.delay' 0 has no unit"),
        Case(
            "providers: { a: { type: mock, timeouts: { idle: 0s } } }",
            "f.yaml:1:49: 'providers.a.timeouts.idle' must be longer"),
        Case(
            "providers: { a: { type: mock, timeouts: { idel: 1s } } }",
            "f.yaml:1:43: 'providers.a.timeouts' has no key 'idel'; did you mean 'idle'?"),
        Case(
            "providers: { a: { type: mock, retry: { max_attempts: 0 } } }",
            "f.yaml:1:54: 'providers.a.retry.max_attempts' 0 is out"),
        Case(
            "providers: { a: { type: mock, circuit_breaker: maybe } }",
            "f.yaml:1:48: 'providers.a.circuit_breaker' is a single"),
        Case(
            "providers: { a: { type: mock, headers: { Host: x } } }", "f.yaml:1:42: 'Host' is no header that can be set"
        ),
        Case("providers: { a: { type: mock, headers: { X: [1] } } }", "f.yaml:1:45: 'providers.a.headers.X' is a list"),
        Case(
            "providers: { a: { type: openai, script: x } }", "f.yaml:1:33: 'script' belongs to a mock",
            "f.yaml:1:41: 'x': there is no such file"),
        Case(
            "providers: { a: { type: openai, api: messages } }",
            "f.yaml:1:38: the type 'openai' does not speak 'messages'"),
        Case(
            "providers: { a: { type: openai, api: chatt } }",
            "f.yaml:1:38: 'providers.a.api' has no value 'chatt'; did you mean 'chat'?"),
        Case(
            "providers: { a: { type: openai, api_key: x, api_keys: [] } }",
            "f.yaml:1:55: 'api_key' and 'api_keys' are both"),
        Case("providers: { a: { type: openai, api_keys: [ { weight: 1 } ] } }", "f.yaml:1:45: this entry has no 'key'"),
        Case("providers: { a: { type: openai, ca_file: nope } }", "f.yaml:1:42: 'nope': there is no such file"),
        Case(
            "providers: { a: { type: openai, quirks: { stream_usage: 1 } } }",
            "f.yaml:1:57: 'providers.a.quirks.stream_usage' '1'"),
    ]

    static let groups: [Case] = [
        Case(mock + "models: { g: {} }", "f.yaml:2:11: the group 'g' has no 'targets'"),
        Case(mock + "models: { g: { targets: [] } }", "f.yaml:2:25: the group 'g' has no target"),
        Case(mock + "models: { g: { targets: m } }", "f.yaml:2:25: 'models.g.targets' is a single value"),
        Case(
            "providers: { a: { type: anthropic, api_key: k } }\n"
                + "models: { g: { targets: [ { to: a/x, api: chat } ] }, h: { targets: [ { to: g, api: chat } ] } }",
            "f.yaml:2:43: the provider 'a' does not speak 'chat'; write one of: messages",
            "f.yaml:2:85: 'g' is a group, whose own targets say how they are asked; remove it"),
        Case(mock + "models: { g: { targets: [x] } }", "f.yaml:2:26: 'x' names no provider and no group"),
        Case(
            mock + "models: { gpt: { targets: [gtp] } }",
            "f.yaml:2:28: 'gtp' names no provider and no group; did you mean 'gpt'?"),
        Case(
            "providers: { main: { type: mock } }\nmodels: { g: { targets: [mian/x/y] } }",
            "f.yaml:2:26: 'mian/x/y' names no provider and no group; did you mean 'main/x/y'?"),
        Case(mock + "models: { g: { targets: [m/] } }", "f.yaml:2:26: 'm/' names no model"),
        Case(mock + "models: { g: { targets: [{ weight: 1 }] } }", "f.yaml:2:26: this target has no 'to'"),
        Case(mock + "models: { g: { targets: [g] } }", "f.yaml:2:26: the groups go round in a circle: g -> g"),
        Case(
            mock + "models: { a: { targets: [m, b] }, b: { targets: [c] }, c: { targets: [m], fallbacks: [a] } }",
            "f.yaml:2:87: the groups go round in a circle: a -> b -> c -> a"),
        Case(
            mock + "models: { g: { targets: [m], strategy: roundrobin } }",
            "f.yaml:2:40: 'models.g.strategy' has no value 'roundrobin'; did you mean 'round_robin'?"),
        Case(
            mock + "models: { g: { targets: [m], mid_stream: always } }",
            "f.yaml:2:42: 'models.g.mid_stream' has no value"),
        Case(
            mock + "models: { g: { targets: [m], health_threshold: 2 } }",
            "f.yaml:2:48: 'models.g.health_threshold' 2 is out"),
        Case(
            mock + "models: { g: { targets: [m], adaptive: { latency: 1 } } }",
            "f.yaml:2:40: 'adaptive' does nothing with strategy: priority; remove it, or write strategy: adaptive"),
        Case(
            mock + "models: { g: { targets: [m], strategy: learned, learned: { success: 0, latency: 0, cost: 0 } } }",
            "f.yaml:2:58: the weights of 'learned' sum to nothing; give one of them more than 0"),
        Case(
            mock + "models: { g: { targets: [m], strategy: learned, learned: { floor: 0.6 } } }",
            "f.yaml:2:67: 'models.g.learned.floor' 0.6 is out"),
        Case(
            mock + "models: { g: { targets: [{ to: m, weight: 0 }], strategy: weighted } }",
            "f.yaml:2:25: the weights of these targets sum to nothing"),
        Case(
            mock + "models: { g: { targets: [m], sticky: conversatoin } }",
            "f.yaml:2:38: 'models.g.sticky' has no value 'conversatoin'; did you mean 'conversation'?"),
        Case(
            mock + "models: { g: { targets: [m], sticky: { header: 'x y' } } }",
            "f.yaml:2:48: this is no header's name"),
        Case(mock + "models: { g: { targets: [m], sticky: {} } }", "f.yaml:2:38: 'sticky' names no header"),
        Case(
            mock + "models: { g: { targets: [m], sticky: conversation, affinity: prompt_cache } }",
            "f.yaml:2:62: a request cannot follow both 'sticky' and 'affinity'"),
        Case(mock + "models: { 'a b': { targets: [m] } }", "f.yaml:2:11: a group's name holds white space"),
        Case(mock + "models: { '': { targets: [m] } }", "f.yaml:2:11: a group has no name"),
        Case(mock + "default: { strategy: priority }", "f.yaml:2:10: the default group has no 'targets'"),
        Case(mock + "routes: [ { when: {} } ]", "f.yaml:2:11: this route has no 'to'"),
        Case(mock + "routes: [ { to: nowhere } ]", "f.yaml:2:17: 'nowhere' names no provider and no group"),
        Case(
            mock + "routes: [ { when: { has_image: true }, to: m } ]",
            "f.yaml:2:21: 'routes[0].when' has no key 'has_image'; did you mean 'has_images'?"),
    ]

    @Test("Each fault has its place, its cause and its remedy", arguments: structure + values + providers + groups)
    func faults(_ test: Case) {
        let found = Fixture.faults(test.text)
        #expect(found.count == test.faults.count, "\(found)")
        for (found, expected) in zip(found, test.faults) {
            #expect(found.hasPrefix(expected))
            #expect(found.contains("; "), "no remedy")
        }
    }

    @Test("All faults are reported at once, in the order of the file")
    func allAtOnce() {
        let found = Fixture.faults(
            """
            keys: [ { name: a, key: { env: NOPE } } ]
            providers:
              a: { type: nothing-like-it, weight: x }
              b: { type: mock, colour: red }
            models: { g: { targets: [c/x] } }
            """)
        #expect(
            found.map { String($0.split(separator: " ")[0]) } == [
                "f.yaml:1:32:", "f.yaml:3:14:", "f.yaml:3:39:", "f.yaml:4:20:", "f.yaml:5:26:",
            ])
    }

    @Test("A file that blows up through aliases is refused in no time", arguments: [true, false])
    func billionLaughs(asKey: Bool) {
        var lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
        for level in 1..<14 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",")
            lines.append("a\(level): &a\(level) [\(aliases)]")
        }
        if asKey { lines.append("? *a13\n: 1") }
        let found = Fixture.faults(lines.joined(separator: "\n"))
        #expect(found.count == 1)
        #expect(found.first?.contains(asKey ? "a key must be a plain word" : "grows past") == true)
    }

    @Test("Nesting without end is refused", arguments: [100, 900, 5_000, 100_000])
    func nesting(depth: Int) {
        let text = "a: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(Fixture.faults(text).count == 1)
    }

    @Test("A file beyond the size limit is refused")
    func size() {
        let found = Fixture.faults("# " + String(repeating: "x", count: 5 << 20))
        #expect(found == ["f.yaml:1:1: the file is larger than 4 MiB; write a smaller one"])
    }
}
