import NIOCore
import NeedletailControl
import NeedletailCore
import Testing

@testable import NeedletailCLI

@Suite("The live screen of the command line")
struct TopTests {
    @Test(
        "keys are read whatever they are cut into",
        arguments: [
            ("q", [KeyParser.Key.quit]), ("\u{3}", [.quit]), ("sS", [.sort, .sortBack]), (" \r", [.look, .look]),
            ("\u{1B}[A\u{1B}[B", [.up, .down]), ("\u{1B}OA\u{1B}OB", [.up, .down]),
            ("kjgG", [.up, .down, .home, .end]),
            ("\u{1B}[C\u{1B}[D", [.sort, .sortBack]), ("\u{1B}[5~\u{1B}[6~", [.pageUp, .pageDown]),
            ("\u{1B}[1;5Aq", [.up, .quit]), ("\u{1B}[H\u{1B}[4~", [.home, .end]), ("\u{1B}q", [.quit]),
            ("\u{1B}\u{1B}[A", [.other, .up]), ("x\u{1B}[Z", [.other, .other]),
        ])
    func keys(_ typed: String, _ keys: [KeyParser.Key]) {
        for size in 1...max(1, typed.utf8.count) {
            var parser = KeyParser()
            var read: [KeyParser.Key] = []
            var rest = Array(typed.utf8)[...]
            while !rest.isEmpty {
                read += parser.keys(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(read == keys, "\(size) bytes at a time")
        }
    }

    private static func report() throws -> StatusReport {
        var report = StatusReport(url: "http://127.0.0.1:4004")
        report.providers = try ["b", "a", "c"].map { name in
            let running = ["a": 1, "b": 5, "c": 3][name] ?? 0
            return try JSONDocument(
                ByteBuffer(string: #"{"name":"\#(name)","state":"active","in_flight":\#(running)}"#)
            ).root
        }
        report.health = try JSONDocument(
            ByteBuffer(
                string: #"""
                    {"status":"degraded","providers":{
                    "a":{"status":"healthy","success_rate":1.0,"avg_response_time":30},
                    "b":{"status":"healthy","success_rate":0.5,"avg_response_time":10},
                    "c":{"status":"unhealthy","success_rate":0.9,"avg_response_time":20}}}
                    """#)
        ).root
        return report
    }

    private static func names(_ state: TopState) -> [String] {
        let lines = StatusScreen(report: state.report, width: 100, height: 40, order: state.order, offset: state.offset)
            .lines
        return lines.filter { $0.contains("active") }.map { String($0.prefix(1)) }
    }

    @Test("s goes through the orders and back; what is wrong stands first at the beginning")
    func orders() throws {
        var state = TopState(try Self.report())
        var seen = [Self.names(state)]
        for _ in 0..<4 {
            #expect(state.typed(.sort) == .nothing)
            seen.append(Self.names(state))
        }
        // By trouble, name, calls, latency, success.
        #expect(seen.map { $0.joined() } == ["cba", "abc", "bca", "acb", "bca"])
        _ = state.typed(.sort)
        #expect(Self.names(state) == ["c", "b", "a"])
        _ = state.typed(.sortBack)
        #expect(Self.names(state).joined() == "bca")
    }

    @Test("arrows scroll, and not beyond the last")
    func scrolling() throws {
        var state = TopState(try Self.report())
        _ = state.typed(.down)
        #expect(Self.names(state) == ["b", "a"])
        _ = state.typed(.pageDown)
        #expect(Self.names(state) == ["a"])
        _ = state.typed(.up)
        _ = state.typed(.home)
        #expect(Self.names(state).count == 3)
        _ = state.typed(.end)
        var fewer = state.report
        fewer.providers.removeLast(2)
        state.heard(.success(fewer))
        #expect(state.offset == 0 && Self.names(state).count == 1)
    }

    @Test("keys count while an answer is awaited, and nobody is asked twice at a time")
    func asking() throws {
        var state = TopState(try Self.report())
        #expect(state.typed(.look) == .ask)
        state.asks()
        #expect(state.typed(.look) == .nothing)
        #expect(state.typed(.sort) == .nothing && state.order == .name)
        #expect(state.typed(.quit) == .quit)
        state.heard(.failure(NeedletailError(.unreachable, "Nobody answers.")))
        #expect(state.problem == "Nobody answers." && !state.isAsking && state.report.providers.count == 3)
        state.heard(.success(try Self.report()))
        #expect(state.problem == nil)
    }
}
