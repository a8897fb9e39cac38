import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailRouting
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

/// A gateway that does not listen, over a file that a test rewrites.
struct FileGateway {
    let folder: TemporaryFolder
    let path: String
    let process: GatewayProcess
    var running: RunningConfiguration { self.process.running }

    init(_ text: String, environment: [String: String] = [:], time: TimeSource = .live) throws {
        self.folder = try TemporaryFolder()
        self.path = try self.folder.write("needletail.yaml", text)
        let configuration = try ConfigurationLoader(types: .version, environment: environment).load(file: self.path)
        self.process = try GatewayProcess(
            configuration,
            .init(
                environment: environment, group: .singleton, time: time,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    func write(_ text: String) throws { _ = try self.folder.write("needletail.yaml", text) }

    /// Asks a route as its room would be asked.
    func ask(_ method: String, _ path: String, _ body: String = "", ifMatch: String? = nil) async -> EdgeResponse {
        let api = AdminAPI(
            self.process.rooms, access: AdminAccess(AdminConfiguration(), host: "127.0.0.1", time: .live),
            rest: Nowhere(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let head = adminHead(.init(rawValue: method), AdminRoute.root + path, ifMatch.map { [("if-match", $0)] } ?? [])
        switch api.admit(head) {
        case .refused(let response): return response
        case .admitted(let call):
            guard let call = call as? AdminAPI.Call else { return EdgeResponse(status: 599) }
            return await api.answer(call, head, ByteBuffer(string: body)).response
        }
    }

    private struct Nowhere: EdgeHandler {
        func admit(_ head: HTTPRequestHead) -> EdgeAdmission { .refused(EdgeResponse(status: 299)) }
        func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {}
        func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse { EdgeResponse(status: 500) }
    }
}

@Suite("Configuration: reload and changes at run time", .timeLimit(.minutes(15)))
struct RunningConfigurationTests {
    private static func file(_ more: String = "", b: String = "", chat: String = "[a, b]") -> String {
        """
        listen: { api: "127.0.0.1:0", admin: "127.0.0.1:0" }
        providers:
          a: { type: openai-compatible, base_url: "http://127.0.0.1:9", api_key: { env: KEY } }
          b: { type: openai-compatible, base_url: "http://127.0.0.1:10"\(b) }
        models:
          chat: { strategy: round_robin, targets: \(chat) }
          other: { targets: [a/x] }
        \(more)
        """
    }
    private static let environment = ["KEY": "sk-very-secret"]

    /// Jumps, and lets others go on: who only waits in turns would keep a thread for itself.
    private static var yieldingTime: TimeSource {
        let clock = JumpingTime()
        let source = clock.source
        return TimeSource(
            now: { source.now() }, wallSeconds: { source.wallSeconds() },
            sleep: { until throws(CancellationError) in
                await Task.yield()
                try await source.sleep(until)
            })
    }

    private static func gateway() throws -> FileGateway { try FileGateway(Self.file(), environment: Self.environment) }

    // MARK: Reload

    @Test("a provider that is told the same keeps connections and statistics, another share or order changes neither")
    func inherits() throws {
        let gateway = try Self.gateway()
        let before = gateway.process.stack
        try gateway.write(Self.file(b: ", weight: 3, priority: 2, limits: { concurrency: 3 }"))
        let attempt = try gateway.running.reload("test")
        #expect(attempt.faults == [] && attempt.restartNeeded == [])
        let after = gateway.process.stack
        #expect(before.directory !== after.directory && after.totals === before.totals)
        #expect(before.upstreams[0].provider.isSame(as: after.upstreams[0].provider))
        #expect(!before.upstreams[1].provider.isSame(as: after.upstreams[1].provider))
        func deployment(_ stack: GatewayStack, _ name: String) -> Deployment? {
            stack.deployments.all.first { $0.key.description == name }
        }
        #expect(deployment(before, "a") === deployment(after, "a") && deployment(after, "a") != nil)
        #expect(deployment(before, "a/x") === deployment(after, "a/x"))
        #expect(deployment(before, "b") !== deployment(after, "b"))
        try gateway.write(Self.file(b: ", weight: 1, limits: { concurrency: 3 }, retry: false"))
        _ = try gateway.running.reload("test")
        #expect(after.upstreams[1].provider.isSame(as: gateway.process.stack.upstreams[1].provider))
    }

    @Test("groups go on with what they have learned while no group and no provider changes")
    func keepsGroups() async throws {
        let gateway = try Self.gateway()
        func router() throws -> any Provider {
            try gateway.process.stack.directory.destination(of: "chat", allowed: nil).provider
        }
        let first = try router()
        try gateway.write(Self.file("keys: [ { name: dev, key: { env: KEY } } ]"))
        _ = try gateway.running.reload("test")
        let second = try router()
        try gateway.write(Self.file(b: ", weight: 3"))
        _ = try gateway.running.reload("test")
        let third = try router()
        #expect(first.isSame(as: second) && !second.isSame(as: third))
    }

    @Test(
        "what cannot be used changes nothing, and says why",
        arguments: [
            "providers: {", "providers: { a: { type: nonsense } }", "", "providers: { a: { type: openai-compatible } }",
        ])
    func refuses(text: String) async throws {
        let gateway = try Self.gateway()
        let before = gateway.running.current
        try gateway.write(text)
        let attempt = try gateway.running.reload("test")
        guard !attempt.faults.isEmpty else {
            // An empty file is the environment's own configuration, which is a good one.
            #expect(text.isEmpty)
            return
        }
        #expect(gateway.running.current.version == before.version)
        #expect(gateway.process.stack.directory === before.stack.directory)
        #expect(attempt.faults.allSatisfy { $0.contains("needletail.yaml:") }, "\(attempt.faults)")
        let response = await gateway.ask("POST", "/config/reload")
        #expect(response.status == 422 && response.text.contains("needletail.yaml:"), "\(response.text)")
        let status = try JSONDocument(await gateway.ask("GET", "/config").body).root
        #expect(status["running"]?["version"]?.string == before.version.value)
        #expect(status["last_attempt"]?["taken"]?.bool == false)
        #expect(status["last_attempt"]?["faults"]?.elements.contains { _ in true } == true)
        #expect(status["last_attempt"]?["version"]?.string != before.version.value)
    }

    @Test("a file that has gone changes nothing")
    func missing() throws {
        let gateway = try Self.gateway()
        try gateway.folder.remove("needletail.yaml")
        let attempt = try gateway.running.reload("test")
        #expect(attempt.faults.count == 1 && attempt.version == nil)
    }

    @Test("what takes a restart is named and the rest holds")
    func restart() throws {
        let gateway = try Self.gateway()
        try gateway.write(
            Self.file(
                "telemetry: { log: { level: debug, requests: errors }, requests: { size: 7 } }\nstore: { path: other.db }"
            )
            .replacing(
                "listen: { api: \"127.0.0.1:0\",",
                with: "listen: { api: \"127.0.0.1:1\", body_limit: 1MiB, drain: 9s,")
        )
        let attempt = try gateway.running.reload("test")
        #expect(attempt.faults == [])
        #expect(attempt.restartNeeded == ["store"])
        #expect(gateway.running.current.configuration.listen.drain == .seconds(9))
        #expect(try gateway.running.reload("again").restartNeeded == attempt.restartNeeded)
    }

    @Test("the file is watched once that is configured: each new text is tried once", arguments: [false, true])
    func watch(fromStart: Bool) async throws {
        let watched = "admin: { watch: true }"
        let gateway = try FileGateway(
            Self.file(fromStart ? watched : ""), environment: Self.environment, time: Self.yieldingTime)
        let attempts = AttemptLog()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await gateway.running.watchFile { attempt in attempts.add(attempt) }
            }
            if !fromStart {
                try gateway.write(Self.file(watched))
                #expect(try gateway.running.reload("test").faults == [])
            }
            let texts = [Self.file(watched, chat: "[a]"), "providers: {", Self.file(watched, chat: "[b]")]
            for (count, text) in texts.enumerated() {
                try gateway.write(text)
                while attempts.all.count <= count { try await Task.sleep(for: .milliseconds(2)) }
            }
            group.cancelAll()
        }
        let seen = attempts.all
        #expect(
            seen.last?.faults == [] && seen.contains { !$0.faults.isEmpty } && seen.allSatisfy { $0.trigger == "file" })
        #expect(gateway.running.current.configuration.group("chat")?.targets.count == 1)
    }

    // MARK: Changes at run time

    @Test("a provider comes, changes, goes off and on, and goes")
    func registry() async throws {
        let gateway = try Self.gateway()
        func leads(_ name: String) -> Bool {
            (try? gateway.process.stack.directory.destination(of: name, allowed: nil)) != nil
        }
        let body = #"{"name":"new","type":"mock","delay":"0s","models":["m"]}"#
        let made = await gateway.ask("POST", "/providers", body)
        #expect(made.status == 201 && made.text.contains(#""source":"runtime""#), "\(made.text)")
        #expect(leads("new/m"))
        #expect(await gateway.ask("POST", "/providers", body).status == 409)
        let changed = await gateway.ask("PATCH", "/providers/new", #"{"weight":2,"models":null}"#)
        #expect(
            changed.status == 200 && changed.text.contains(#""definition":{"type":"mock","delay":"0s","weight":2}"#))
        #expect(await gateway.ask("POST", "/providers/new/disable").status == 200)
        #expect(!leads("new/m"))
        let shown = await gateway.ask("GET", "/providers/new")
        #expect(shown.status == 200 && shown.text.contains(#""state":"disabled""#), "\(shown.text)")
        #expect(await gateway.ask("POST", "/providers/new/enable").status == 200)
        #expect(leads("new/m"))
        #expect(await gateway.ask("DELETE", "/providers/new").status == 204)
        #expect(!leads("new/m"))
        let gone = await gateway.ask("GET", "/providers/neww")
        #expect(gone.status == 404)
        #expect(gateway.running.current.loaded.overlay.changes.isEmpty)
    }

    @Test("a provider that a group needs does not go; one of the file that is not needed does, until it is reverted")
    func removal() async throws {
        let gateway = try Self.gateway()
        let refused = await gateway.ask("DELETE", "/providers/a")
        #expect(refused.status == 422 && refused.text.contains("names no provider"), "\(refused.text)")
        #expect(await gateway.ask("PATCH", "/groups/chat", #"{"targets":["a"]}"#).status == 200)
        #expect(await gateway.ask("DELETE", "/providers/b").status == 204)
        #expect(await gateway.ask("GET", "/providers/b").status == 404)
        #expect(await gateway.ask("DELETE", "/config/overlay/providers/b").status == 200)
        #expect(await gateway.ask("GET", "/providers/b").status == 200)
        let near = await gateway.ask("DELETE", "/config/overlay/models/chta")
        #expect(near.status == 404 && near.text.contains("models/chat"), "\(near.text)")
        #expect(await gateway.ask("DELETE", "/config/overlay").status == 200)
        #expect(gateway.running.current.configuration.group("chat")?.targets.count == 2)
    }

    @Test("a group's weights, members and being change; the default group is one too")
    func groups() async throws {
        let gateway = try FileGateway(
            Self.file("default: { targets: [a] }", chat: "[a, { to: b/y, weight: 2 }]"), environment: Self.environment)
        let weighed = await gateway.ask("POST", "/groups/chat/weights", #"{"a":5,"b/y":0.5}"#)
        #expect(weighed.status == 200, "\(weighed.text)")
        #expect(gateway.running.current.configuration.group("chat")?.targets.map(\.weight) == [5, 0.5])
        let unknown = await gateway.ask("POST", "/groups/chat/weights", #"{"b/z":1}"#)
        #expect(unknown.status == 404 && unknown.text.contains("b/y"), "\(unknown.text)")
        let wrong = await gateway.ask("POST", "/groups/chat/weights", #"{"a":-1}"#)
        #expect(wrong.status == 422 && wrong.text.contains("group/chat:1:6"), "\(wrong.text)")
        let made = await gateway.ask("PUT", "/groups/slow%2Ffast", #"{"targets":["b/z"]}"#)
        #expect(made.status == 200 && made.text.contains(#""name":"slow/fast""#), "\(made.text)")
        let circle = await gateway.ask("PATCH", "/groups/chat", #"{"targets":["chat"]}"#)
        #expect(circle.status == 422 && circle.text.contains("go round in a circle"), "\(circle.text)")
        #expect(await gateway.ask("PATCH", "/groups/default", #"{"targets":["b"]}"#).status == 200)
        #expect(
            gateway.running.current.configuration.defaultGroup?.targets.first?.destination == .provider("b", model: nil)
        )
        #expect(await gateway.ask("POST", "/groups/default/disable").status == 200)
        #expect((try? gateway.process.stack.directory.destination(of: "nobody", allowed: nil)) == nil)
    }

    @Test("what is shown holds no secret, and what is not shown cannot be sent back")
    func secrets() async throws {
        let text = Self.file(
            b: #", api_key: sk-written-out, headers: { X-Token: tok-written-out, X-Env: { env: KEY } }"#)
        let gateway = try FileGateway(text, environment: Self.environment)
        for path in ["/providers", "/providers/a", "/providers/b", "/config/effective", "/config"] {
            let response = await gateway.ask("GET", path)
            #expect(response.status == 200)
            for secret in ["very-secret", "written-out"] {
                #expect(!response.text.contains(secret), "\(response.text)")
            }
        }
        let shown = await gateway.ask("GET", "/providers/b").text
        #expect(shown.contains(#""api_key":"***""#) && shown.contains(#""X-Env":{"env":"KEY"}"#), "\(shown)")
        let back = await gateway.ask("PATCH", "/providers/b", #"{"api_key":"***"}"#)
        #expect(back.status == 422 && back.text.contains("not shown"))
        // Files of this machine are not for whoever reaches the admin listener, and nothing expands.
        let file = await gateway.ask("PATCH", "/providers/b", #"{"api_key":{"file":"/etc/passwd"}}"#)
        #expect(file.status == 422 && file.text.contains("names a file"), "\(file.text)")
        _ = await gateway.ask("PATCH", "/providers/b", #"{"headers":{"X-Other":"${KEY}"}}"#)
        let header = gateway.running.current.configuration.provider("b")?.headers.first { $0.name == "X-Other" }
        #expect(header?.value.exposed == "${KEY}")
    }

    @Test("breakers are seen, tripped, forced, released and reset, one or all of a provider, and stay so over a reload")
    func breakers() async throws {
        let gateway = try Self.gateway()
        func states() async throws -> [String: String] {
            let list = try JSONDocument(await gateway.ask("GET", "/breakers").body).root
            let pairs = try #require(list["data"]).elements.map {
                ($0["name"]?.string ?? "", $0["state"]?.string ?? "")
            }
            return Dictionary(pairs) { first, _ in first }
        }
        #expect(try await states() == ["a": "closed", "a/x": "closed", "b": "closed"])
        #expect(await gateway.ask("POST", "/breakers/a%2Fx/trip").status == 200)
        #expect(await gateway.ask("POST", "/breakers/b/force", #"{"state":"open"}"#).status == 200)
        #expect(try await states() == ["a": "closed", "a/x": "open", "b": "forced_open"])
        _ = try gateway.running.reload("test")
        #expect(try await states() == ["a": "closed", "a/x": "open", "b": "forced_open"])
        #expect(await gateway.ask("POST", "/breakers/b/release").status == 200)
        #expect(await gateway.ask("POST", "/breakers/a/reset").status == 200)
        #expect(try await states() == ["a": "closed", "a/x": "closed", "b": "closed"])
        #expect(await gateway.ask("POST", "/breakers/b/force", #"{"state":"ajar"}"#).status == 400)
        let near = await gateway.ask("POST", "/breakers/a%2Fy/reset")
        #expect(near.status == 404 && near.text.contains("a/x"), "\(near.text)")
    }

    @Test("changes outlive a reload unless they are dropped, or have nothing to stand on")
    func overlayAndReload() async throws {
        let gateway = try Self.gateway()
        func targets() -> Int? { gateway.running.current.configuration.group("chat")?.targets.count }
        _ = await gateway.ask("PATCH", "/groups/chat", #"{"targets":["a"]}"#)
        _ = await gateway.ask("POST", "/groups/other/disable")
        _ = await gateway.ask("PUT", "/providers/new", #"{"type":"mock"}"#)
        try gateway.write(Self.file(b: ", weight: 7").replacing("other:", with: "renamed:"))
        let attempt = try gateway.running.reload("test")
        #expect(attempt.faults == [] && attempt.dropped == ["models/other"])
        #expect(targets() == 1 && gateway.running.current.configuration.provider("new") != nil)
        #expect(await gateway.ask("POST", "/config/reload?overlay=drop").status == 200)
        #expect(targets() == 2 && gateway.running.current.configuration.provider("new") == nil)
    }

    @Test("the environment's providers stay when one is added to them")
    func environmentProviders() async throws {
        let environment = ["OPENAI_API_KEY": "sk-x"]
        let configuration = try ConfigurationLoader(
            types: .version, environment: environment,
            files: ConfigurationFiles { _, _ throws(ConfigurationFiles.Failure) in throw .missing }
        ).load(file: nil)
        let loader = ConfigurationLoader(types: .version, environment: environment)
        var overlay = ConfigurationOverlay()
        let node = ConfigurationNode.emptyMapping.setting("type", to: .text("mock"))
        overlay.set(.replaced(node), of: .init(section: .providers, name: "more"), by: "test", at: 0)
        let next = try loader.load(configuration.loaded.text, overlay: overlay)
        #expect(next.providers.map(\.name) == configuration.providers.map(\.name) + ["more"])
        #expect(next.provider("openai")?.apiKeys == configuration.provider("openai")?.apiKeys)
        #expect(next.origin == .environment)
    }

    @Test("of many changes for one version exactly one wins, whatever the order", arguments: 1...5)
    func race(seed: Int) async throws {
        let gateway = try Self.gateway()
        let etag = try #require(await gateway.ask("GET", "/groups/chat").headers[.eTag])
        let replies = await withTaskGroup(of: (Int, EdgeResponse).self) { group in
            for number in 1...8 {
                group.addTask {
                    let body = #"{"max_attempts":\#(number + 1)}"#
                    return (number + 1, await gateway.ask("PATCH", "/groups/chat", body, ifMatch: etag))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let winners = replies.filter { $0.1.status == 200 }
        #expect(winners.count == 1 && replies.filter { $0.1.status == 412 }.count == 7)
        #expect(gateway.running.current.configuration.group("chat")?.maxAttempts == winners.first?.0)
        for loser in replies where loser.1.status == 412 {
            #expect(loser.1.headers[.eTag] == winners.first?.1.headers[.eTag])
        }
    }
}

/// Keeps what a watch reports.
private final class AttemptLog: Sendable {
    private let kept = Mutex<[RunningConfiguration.Attempt]>([])
    var all: [RunningConfiguration.Attempt] { self.kept.withLock { $0 } }
    func add(_ attempt: RunningConfiguration.Attempt) { self.kept.withLock { $0.append(attempt) } }
}

extension Provider {
    /// Whether it is made of the same parts.
    fileprivate func isSame(as other: any Provider) -> Bool {
        func parts(_ value: Any, _ depth: Int) -> [ObjectIdentifier] {
            let mirror = Mirror(reflecting: value)
            if mirror.displayStyle == .class { return [ObjectIdentifier(value as AnyObject)] }
            return depth == 0 ? [] : mirror.children.flatMap { parts($0.value, depth - 1) }
        }
        let own = parts(self, 4)
        return own == parts(other, 4) && !own.isEmpty
    }
}
