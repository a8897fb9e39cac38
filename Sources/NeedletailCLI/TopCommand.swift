import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail top`: the same screen again and again.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract:
            "Show how a running gateway is, and keep it up to date. Keys: q ends it, s and S change the order, arrows scroll, space asks at once.",
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
        var state = TopState(first)
        let keys = KeyReader().keys
        await withTaskGroup(of: Event.self) { group in
            func hear() { group.addTask { .typed(await keys.first { _ in true } ?? .quit) } }
            func wait() {
                group.addTask { [turn = state.turn, interval = self.interval] in
                    try? await TimeSource.live.sleep(TimeSource.live.now().advanced(by: .seconds(interval)))
                    return .due(turn)
                }
            }
            func ask() {
                state.asks()
                group.addTask {
                    do throws(NeedletailError) { return .heard(.success(try await StatusReport.fetch(client))) } catch {
                        return .heard(.failure(error))
                    }
                }
            }
            hear()
            wait()
            self.draw(state)
            while let event = await group.next() {
                switch event {
                case .typed(let key):
                    switch state.typed(key) {
                    case .quit: return group.cancelAll()
                    case .ask: ask()
                    case .nothing: break
                    }
                    hear()
                case .due(let turn): if turn == state.turn, !state.isAsking { ask() }
                case .heard(let answer):
                    state.heard(answer)
                    wait()
                }
                self.draw(state)
            }
        }
    }

    /// What goes on beside the screen: somebody types, an answer is waited for, or the time until the next look.
    private enum Event: Sendable {
        case typed(KeyParser.Key)
        case heard(Result<StatusReport, NeedletailError>)
        /// It is time after the look of this turn.
        case due(Int)
    }

    private func draw(_ state: TopState) {
        let (columns, rows) = (Terminal.output.columns, Terminal.output.rows)
        var lines = StatusScreen(
            report: state.report, width: columns, height: rows - 1, order: state.order, offset: state.offset
        ).lines
        while lines.count < rows - 1 { lines.append("") }
        let keys = "q quits, s sorts, arrows scroll, space looks again, every \(self.interval) s"
        let foot = state.problem.map { "no answer: \($0)" } ?? (state.isAsking ? "asking …" : keys)
        lines.append(String(Terminal.plain(foot).prefix(columns)))
        // From the top, each line to its end; nothing is cleared first, so nothing flickers.
        StandardStreams.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }
}
