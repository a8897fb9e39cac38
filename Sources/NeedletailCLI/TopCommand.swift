import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail top`: the same screen again and again.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show how a running gateway is, and keep it up to date. Keys: q ends it, space asks at once.",
        discussion: "Where the output is no terminal it is shown once."
    )

    @OptionGroup var admin: AdminOptions
    @Option(help: "Seconds between two looks, 1 to 60.") var interval = 2

    func validate() throws {
        guard (1...60).contains(self.interval) else { throw ValidationError("--interval is a number from 1 to 60.") }
    }

    @concurrent
    func run() async throws {
        let client: AdminClient
        let first: StatusReport
        do throws(NeedletailError) {
            client = try self.admin.client()
            first = try await StatusReport.fetch(client)
        } catch {
            throw CommandFailure("needletail top: \(error.message)")
        }
        guard Terminal.output.isTerminal, Terminal.input.isTerminal, !self.admin.json else {
            if self.admin.json { return StandardStreams.output(first.json) }
            let screen = StatusScreen(report: first, width: Terminal.output.columns)
            return StandardStreams.output(screen.lines.joined(separator: "\n"))
        }
        let raw = Terminal.RawMode()
        // The other screen, without a cursor; both are given back.
        StandardStreams.write("\u{1B}[?1049h\u{1B}[?25l")
        defer {
            StandardStreams.write("\u{1B}[?25h\u{1B}[?1049l")
            raw.end()
        }
        var (report, problem): (StatusReport, String?) = (first, nil)
        while true {
            self.draw(report, problem)
            switch Terminal.key(within: .seconds(self.interval)) {
            case .quit: return
            case .other, .none: break
            }
            do throws(NeedletailError) {
                report = try await StatusReport.fetch(client)
                problem = nil
            } catch {
                problem = error.message
            }
        }
    }

    private func draw(_ report: StatusReport, _ problem: String?) {
        let (columns, rows) = (Terminal.output.columns, Terminal.output.rows)
        var lines = StatusScreen(report: report, width: columns, height: rows - 1).lines
        while lines.count < rows - 1 { lines.append("") }
        let foot = problem.map { "no answer: \($0)" } ?? "q quits, space looks again, every \(self.interval) s"
        lines.append(String(foot.prefix(columns)))
        // From the top, each line to its end; nothing is cleared first, so nothing flickers.
        StandardStreams.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }
}
