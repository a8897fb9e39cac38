import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore

/// `needletail prices`: what calls cost.
struct PricesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices",
        abstract: "Show the prices that are known, and judge those that a configuration relies on.",
        discussion: "Dollars for a million tokens; for one request, search or image.",
        subcommands: [Show.self, Check.self, Diff.self, Import.self]
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
            abstract: "List the models of a configuration, or of a list, whose price is not what the catalogue lists.")
        @OptionGroup var options: Options
        @Argument(help: "A list that `needletail prices import` takes; the configuration when left out.")
        var file: String?

        @concurrent
        func run() async throws {
            let report: PriceReport
            if let file = self.file {
                report = try await Import.read(file).report
            } else {
                report = PriceReport(rows: try self.options.configured().rows.filter(\.differs))
            }
            if self.options.json { return StandardStreams.output(report.json) }
            for row in report.rows {
                StandardStreams.output("\(row.name)")
                StandardStreams.output("  listed  \(PriceReport.text(row.listed))")
                StandardStreams.output("  holds   \(PriceReport.text(row.price))")
            }
        }
    }

    /// `needletail prices import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a file for `prices: file:` of LiteLLM's list of prices, or of one in our own form.",
            discussion: "Written are the models whose rates are not what the catalogue lists.")
        @Argument(help: "The list: a file, or - for standard input.")
        var list: String
        @Option(name: [.customShort("o"), .long], help: "The file to write; - prints it.")
        var output = "prices.yaml"
        @Flag(help: "Write all models, those too that the catalogue has just so.")
        var all = false

        static func read(_ name: String) async throws -> PriceImport {
            let text = try AdminOptions.body(name == "-" ? name : "@" + name, "prices import").description
            let done = ProgressFraction()
            do throws(NeedletailError) {
                return try await Progress(title: "prices import").during(fraction: { done.value }) {
                    () throws(NeedletailError) in try PriceImport(text) { done.value = $0 }
                }
            } catch {
                throw CommandFailure("needletail prices import: \(error.message)")
            }
        }

        @concurrent
        func run() async throws {
            let list = try await Self.read(self.list)
            let text = list.file(isNewsOnly: !self.all)
            if self.output == "-" {
                StandardStreams.write(text)
            } else {
                do { try text.write(toFile: self.output, atomically: true, encoding: .utf8) } catch {
                    throw CommandFailure("needletail prices import: '\(self.output)' cannot be written")
                }
            }
            for (name, reason) in list.leftOut { StandardStreams.error("left out: \(name): \(reason)") }
            let news = list.entries.filter(\.isNews).count
            StandardStreams.error(
                "\(list.entries.count) models read, \(news) are not what the catalogue lists, \(list.leftOut.count) left out"
            )
        }
    }
}
