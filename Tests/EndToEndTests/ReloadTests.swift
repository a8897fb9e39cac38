import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailGateway
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Reload and administration while requests run", .timeLimit(.minutes(15)))
struct ReloadTests {
    private static func yaml(_ port: Int, _ weights: (Int, Int), strategy: String = "priority") -> String {
        """
        providers:
          a: { type: openai-compatible, base_url: "http://127.0.0.1:\(port)", health_check: false, weight: \(weights.0) }
          b: { type: openai-compatible, base_url: "http://127.0.0.1:\(port)", health_check: false, weight: \(weights.1) }
          mock: { type: mock, delay: 0s }
        models:
          chat: { strategy: \(strategy), targets: [ { to: a/m, priority: \(weights.0) }, { to: b/m, priority: \(weights.1) } ] }
        """
    }

    /// Says once that it is time to stop.
    private final class Flag: Sendable {
        private let state = Atomic(false)
        var isUp: Bool { self.state.load(ordering: .relaxed) }
        func raise() { self.state.store(true, ordering: .relaxed) }
    }

    private static let script = MockScript(delay: .zero)

    @Test("no request fails while configurations come and go, and each is answered by a whole one")
    func underTraffic() async throws {
        try await withMock(Self.script) { engine, port in
            try await withGateway(Self.yaml(port, (1, 2))) { gateway in
                let flag = Flag()
                let (replies, statuses) = try await withThrowingTaskGroup(of: [TestClient.Reply].self) { group in
                    for number in 0..<4 {
                        group.addTask {
                            let client = try await gateway.connect()
                            var replies: [TestClient.Reply] = []
                            while !flag.isUp {
                                let body = Surface.openAI.request("chat", stream: number % 2 == 0)
                                replies.append(try await client.post(Surface.openAI.path, body))
                            }
                            return replies
                        }
                    }
                    let admin = try await TestClient.connect(gateway.adminPort)
                    var statuses: [Int] = []
                    for turn in 0..<12 {
                        let patch = #"{"targets":[{"to":"a/m","priority":\#(turn % 3)},{"to":"b/m","priority":1}]}"#
                        statuses.append(
                            try await admin.ask("PATCH", "/admin/v1/groups/chat", body: patch).status)
                        let provider = #"{"timeouts":{"idle":"\#(turn + 1)s"}}"#
                        statuses.append(
                            try await admin.ask("PATCH", "/admin/v1/providers/a", body: provider).status)
                        let verb = turn % 2 == 0 ? "disable" : "enable"
                        statuses.append(
                            try await admin.ask("POST", "/admin/v1/providers/b/\(verb)").status)
                    }
                    flag.raise()
                    return (try await group.reduce(into: []) { $0 += $1 }, statuses)
                }
                #expect(statuses.allSatisfy { $0 == 200 }, "\(statuses)")
                #expect(replies.count >= 4)
                let bad = replies.filter { $0.status != 200 || !$0.isWhole || $0.body.contains("error") }
                #expect(bad.isEmpty, "\(bad.prefix(3))")
                #expect(gateway.counts.requests == replies.count && gateway.counts.failed == 0)
            }
        }
    }

    @Test("a stream that runs ends on the configuration it began with, and its connection closes afterwards")
    func streamOutlives() async throws {
        let event = #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"#
        let begins = event + #""delta":{"role":"assistant","content":"a"},"finish_reason":null}]}"# + "\n\n"
        let ends = event + #""delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n"
        let open = Mutex<RawUpstream.Peer?>(nil)
        try await withUpstream({ peer, _ in
            open.withLock { $0 = peer }
            peer.send(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: \((begins + ends).utf8.count)\r\n\r\n"
                    + begins)
        }) { upstream in
            try await withGateway(Self.yaml(upstream.port, (1, 2))) { gateway in
                let client = try await gateway.connect()
                let body = Surface.openAI.request("a/m", stream: true)
                try await client.send(
                    "POST \(Surface.openAI.path) HTTP/1.1\r\nhost: localhost\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                await client.wait(for: "data: ")
                let admin = try await TestClient.connect(gateway.adminPort)
                weak let pool = gateway.process.stack.upstreams.first { $0.configuration.name == "a" }?.pools.first
                #expect(pool != nil)
                #expect(
                    try await admin.ask("PATCH", "/admin/v1/groups/chat", body: #"{"targets":["b/m"]}"#).status == 200)
                let drain = try await admin.ask("POST", "/admin/v1/providers/a/drain", body: "{}")
                #expect(drain.status == 200 && drain.body.contains(#""drained":false,"in_flight":1"#), "\(drain.body)")
                let shown = try await admin.ask("GET", "/admin/v1/providers/a")
                #expect(shown.body.contains(#""state":"draining""#), "\(shown.body)")
                // Nobody new is let in: the mock, which answers every name, does.
                let other = try await gateway.connect().post(Surface.openAI.path, Surface.openAI.request("a/m"))
                #expect(other.headers["x-needletail-provider"] == "mock", "\(other)")
                open.withLock { $0 }?.send(ends)
                let whole = await client.reply()
                #expect(whole.isWhole && whole.body.hasSuffix("data: [DONE]\n\n"), "\(whole.body.suffix(200))")
                let after = try await admin.ask("POST", "/admin/v1/providers/a/drain", body: #"{"timeout":60}"#)
                #expect(after.body.contains(#""drained":true,"in_flight":0"#), "\(after.body)")
                await eventually { pool == nil }
                #expect(pool == nil)
            }
        }
    }

    @Test("every role may do on every route what its permissions say, through the listener")
    func roles() async throws {
        let keys = AdminRole.allCases.map { role in
            "{ name: \(role), key: a-long-enough-key-of-\(role), role: \(role) }"
        }
        let yaml = Self.yaml(1, (1, 2)) + "\nadmin: { keys: [\(keys.joined(separator: ", "))] }\n"
        try await withGateway(yaml) { gateway in
            let client = try await TestClient.connect(gateway.adminPort)
            for route in (gateway.process.rooms + [OpenAPIRoom(gateway.process.rooms)]).flatMap(\.routes) {
                var path = AdminRoute.root + route.path.description
                // Whoever may follow requests would be told of them for ever; this one is refused for its number.
                if route.path.description == "/requests/tail" { path += "?after=x" }
                for name in route.path.parameters { path = path.replacing("{\(name)}", with: "nobody") }
                #expect(try await client.ask(route.method.rawValue, path, body: "").status == 401, "\(path)")
                for role in AdminRole.allCases {
                    // A version that nothing has, so that whoever may change something does not.
                    let headers = ["authorization: Bearer a-long-enough-key-of-\(role)", "if-match: \"none\""]
                    let reply = try await client.ask(route.method.rawValue, path, headers, body: "")
                    let may = role.permissions.contains(route.permission)
                    #expect((reply.status == 403) == !may && reply.status != 401, "\(role) \(path) \(reply)")
                    #expect(reply.status < 500, "\(role) \(path) \(reply)")
                }
            }
        }
    }
}
