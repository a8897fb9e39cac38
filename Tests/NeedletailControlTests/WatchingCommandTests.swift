import Foundation
import Testing

/// The commands that watch a running gateway.
@Suite("Watching from the command line", .serialized, .timeLimit(.minutes(15)))
struct WatchingCommandTests {
    private struct Watched {
        let gateway: CommandRun
        let api: String
        let admin: String
        let folder: TemporaryFolder

        func run(_ arguments: String...) async throws -> CommandRun.Result {
            try await CommandRun.finished(arguments + ["--admin", self.admin])
        }

        func chat() async throws {
            let chat = try await CommandRun.finished(["chat", "--url", self.api, "-m", "chat", "Hello"])
            #expect(chat.status == 0, "\(chat.errors)")
        }
    }

    private func watched() async throws -> Watched {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "f.yaml",
            """
            listen: { api: 127.0.0.1:0, admin: 127.0.0.1:0 }
            providers:
              main: { type: mock, delay: 0s }
              a-provider-with-a-name-that-is-longer-than-any-screen-has-room-for-in-one-line: { type: mock, delay: 0s }
            models:
              chat: { targets: [main/x] }
            """)
        let gateway = try await CommandRun.started(["serve", "--config", file])
        let lines = try await gateway.lines(until: { $0.hasPrefix("provider a-") })
        return Watched(
            gateway: gateway, api: String(try #require(lines.first { $0.hasPrefix("api ") }?.dropFirst(7))),
            admin: String(try #require(lines.first { $0.hasPrefix("admin ") }?.dropFirst(7))), folder: folder)
    }

    @Test("status and top show one screen of 80 columns, without colours where nobody is looking, or JSON")
    func status() async throws {
        let watched = try await self.watched()
        try await watched.chat()
        _ = try await watched.run("breakers", "open", "main/x")
        for command in ["status", "top"] {
            let screen = try await watched.run(command)
            #expect(screen.status == 0, "\(screen)")
            let lines = screen.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 25 && lines.allSatisfy { $0.count <= 80 }, "\(screen.output)")
            #expect(!screen.output.contains("\u{1B}"))
            for words in [
                "needletail at \(watched.admin)", "listens   api 127.0.0.1:0", "config    ", "5 min     1 requests",
                "PROVIDER", "main ", "a-provider-with-a-name", "breaker   main/x is forced_open",
            ] { #expect(screen.output.contains(words), "\(words) in \(screen.output)") }
            let json = try await watched.run(command, "--json")
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
            #expect(
                Set(object.keys) == [
                    "url", "health", "config", "listen", "last_five_minutes", "providers", "breakers", "budgets",
                    "alerts", "failures",
                ])
            #expect((object["providers"] as? [Any])?.count == 2)
        }
        #expect(try await watched.run("top", "--interval", "0").status == 2)
        #expect(try await watched.gateway.stopped(by: SIGTERM) == 0)
        let nobody = try await watched.run("status")
        #expect(nobody.status == 1 && nobody.errors.contains("Nobody answers"), "\(nobody)")
    }

    @Test("tail begins with what was, goes on with what comes, keeps to its filter, and ends after its count")
    func tail() async throws {
        let watched = try await self.watched()
        try await watched.chat()
        let tail = try await CommandRun.started(
            ["tail", "--last", "5", "--count", "3", "--json", "--admin", watched.admin])
        let first = try await tail.lines(until: { _ in true })
        for _ in 0..<2 { try await watched.chat() }
        let rest = try await tail.lines(until: { $0.contains(#""number":3,"#) })
        let numbers = try (first + rest).map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])["number"] as? Int
        }
        #expect(numbers == [1, 2, 3])
        #expect(try await tail.stopped(by: 0) == 0)
        let filtered = try await watched.run("tail", "--last", "5", "--count", "1", "--model", "ch*")
        #expect(filtered.status == 0 && filtered.output.contains("  200  chat  by main/x  "), "\(filtered)")
        let wrong = try await watched.run("tail", "--status", "nonsense")
        #expect(wrong.status == 1 && wrong.errors.contains("5xx"), "\(wrong)")
        #expect(try await watched.gateway.stopped(by: SIGTERM) == 0)
    }

    @Test(
        "whoever wants JSON gets it",
        arguments: [
            ["check", "--json"], ["providers", "configured", "--json"], ["chat", "--json", "Hello"],
            ["prices", "show", "gpt-4o-mini", "--json"],
        ])
    func json(_ arguments: [String]) async throws {
        let run = try await CommandRun.finished(arguments)
        #expect(run.status == 0, "\(run.errors)")
        _ = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
    }
}
