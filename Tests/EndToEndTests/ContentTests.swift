import Foundation
import NeedletailCore
import NeedletailGateway
import Testing

@testable import NeedletailControl

/// What was said stays out of everything that is not for it; where it is kept it is redacted; and users can be forgotten.
@Suite("Content, end to end", .timeLimit(.minutes(5)))
struct ContentTests {
    /// A folder that is removed with the test.
    private final class Folder {
        let path: String

        init() throws {
            self.path = FileManager.default.temporaryDirectory.appending(path: "content-\(UUID().uuidString)").path()
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }

        var store: String { "store: { path: '\(self.path)/n.db' }\n" }

        /// All bytes of all files in it.
        func bytes() throws -> String {
            try FileManager.default.contentsOfDirectory(atPath: self.path).reduce(into: "") { text, name in
                text += String(decoding: try Data(contentsOf: URL(filePath: self.path + "/" + name)), as: UTF8.self)
            }
        }
    }

    private static func script(_ text: String) -> MockScript {
        var rule = MockRule()
        rule.reply.text = text
        return MockScript(delay: .zero, rules: [rule])
    }

    private static func yaml(_ port: Int, _ more: String) -> String {
        """
        providers:
          up: { type: openai-compatible, base_url: "http://127.0.0.1:\(port)", api_key: sk-test }
        models:
          m: { targets: [up/gpt-4o-mini] }
        \(more)
        """
    }

    private static func chat(_ text: String, user: String = "u-1", stream: Bool = false) -> String {
        #"{"model":"m","max_tokens":50,"user":"\#(user)"\#(stream ? #","stream":true"# : ""),"messages":[{"role":"user","content":"\#(text)"}]}"#
    }

    private static func admin(
        _ gateway: TestGateway, _ method: String, _ path: String
    ) async throws -> TestClient.Reply {
        try await TestClient.connect(gateway.adminPort).ask(method, "/admin/v1" + path)
    }

    @Test("no prompt and no reply reaches a log line, a metric, the admin API or the store")
    func markers() async throws {
        let folder = try Folder()
        let (asked, answered) = ("MARKERASKED", "MARKERANSWERED")
        try await withMock(Self.script(answered)) { _, port in
            let privacy = "privacy: { redact: true, deny: [{ name: d, words: [markerdenied] }] }\ncache: true\n"
            try await withGateway(Self.yaml(port, folder.store + privacy)) { gateway in
                let client = try await gateway.connect()
                for path in ["/v1/chat/completions", "/v1/messages"] {
                    for stream in [false, true] {
                        let reply = try await client.post(
                            path, Self.chat("\(asked) \(asked)@example.com", stream: stream))
                        #expect(reply.status == 200 && reply.body.contains(answered))
                    }
                }
                let denied = try await client.post("/v1/chat/completions", Self.chat("MARKERDENIED"))
                #expect(denied.status == 400)
                let broken = try await client.post("/v1/chat/completions", #"{"model":"m","messages":"MARKERASKED"}"#)
                #expect(broken.status == 400)
                let unknown = try await client.post(
                    "/v1/chat/completions", Self.chat(asked).replacing(#""model":"m""#, with: #""model":"none""#))
                #expect(unknown.status == 404)
                var told = gateway.log.lines.map { "\($0.message) \($0.metadata)" }.joined(separator: "\n")
                told += try await TestClient.connect(gateway.adminPort).ask("GET", "/metrics").body
                for path in ["/requests", "/overview", "/config", "/costs", "/budgets"] {
                    told += try await Self.admin(gateway, "GET", path).body
                }
                _ = try await Self.admin(gateway, "POST", "/ledger/flush")
                told += try folder.bytes()
                #expect(!told.contains("MARKER"), "\(told.split(separator: "\n").filter { $0.contains("MARKER") })")
                #expect(told.contains("gpt-4o-mini"))
            }
        }
    }

    @Test("what is kept is redacted, whole and streamed, and found by the request's id")
    func kept() async throws {
        let folder = try Folder()
        try await withMock(Self.script("mail ann@example.com")) { _, port in
            try await withGateway(Self.yaml(port, folder.store + "privacy: { content: { retention: 1h } }\n")) {
                gateway in
                let client = try await gateway.connect()
                for stream in [false, true] {
                    let reply = try await client.post(
                        "/v1/chat/completions", Self.chat("I am joe@example.com", stream: stream))
                    let id = try #require(reply.headers["x-request-id"])
                    #expect(reply.body.contains("ann@example.com") || stream)
                    let content = try await Self.admin(gateway, "GET", "/requests/\(id)/content")
                    #expect(content.status == 200, "\(content.body)")
                    #expect(content.body.contains(#""text":"I am [email]""#), "\(content.body)")
                    #expect(content.body.contains(#""text":"mail [email]""#), "\(content.body)")
                    #expect(content.body.contains(#""user":"u-1""#))
                }
                #expect(!(try folder.bytes()).contains("@example.com"))
                #expect(try await Self.admin(gateway, "GET", "/requests/none/content").status == 404)
            }
        }
    }

    @Test("a user who is forgotten is in nothing that is kept, and sums stay")
    func erased() async throws {
        let folder = try Folder()
        try await withMock(Self.script("fine")) { engine, port in
            let more = folder.store + "privacy: { content: true }\ncache: true\n"
            try await withGateway(Self.yaml(port, more)) { gateway in
                let client = try await gateway.connect()
                for user in ["u-forget", "u-stay"] {
                    let reply = try await client.post("/v1/chat/completions", Self.chat("hello \(user)", user: user))
                    #expect(reply.status == 200)
                }
                let response = try await client.post(
                    "/v1/responses", #"{"model":"m","user":"u-forget","input":"hello"}"#)
                let id = try #require(try JSONText(response.body).view()["id"]?.string, "\(response.body)")
                let before = try await Self.admin(gateway, "GET", "/costs?by=model").body
                let done = try await Self.admin(gateway, "DELETE", "/users/u-forget")
                #expect(done.status == 200, "\(done.body)")
                let root = try JSONText(done.body).view()
                for (key, count) in [
                    ("contents_deleted", 2), ("responses_deleted", 1),
                    ("cached_replies_deleted", 1), ("log_entries_cleared", 2),
                ] {
                    #expect(root.members.first { $0.key == key }?.value.int == count, "\(key): \(done.body)")
                }
                // The ledger's two, and whatever else names the user.
                #expect((root["lines_pseudonymised"]?.int ?? 0) >= 2)
                #expect(try await Self.admin(gateway, "GET", "/costs?by=model").body == before)
                let costs = try await Self.admin(gateway, "GET", "/costs?by=user").body
                #expect(!costs.contains("u-forget") && costs.contains("erased-") && costs.contains("u-stay"))
                #expect(try await client.ask("GET", "/v1/responses/\(id)").status == 404)
                let asked = engine.statistics.total.requests
                let again = try await client.post("/v1/chat/completions", Self.chat("hello u-stay", user: "u-stay"))
                #expect(again.headers["x-needletail-cache"] == "hit" && engine.statistics.total.requests == asked)
                let forgotten = try await client.post(
                    "/v1/chat/completions", Self.chat("hello u-forget", user: "u-forget"))
                #expect(forgotten.headers["x-needletail-cache"] == "miss")
            }
        }
    }

    @Test("content without a store is a fault")
    func needsStore() {
        #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader(types: .version, environment: [:])
                .load(
                    text: "providers: { m: { type: mock } }\nstore: off\nprivacy: { content: true }\n", named: "f.yaml")
        }
    }
}
