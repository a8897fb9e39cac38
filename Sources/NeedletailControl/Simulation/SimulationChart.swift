import Foundation
public import NeedletailRouting

/// The time of a simulation as an SVG picture: requests, latency and calls, one above the other.
public struct SimulationChart: Sendable {
    private static let width = 900.0
    private static let height = 170.0
    private static let left = 64.0
    private static let gap = 56.0
    /// Told apart by most people who see colours differently: Okabe and Ito, <https://jfly.uni-koeln.de/color/>.
    private static let colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

    private struct Line {
        var name: String
        var colour: String
        var values: [Double?]
    }

    private let report: SimulationReport

    /// Draws a report.
    public init(_ report: SimulationReport) {
        self.report = report
    }

    /// The picture.
    public var svg: String {
        let slices = self.report.slices
        let perSecond = Double(slices.count) / max(1e-9, self.report.duration / .seconds(1))
        func line(_ name: String, _ colour: Int, _ value: (SimulationReport.Slice) -> Double?) -> Line {
            Line(name: name, colour: Self.colours[colour % Self.colours.count], values: slices.map(value))
        }
        func seconds(_ slice: SimulationReport.Slice, _ share: Double) -> Double? {
            slice.latency.percentile(share).map { $0 / .seconds(1) }
        }
        let requests = [
            line("answered", 2) { Double($0.requests - $0.failures) * perSecond },
            line("failed", 1) { Double($0.failures) * perSecond },
        ]
        let latency = [line("p50", 0) { seconds($0, 0.5) }, line("p99", 3) { seconds($0, 0.99) }]
        let calls = self.report.providers.keys.sorted().enumerated().map { index, name in
            line(name, index) { Double($0.calls[name] ?? 0) * perSecond }
        }
        let panels: [(String, [Line])] = [
            ("requests a second", requests), ("latency of whole answers, seconds", latency), ("calls a second", calls),
        ]
        let total = Self.gap + Double(panels.count) * (Self.height + Self.gap) + 20
        let whole = Self.left + Self.width + 24
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Int(whole))\" height=\"\(Int(total))\" "
                + "viewBox=\"0 0 \(Int(whole)) \(Int(total))\" font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            Self.label(
                self.report.headline, x: Self.left, y: 24, size: 14),
        ]
        for (index, panel) in panels.enumerated() {
            parts += self.panel(panel.0, panel.1, top: Self.gap + Double(index) * (Self.height + Self.gap))
        }
        return parts.joined(separator: "\n") + "\n</svg>\n"
    }

    private func panel(_ title: String, _ lines: [Line], top: Double) -> [String] {
        let most = lines.flatMap { $0.values.compactMap(\.self) }.max() ?? 0
        let scale = most > 0 ? most : 1
        let bottom = top + Self.height
        var parts = [
            Self.label(title, x: Self.left, y: top - 8),
            Self.label(Self.number(scale), x: Self.left - 8, y: top + 4, anchor: "end"),
            Self.label("0", x: Self.left - 8, y: bottom + 4, anchor: "end"),
            "<rect x=\"\(Self.number(Self.left))\" y=\"\(Self.number(top))\" width=\"\(Self.number(Self.width))\" "
                + "height=\"\(Self.number(Self.height))\" fill=\"none\" stroke=\"#bbbbbb\"/>",
        ]
        for quarter in 0...4 {
            let time = SimulationReport.text(self.report.duration * (Double(quarter) / 4))
            parts.append(
                Self.label(
                    time, x: Self.left + Self.width * Double(quarter) / 4, y: bottom + 16,
                    anchor: quarter == 0 ? "start" : quarter == 4 ? "end" : "middle"))
        }
        var x = Self.left + Self.width
        for line in lines.reversed() {
            parts.append(Self.label(line.name, x: x, y: top - 8, anchor: "end", colour: line.colour))
            x -= Double(line.name.count) * 7 + 16
        }
        for line in lines {
            parts += Self.runs(line.values).map { run in
                let points = run.map { index, value in
                    let x = Self.left + Self.width * (Double(index) + 0.5) / Double(max(1, line.values.count))
                    return "\(Self.number(x)),\(Self.number(bottom - value / scale * Self.height))"
                }
                return "<polyline fill=\"none\" stroke=\"\(line.colour)\" stroke-width=\"1.5\" "
                    + "points=\"\(points.joined(separator: " "))\"/>"
            }
        }
        return parts
    }

    /// The stretches without a gap.
    private static func runs(_ values: [Double?]) -> [[(Int, Double)]] {
        var runs: [[(Int, Double)]] = [[]]
        for (index, value) in values.enumerated() {
            if let value { runs[runs.count - 1].append((index, value)) } else { runs.append([]) }
        }
        return runs.filter { !$0.isEmpty }
    }

    private static func label(
        _ text: String, x: Double, y: Double, anchor: String = "start", size: Int = 12, colour: String = "#333333"
    ) -> String {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        return "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\" "
            + "fill=\"\(colour)\">\(escaped)</text>"
    }

    private static func number(_ value: Double) -> String {
        let text = String(format: "%.2f", value)
        return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
    }
}

extension SimulationReport {
    /// The run in one line.
    var headline: String {
        "\(self.requests) requests in \(Self.text(self.duration)), seed \(self.seed): availability "
            + "\(Self.percent(self.availability)), "
            + "\(String(format: "%.3f", self.attemptsPerRequest)) calls for each, $\(Self.dollars(self.cost))"
    }
}
