import ArgumentParser
import NeedletailControl

/// `needletail prices`: what calls cost.
struct PricesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices",
        abstract: "Show the prices that are known, and judge those that a configuration relies on.",
        discussion: "Dollars for a million tokens; for one request, search or image.",
        subcommands: [Show.self, Check.self, Diff.self]
    )

    /// What all of them take.
    struct Options: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The configuration file.")
        var config: String?
        @Flag(help: "Print JSON.")
        var json = false

        func configured() throws -> PriceReport {
            do {
                return PriceReport.configured(try ConfigurationSource.load(self.config))
            } catch {
                throw CommandFailure(error.description)
            }
        }

        func print(_ report: PriceReport) {
            if self.json { return StandardStreams.output(report.json) }
            for row in report.rows { StandardStreams.output("\(row.name)  \(PriceReport.text(row.price))") }
        }
    }

    /// `needletail prices show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the catalogue, or what holds a text of it.")
        @OptionGroup var options: Options
        @Argument(help: "A part of type/model.")
        var text = ""

        @concurrent
        func run() async throws {
            let report = PriceReport.catalogue(holding: self.text)
            guard !report.rows.isEmpty else { throw CommandFailure("needletail prices: nothing holds '\(self.text)'") }
            self.options.print(report)
        }
    }

    /// `needletail prices check`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the price of every model that a configuration names; fails where one is unknown.")
        @OptionGroup var options: Options

        @concurrent
        func run() async throws {
            let report = try self.options.configured()
            self.options.print(report)
            let unknown = report.rows.filter { $0.price == nil }.map(\.name)
            guard unknown.isEmpty else {
                throw CommandFailure(
                    "no price is known of \(unknown.joined(separator: ", ")); "
                        + "write it under prices: models:, for example { input: 0.50, output: 2.00 }")
            }
        }
    }

    /// `needletail prices diff`.
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the models of a configuration whose price is not what the catalogue lists.")
        @OptionGroup var options: Options

        @concurrent
        func run() async throws {
            let report = PriceReport(rows: try self.options.configured().rows.filter(\.differs))
            if self.options.json { return StandardStreams.output(report.json) }
            for row in report.rows {
                StandardStreams.output("\(row.name)")
                StandardStreams.output("  listed  \(PriceReport.text(row.listed))")
                StandardStreams.output("  holds   \(PriceReport.text(row.price))")
            }
        }
    }
}
