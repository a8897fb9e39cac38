import Foundation
import NeedletailCore
import NeedletailStore
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Money from the outside: the built binary, the mock as the ground truth, and a SIGKILL in the middle.
@Suite("Money commands", .timeLimit(.minutes(5)))
struct MoneyCommandTests {
    /// gpt-4o-mini, in pico-dollars a token.
    private static let input: Int128 = 150_000
    private static let output: Int128 = 600_000

    @Test("A budget survives kills: booked and leased are never above the limit, nor below what was really served")
    func kills() async throws {
        let mock = try await CommandRun.started(["mock", "--port", "0"])
        let upstream = try #require(try await mock.lines(until: { $0.hasPrefix("mock ") }).last?.dropFirst(7))
        let folder = try TemporaryFolder()
        let limit = try #require(Money("0.004"))
        let file = try folder.write(
            "needletail.yaml",
            """
            listen: { api: 127.0.0.1:0, admin: 127.0.0.1:0 }
            providers:
              main: { type: openai, base_url: "\(upstream)", api_key: { env: UPSTREAM }, retry: false }
            keys:
              - { name: race, key: { env: RACE }, budget: { limit: "\(limit)", per: total } }
            """)
        let environment = ["UPSTREAM": "sk-upstream", "RACE": "nt-race"]
        var refused = 0
        for round in 0..<4 {
            let gateway = try await CommandRun.started(["serve", "--config", file], environment: environment)
            let lines = try await gateway.lines(until: { $0.hasPrefix("provider ") })
            let api = String(try #require(lines.first { $0.hasPrefix("api ") }?.dropFirst(7)))
            let statuses = await withTaskGroup(of: [Int].self) { group in
                for client in 0..<8 {
                    group.addTask {
                        var statuses: [Int] = []
                        for number in 0..<(round == 3 ? 40 : 4) {
                            let status = await Self.ask(api, key: "nt-race", streamed: (client + number) % 2 == 0)
                            statuses.append(status)
                            if status == 429 { break }
                            // The third answer of one client is the signal for the kill.
                            if round < 3, client == 0, number == 2 { gateway.signal(SIGKILL) }
                        }
                        return statuses
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            refused += statuses.filter { $0 == 429 }.count
            if round == 3 { #expect(try await gateway.stopped(by: SIGTERM) == 0) }
        }
        #expect(refused > 0)

        let store = try SQLiteStore(path: folder.path + "/needletail.db")
        let balances = try store.balances(counter: "key race")
        let counted = balances.reduce(Int128(0)) { $0 + $1.spent + $1.leased }
        let stats = try await Self.json("\(upstream)/__mock/stats")
        let served =
            Int128(stats["input_tokens"] as? Int ?? 0) * Self.input
            + Int128(stats["output_tokens"] as? Int ?? 0) * Self.output
        #expect(counted <= limit.picodollars)
        #expect(counted >= served)
        #expect(served > 0)

        let costs = try await CommandRun.finished(["costs", "--by", "key", "--json", "--config", file])
        #expect(costs.status == 0, "\(costs.errors)")
        let report = try #require(
            JSONSerialization.jsonObject(with: Data(costs.output.utf8)) as? [String: Any])
        let rows = try #require(report["rows"] as? [[String: Any]])
        #expect(rows.map { $0["key"] as? String } == ["race"])
        #expect(report["currency"] as? String == "USD")
        let total = try #require((report["total_usd"] as? String).flatMap { Money($0) })
        // What a kill took from the ledger is leased.
        #expect(total.picodollars <= counted)
        #expect(total > .zero)
        _ = try await mock.stopped(by: SIGTERM)
    }

    @Test(
        "Costs in all forms equal what the mock served; db backup and check work; without a store both say what to do")
    func costs() async throws {
        let mock = try await CommandRun.started(["mock", "--port", "0"])
        let upstream = try #require(try await mock.lines(until: { $0.hasPrefix("mock ") }).last?.dropFirst(7))
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "f.yaml",
            """
            listen: { api: 127.0.0.1:0, admin: 127.0.0.1:0 }
            providers: { main: { type: openai, base_url: "\(upstream)", api_key: { env: UPSTREAM } } }
            keys: [{ name: dev, key: { env: RACE } }, { name: other, key: { env: OTHER } }]
            store: { path: money.db }
            """)
        let none = try await CommandRun.finished(["costs", "--config", file])
        #expect(none.status == 1 && none.errors.contains("There is no store"), "\(none.errors)")
        let gateway = try await CommandRun.started(
            ["serve", "--config", file], environment: ["UPSTREAM": "u", "RACE": "a", "OTHER": "b"])
        let lines = try await gateway.lines(until: { $0.hasPrefix("provider ") })
        let api = String(try #require(lines.first { $0.hasPrefix("api ") }?.dropFirst(7)))
        for number in 0..<6 {
            #expect(await Self.ask(api, key: number < 4 ? "a" : "b", streamed: number % 2 == 0) == 200)
        }
        #expect(try await gateway.stopped(by: SIGTERM) == 0)
        let stats = try await Self.json("\(upstream)/__mock/stats")
        let served = Money(
            picodollars: Int128(stats["input_tokens"] as? Int ?? 0) * Self.input
                + Int128(stats["output_tokens"] as? Int ?? 0) * Self.output)
        let csv = try await CommandRun.finished(["costs", "--by", "key,model", "--csv", "--config", file])
        let cells = csv.output.split(separator: "\r\n").map { $0.split(separator: ",").map(String.init) }
        #expect(cells.first?.prefix(3) == ["key", "model", "requests"])
        #expect(
            Set(cells.dropFirst().map { Array($0.prefix(3)) }) == [
                ["dev", "gpt-4o-mini", "4"], ["other", "gpt-4o-mini", "2"],
            ])
        let sum = cells.dropFirst().reduce(Money.zero) { $0 + (Money($1.last ?? "") ?? .zero) }
        #expect(sum == served)
        let check = try await CommandRun.finished(["db", "check", "--config", file])
        #expect(check.status == 0 && check.output.contains("money.db: ok"), "\(check.errors)")
        let backup = try await CommandRun.finished(["db", "backup", folder.path + "/copy.db", "--config", file])
        #expect(backup.status == 0, "\(backup.errors)")
        #expect(FileManager.default.fileExists(atPath: folder.path + "/copy.db"))
        _ = try await mock.stopped(by: SIGTERM)
    }

    private static func ask(_ api: String, key: String, streamed: Bool) async -> Int {
        guard let url = URL(string: "\(api)/v1/chat/completions") else { return 0 }
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.setValue("Bearer \(key)", forHTTPHeaderField: "authorization")
        request.setValue("application/json", forHTTPHeaderField: "content-type")
        request.httpBody = Data(
            #"{"model":"main/gpt-4o-mini","max_tokens":40,"stream":\#(streamed),"messages":[{"role":"user","content":"Hello there"}]}"#
                .utf8)
        let answer = try? await URLSession.shared.data(for: request)
        return (answer?.1 as? HTTPURLResponse)?.statusCode ?? 0
    }

    private static func json(_ url: String) async throws -> [String: Any] {
        let (data, _) = try await URLSession.shared.data(from: try #require(URL(string: url)))
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
}
