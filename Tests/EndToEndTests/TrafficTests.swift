import NIOCore
import NeedletailGateway
import NeedletailRouting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Rules and traffic", .timeLimit(.minutes(15)))
struct TrafficTests {
    private static let body =
        #"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"shared"}}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#
    private static let chat = #"{"model":"MODEL","messages":[{"role":"user","content":"hi"}]}"#

    private func chat(_ model: String) -> String { Self.chat.replacing("MODEL", with: model) }

    private func compatible(_ name: String, _ port: Int) -> String {
        "  \(name): { type: openai-compatible, base_url: \"http://127.0.0.1:\(port)\", api_key: k, health_check: false }\n"
    }

    /// Runs `body` beside what the gateway does besides answering.
    private func withBackground(_ gateway: TestGateway, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await gateway.process.jobs.run() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    @Test("rules see headers, keys and tenants, and send what fits")
    func rules() async throws {
        let yaml = """
            providers: { p: { type: mock, delay: 0s } }
            keys:
              - { name: one, key: k1, tenant: crew }
              - { name: two, key: k2, models: [auto] }
            routes:
              - { when: { model: auto, headers: { X-Team: "red*" } }, to: p/red }
              - { when: { model: auto, tenant: crew }, to: p/crew }
              - { when: { model: auto, has_tools: true }, to: p/tools }
              - { when: { model: auto }, to: p/rest }
            """
        try await withGateway(yaml) { gateway in
            let client = try await gateway.connect()
            func model(_ key: String, _ headers: [String] = [], _ body: String? = nil) async throws -> String? {
                let headers = ["authorization: Bearer \(key)"] + headers
                let reply = try await client.post("/v1/chat/completions", body ?? self.chat("auto"), headers)
                #expect(reply.status == 200, "\(reply.body)")
                return reply.headers["x-needletail-model"]
            }
            #expect(try await model("k1", ["x-team: reddish"]) == "red")
            #expect(try await model("k1", ["x-team: blue"]) == "crew")
            #expect(try await model("k2") == "rest")
            let tools = self.chat("auto").dropLast() + #","tools":[{"type":"function","function":{"name":"f"}}]}"#
            #expect(try await model("k2", [], String(tools)) == "tools")
            let reply = try await client.post(
                "/v1/chat/completions", self.chat("p/rest"), ["authorization: Bearer k2"])
            #expect(reply.status == 403, "a key asks for what it may, wherever that leads")
        }
    }

    @Test("an experiment keeps a key on its arm and counts")
    func experiment() async throws {
        let yaml = """
            providers: { p: { type: mock, delay: 0s } }
            keys: [ { name: one, key: k1 }, { name: two, key: k2 } ]
            experiments:
              trial: { when: { model: auto }, arms: [ { name: now, to: p/a }, { name: new, to: p/b } ] }
            """
        try await withGateway(yaml) { gateway in
            let client = try await gateway.connect()
            for key in ["k1", "k2"] {
                var models: Set<String?> = []
                for _ in 0..<5 {
                    let reply = try await client.post(
                        "/v1/chat/completions", self.chat("auto"), ["authorization: Bearer \(key)"])
                    models.insert(reply.headers["x-needletail-model"])
                }
                #expect(models.count == 1)
            }
            let snapshot = try #require(gateway.process.stack.rules.experiments.first).snapshot()
            #expect(snapshot.arms.map(\.succeeded).reduce(0, +) == 10)
            #expect(snapshot.arms.map(\.outputTokens.count).reduce(0, +) == 10)
        }
    }

    @Test("equal requests on several connections are one call upstream, and each client has the whole answer")
    func coalescing() async throws {
        let held = Mutex<RawUpstream.Peer?>(nil)
        try await withUpstream({ peer, _ in held.withLock { $0 = peer } }) { upstream in
            let yaml = """
                providers:
                \(self.compatible("p", upstream.port))
                models: { chat: { targets: [p/m], coalesce: true } }
                """
            try await withGateway(yaml) { gateway in
                try await self.withBackground(gateway) {
                    let flights = try #require(gateway.process.stack.traffic.flights["chat"])
                    await eventually { gateway.process.jobs.isRunning }
                    try await withThrowingTaskGroup(of: TestClient.Reply.self) { group in
                        for index in 0..<4 {
                            group.addTask {
                                try await gateway.connect().post("/v1/chat/completions", self.chat("chat"))
                            }
                            // The first makes the call: one that came before it and was overtaken would join only if it
                            // was overtaken by little.
                            if index == 0 { await eventually { held.withLock { $0 != nil } } }
                        }
                        await eventually { flights.snapshot().joined == 3 }
                        held.withLock { $0 }?.send(response(Self.body))
                        var attempts: [String] = []
                        for try await reply in group {
                            #expect(reply.status == 200 && reply.isWhole && reply.body.contains("shared"))
                            attempts.append(reply.headers["x-needletail-attempts"] ?? "")
                        }
                        #expect(attempts.sorted() == ["0", "0", "0", "1"])
                    }
                    #expect(upstream.requests.count == 1)
                    #expect(gateway.counts.outputTokens == 7, "tokens are counted once")
                }
            }
        }
    }

    @Test("a shadow that hangs delays nobody and is cancelled at the drain")
    func shadow() async throws {
        let held = Mutex<RawUpstream.Peer?>(nil)
        try await withUpstream({ peer, _ in held.withLock { $0 = peer } }) { upstream in
            let yaml = """
                providers:
                  p: { type: mock, delay: 0s }
                \(self.compatible("s", upstream.port))
                models: { chat: { targets: [p/m], shadow: { to: s/copy, percent: 100 } } }
                """
            try await withGateway(yaml) { gateway in
                try await self.withBackground(gateway) {
                    await eventually { gateway.process.jobs.isRunning }
                    let client = try await gateway.connect()
                    let reply = try await client.post("/v1/chat/completions", self.chat("chat"))
                    #expect(reply.status == 200 && reply.headers["x-needletail-model"] == "m")
                    let shadow = try #require(gateway.process.stack.traffic.shadows.first)
                    await eventually { upstream.requests.count == 1 }
                    #expect(upstream.requests[0].contains(#""model":"copy""#))
                    #expect(shadow.snapshot().running == 1)
                    await gateway.stop()
                    await eventually { shadow.snapshot().running == 0 }
                    #expect(shadow.snapshot().counts.dropped == 1)
                }
            }
        }
    }
}
