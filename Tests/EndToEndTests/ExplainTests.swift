import NeedletailCore
import NeedletailGateway
import Testing

@Suite("Explain", .timeLimit(.minutes(15)))
struct ExplainTests {
    private static let yaml = """
        providers:
          a: { type: mock, delay: 0s, api: chat }
          b: { type: mock, delay: 0s, limits: { rpm: 60 } }
          c: { type: mock, delay: 0s }
        models:
          chat: { strategy: priority, targets: [{ to: a/m, priority: 2 }, { to: b/m, priority: 1 }], fallbacks: [c/m] }
          vision: { targets: [c/eyes] }
        routes:
          - { name: pictures, when: { has_images: true }, to: vision }
        """

    private func explained(_ gateway: TestGateway, _ body: String, status: Int = 200) async throws -> JSONView {
        let connection = try await TestClient.connect(gateway.adminPort)
        let reply = try await connection.ask("POST", "/admin/v1/explain", body: body)
        #expect(reply.status == status, "\(reply.body)")
        return try JSONDocument(JSONText(reply.body).bytes).root
    }

    private static func texts(_ view: JSONView?) -> [String] { view?.elements.compactMap(\.string) ?? [] }

    @Test("what is explained is what is done, and nobody is called for it")
    func equal() async throws {
        try await withGateway(Self.yaml) { gateway in
            let request = Surface.openAI.request("chat", stream: false)
            let told = try await self.explained(gateway, request)
            #expect(Self.texts(told["order"]) == ["b/m", "a/m", "c/m"])
            #expect(
                told["group"]?.string == "chat" && told["rules"]?.elements.first { _ in true }?["holds"]?.bool == false)
            let connection = try await gateway.connect()
            let reply = try await connection.post(Surface.openAI.path, request, ["x-needletail-explain: true"])
            #expect(reply.headers["x-needletail-provider"] == "b" && reply.headers["x-needletail-attempts"] == "1")
            #expect(reply.headers["x-needletail-decision"] == "to=chat; order=b/m,a/m,c/m")
            let plain = try await connection.post(Surface.openAI.path, request)
            #expect(plain.headers["x-needletail-decision"] == nil)
            let bad = try await connection.post(Surface.openAI.path, request, ["x-needletail-explain: please"])
            #expect(bad.status == 400)
            let id = reply.headers["x-request-id"] ?? ""
            let story = try await TestClient.connect(gateway.adminPort).ask("GET", "/admin/v1/requests/\(id)")
            #expect(story.body.contains(#""explanation":{"model":"chat""#), "\(story.body)")
            // Two requests were sent; what was explained sent none.
            let counted = try await TestClient.connect(gateway.adminPort).ask("GET", "/health/metrics")
            #expect(counted.body.contains(#""requests":3"#) || counted.body.contains(#""requests":2"#))
        }
    }

    @Test("an open breaker and a rule are seen")
    func dropped() async throws {
        try await withGateway(Self.yaml) { gateway in
            let admin = try await TestClient.connect(gateway.adminPort)
            #expect(try await admin.ask("POST", "/admin/v1/breakers/b%2Fm/trip").status == 200)
            let told = try await self.explained(gateway, Surface.openAI.request("chat", stream: false))
            #expect(Self.texts(told["order"]) == ["a/m", "c/m"])
            let b = told["candidates"]?.elements.first { $0["target"]?.string == "b/m" }
            #expect(b?["reason"]?.string == "circuit_open" && b?["breaker"]?["state"]?.string == "open")
            #expect((b?["seconds_until_free"]?.double ?? 0) > 0)
            let picture = #"""
                {"request":{"model":"chat","messages":[{"role":"user","content":[{"type":"image_url","image_url":
                {"url":"https://example.com/a.png"}}]}]},"surface":"chat"}
                """#
            let seen = try await self.explained(gateway, picture)
            #expect(seen["destination"]?.string == "vision" && Self.texts(seen["order"]) == ["c/eyes"])
            #expect(seen["summary"]?.string == "rule=pictures; to=vision; order=c/eyes")
        }
    }

    @Test(
        "every dialect is read",
        arguments: [
            #"{"model":"chat","max_tokens":9,"system":"be brief","messages":[{"role":"user","content":"hi"}]}"#,
            #"{"model":"chat","input":"hi"}"#,
            #"{"model":"chat","request":{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}}"#,
            #"{"surface":"/v1/messages","request":{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}}"#,
            #"{"surface":"bedrock","model":"chat","request":{"messages":[{"role":"user","content":[{"text":"hi"}]}]}}"#,
        ])
    func dialects(body: String) async throws {
        try await withGateway(Self.yaml) { gateway in
            let told = try await self.explained(gateway, body)
            #expect(told["destination"]?.string == "chat" && Self.texts(told["order"]).first == "b/m")
        }
    }

    @Test("what cannot be explained says why")
    func faults() async throws {
        try await withGateway(Self.yaml) { gateway in
            let admin = try await TestClient.connect(gateway.adminPort)
            for name in ["a", "b", "c"] {
                #expect(try await admin.ask("POST", "/admin/v1/breakers/\(name)/trip").status == 200)
            }
            let refused = try await self.explained(gateway, Surface.openAI.request("chat", stream: false))
            #expect(refused["failure"]?["status"]?.int == 503 && Self.texts(refused["order"]).isEmpty)
            let real = try await gateway.connect().post(
                Surface.openAI.path, Surface.openAI.request("chat", stream: false), ["x-needletail-explain: true"])
            #expect(real.status == 503)
            let dropped = "a/m(circuit_open),b/m(circuit_open),c/m(circuit_open)"
            #expect(real.headers["x-needletail-decision"] == "to=chat; dropped=\(dropped); refused=unavailable")
            let surface = #"{"request":{"model":"chat"},"surface":"chatt"}"#
            let near = try await self.explained(gateway, surface, status: 404)
            #expect(Self.texts(near["error"]?["did_you_mean"]) == ["chat"])
            _ = try await self.explained(gateway, #"{"request":{"model":"chat"},"kee":"dev"}"#, status: 400)
            _ = try await self.explained(
                gateway, #"{"request":{"model":"chat","messages":[{"role":"user","content":"hi"}]},"key":"nobody"}"#,
                status: 404)
        }
    }
}
