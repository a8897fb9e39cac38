import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore

/// `needletail costs`: what calls cost, from the ledger.
struct CostsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "costs",
        abstract: "Add up what calls cost, from the ledger beside the configuration.",
        discussion: "A gateway that runs is asked to write what it has first."
    )

    @Option(help: "What to tell apart, with commas: \(Self.dimensions.joined(separator: ", ")).")
    var by = "key"
    @Option(help: "From this day on, as 2026-11-22 (UTC).")
    var since: String?
    @Option(help: "Up to this day, which no longer counts.")
    var until: String?
    @Option(help: "Only this key.")
    var key: String?
    @Option(name: [.customShort("c"), .long], help: "The configuration file.")
    var config: String?
    @Flag(help: "Print JSON.")
    var json = false
    @Flag(help: "Print comma-separated values.")
    var csv = false

    private static let dimensions = CostQuestion.Dimension.allCases.map(\.rawValue)

    func validate() throws {
        if self.json, self.csv { throw ValidationError("Choose one of --json and --csv.") }
        _ = try self.question()
    }

    private func question() throws -> CostQuestion {
        let dimensions = try self.by.split(separator: ",").map { word in
            guard let dimension = CostQuestion.Dimension(rawValue: String(word)) else {
                throw ValidationError("--by has no '\(word)'; it takes \(Self.dimensions.joined(separator: ", ")).")
            }
            return dimension
        }
        return CostQuestion(
            by: dimensions, since: try Self.day(self.since), until: try Self.day(self.until), key: self.key)
    }

    private static func day(_ text: String?) throws -> Int64? {
        guard let text else { return nil }
        guard let date = try? Date(text, strategy: .iso8601.year().month().day()) else {
            throw ValidationError("'\(text)' is no day; write for example 2026-11-22.")
        }
        return Int64(date.timeIntervalSince1970) * 1_000
    }

    @concurrent
    func run() async throws {
        let tool = StoreTool(config: self.config, environment: ProcessInfo.processInfo.environment)
        do {
            if let problem = await tool.flushGateway(key: StoreTool.adminKey) {
                StandardStreams.error(
                    "needletail costs: the running gateway has not written its latest lines: \(problem)")
            }
            let report = try tool.costs(try self.question())
            StandardStreams.write(CostTable(report).written(self.json ? .json : self.csv ? .csv : .text))
        } catch let error as NeedletailError {
            throw CommandFailure("needletail costs: \(error.message)")
        }
    }
}
