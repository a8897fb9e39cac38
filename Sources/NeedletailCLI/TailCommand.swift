import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail tail`: the requests of a running gateway as they end.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print the requests of a running gateway as they end, until it is stopped.",
        discussion: "A connection that breaks is made again, and goes on where it was. With --json one object a line."
    )

    @OptionGroup var admin: AdminOptions
    @Option(help: "Only this key's.") var key: String?
    @Option(help: "Only this model, asked for or answering; name* for a beginning.") var model: String?
    @Option(help: "Only what this provider answered or was called for in vain.") var provider: String?
    @Option(help: "Only this status, or a class such as 5xx.") var status: String?
    @Option(name: [.customShort("n"), .long], help: "Begin with so many that have ended before, 0 to 1000.")
    var last = 0
    @Option(help: "End after so many; 0 for never.") var count = 0

    func validate() throws {
        guard (0...1_000).contains(self.last) else { throw ValidationError("--last is a number from 0 to 1000.") }
        guard self.count >= 0 else { throw ValidationError("--count is not below zero.") }
    }

    private var filter: String {
        [("key", self.key), ("model", self.model), ("provider", self.provider), ("status", self.status)]
            .compactMap { name, value in value.map { "&\(name)=\(AdminClient.segment($0))" } }.joined()
    }

    @concurrent
    func run() async throws {
        let client: AdminClient
        var left = self.count == 0 ? Int.max : self.count
        var position: Int?
        do throws(NeedletailError) {
            client = try self.admin.client()
            if self.last > 0 {
                let page = try await client.call("GET", "/requests?limit=\(self.last)\(self.filter)")
                for entry in (page?["data"].map { Array($0.elements) } ?? []).reversed() where left > 0 {
                    self.show(entry)
                    left -= 1
                }
                position = page?["newest"]?.int
            }
        } catch {
            throw CommandFailure("needletail tail: \(error.message)")
        }
        var isFirst = true
        while left > 0 {
            let path = "/requests/tail?" + (position.map { "after=\($0)" } ?? "") + self.filter
            do throws(NeedletailError) {
                try await client.events(path.replacing("?&", with: "?")) { name, data in
                    isFirst = false
                    if name == "missed" {
                        StandardStreams.error("needletail tail: \(data["count"]?.int ?? 0) requests were missed")
                        return true
                    }
                    position = data["number"]?.int ?? position
                    self.show(data)
                    left -= 1
                    return left > 0
                }
            } catch {
                // Nobody was ever there, or what is asked for is wrong: to ask again would not help.
                if isFirst || error.code == .invalidRequest {
                    throw CommandFailure("needletail tail: \(error.message)")
                }
                StandardStreams.error("needletail tail: \(error.message) Asking again.")
            }
            isFirst = false
            guard left > 0 else { return }
            try await TimeSource.live.sleep(TimeSource.live.now().advanced(by: .seconds(2)))
        }
    }

    private func show(_ entry: JSONView) {
        guard !self.admin.json else { return StandardStreams.output(entry.text.description) }
        let isWell = entry["outcome"]?.string == "finished"
        let code = entry["status"]?.int ?? 0
        let word = isWell ? "" : " \(entry.present("error")?.string ?? "left")"
        let colour: TextTable.Colour = isWell ? .green : code >= 500 ? .red : .yellow
        var fields = [Self.clock(entry["ended"]?.double), Terminal.plain(entry["id"]?.string ?? "")]
        fields.append(TextTable.coloured(Terminal.plain("\(code)\(word)"), colour))
        fields += Self.rest(of: entry).map(Terminal.plain)
        StandardStreams.output(fields.joined(separator: "  "))
    }

    /// What follows the status.
    private static func rest(of entry: JSONView) -> [String] {
        var fields = [entry["model"]?.string ?? ""]
        let answered = entry.present("answered_model")?.string ?? ""
        fields.append(entry.present("provider")?.string.map { "by \($0)/\(answered)" } ?? "by nobody")
        fields.append(StatusScreen.time(entry["duration_ms"]))
        if let input = entry.present("input_tokens")?.int {
            fields.append("\(input)→\(entry.present("output_tokens")?.int ?? 0) tokens")
        }
        if let cost = entry.present("cost_usd")?.string { fields.append("$\(cost)") }
        if let key = entry.present("key")?.string { fields.append("key \(key)") }
        if let calls = entry["attempts"]?.int, calls > 1 { fields.append("\(calls) calls") }
        return fields
    }

    /// The time of day in UTC.
    private static func clock(_ seconds: Double?) -> String {
        guard let seconds, seconds >= 0, seconds < 1e15 else { return "--:--:--" }
        let second = Int(seconds) % 86_400
        return [second / 3_600, second / 60 % 60, second % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
            .joined(separator: ":")
    }
}
