import Foundation
public import NeedletailRouting

extension SimulationReport {
    /// The report for people, with a chart of the time.
    public var text: String {
        var lines = [
            "\(self.requests) requests in \(Self.text(self.duration)), seed \(self.seed), trace \(self.traceText)",
            "",
            Self.line(
                "availability",
                "\(Self.percent(self.availability)) (\(self.finished) answered, \(self.failed) failed, "
                    + "\(self.abandoned) left by their clients)"),
            Self.line("latency", Self.percentiles(self.latency)),
            Self.line("first byte", Self.percentiles(self.firstByte)),
            Self.line("attempts", self.attemptsText),
            Self.line("cost", "$\(Self.dollars(self.cost))"),
        ]
        if !self.errors.isEmpty { lines += ["", "errors"] + self.errorLines }
        lines += ["", "providers"]
        lines += self.providerLines
        lines.append("")
        lines += self.chartLines
        return lines.joined(separator: "\n")
    }

    private static func line(_ name: String, _ text: String) -> String {
        name.padding(toLength: 14, withPad: " ", startingAt: 0) + text
    }

    private static func percentiles(_ histogram: LatencyHistogram) -> String {
        [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)]
            .map { "\($0) \(histogram.percentile($1).map(Self.text) ?? "-")" }
            .joined(separator: "  ")
    }

    private var attemptsText: String {
        let last = self.attempts.count - 1
        let parts = self.attempts.enumerated().filter { $0.element > 0 }.map { index, count in
            "\(index)\(index == last ? "+" : ""): \(Self.percent(Double(count) / Double(max(1, self.requests))))"
        }
        return String(format: "%.3f", self.attemptsPerRequest) + " for each request"
            + (parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))")
    }

    private var errorLines: [String] {
        let rows = self.errors.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map { code, row in
            [code, "\(row.count)", "\(row.withoutCall)", "\(row.afterCommit)"]
        }
        return Self.table([["", "requests", "without a call", "after it began"]] + rows)
    }

    private var providerLines: [String] {
        let rows = self.providers.sorted { $0.key < $1.key }.map { name, row in
            let failures = row.failures.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.key) \($0.value)" }
            return [
                name, "\(row.calls)", "\(row.finished)", "\(row.abandoned)", "\(row.breakerOpenings)",
                "$\(Self.dollars(row.cost))", failures.joined(separator: ", "),
            ]
        }
        return Self.table([["", "calls", "answered", "left", "breaker opened", "cost", "failures"]] + rows)
    }

    /// Columns of equal width, the first and the last to the left, the others to the right.
    private static func table(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var cells: [String] = []
            for (column, cell) in row.enumerated() {
                let pad = String(repeating: " ", count: widths[column] - cell.count)
                cells.append(column == 0 || column == 6 ? cell + pad : pad + cell)
            }
            var line = "  " + cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    // MARK: Chart

    private var chartLines: [String] {
        func seconds(_ share: Double) -> [Double] {
            self.slices.map { slice in slice.latency.percentile(share).map { $0 / .seconds(1) } ?? 0 }
        }
        var rows: [(String, [Double])] = [
            ("answered", self.slices.map { Double($0.requests - $0.failures) }),
            ("failed", self.slices.map { Double($0.failures) }),
            ("p50 latency", seconds(0.5)),
            ("p99 latency", seconds(0.99)),
        ]
        for name in self.providers.keys.sorted() {
            rows.append(("calls of \(name)", self.slices.map { Double($0.calls[name] ?? 0) }))
        }
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, values in
            let most = values.max() ?? 0
            let scale = name.hasSuffix("latency") ? String(format: "%.1f s", most) : "\(Int(most))"
            return name.padding(toLength: width, withPad: " ", startingAt: 0)
                + "  \(Self.bars(values))  at most \(scale)"
        }
    }

    private static func bars(_ values: [Double]) -> String {
        let levels = Array(" ▁▂▃▄▅▆▇█")
        let most = values.max() ?? 0
        return String(
            values.map { value in
                guard most > 0, value > 0 else { return levels[0] }
                return levels[max(1, Int((value / most * 8).rounded()))]
            })
    }

    // MARK: Numbers

    static func percent(_ share: Double) -> String {
        // What is not all is never shown as all.
        let shown = share < 1 ? min(share * 100, 99.999) : 100
        return shown == 100 ? "100 %" : String(format: "%.3f %%", shown)
    }

    static func text(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        if seconds < 1 { return String(format: "%.0f ms", seconds * 1_000) }
        if seconds < 120 { return String(format: "%.1f s", seconds) }
        let minutes = Int(seconds) / 60
        return minutes < 60
            ? "\(minutes) min \(Int(seconds) % 60) s" : "\(minutes / 60) h \(minutes % 60) min"
    }
}
