import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore
import NeedletailStore

/// `needletail budgets`: what has been spent of what may be.
struct BudgetsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budgets",
        abstract: "Show what is spent of each budget, or forget it.",
        subcommands: [List.self, Reset.self],
        defaultSubcommand: List.self
    )

    /// `needletail budgets list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List all counts: spent, and leased to gateways or lost in a crash.")
        @Option(name: [.customShort("c"), .long], help: "The configuration file.")
        var config: String?
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            let tool = StoreTool(config: self.config, environment: ProcessInfo.processInfo.environment)
            do {
                _ = await tool.flushGateway(key: StoreTool.adminKey)
                let store = try tool.open()
                // A file of an earlier version has keys without budgets.
                let keys = (try? store.keys()) ?? []
                let configuration = try ConfigurationSource.load(self.config)
                let table = BudgetTable(
                    try store.balances(), keys.counted(in: configuration) + keys.budgets,
                    now: TimeSource.live.wallSeconds())
                StandardStreams.write(self.json ? table.json : table.text)
            } catch let error as NeedletailError {
                throw CommandFailure("needletail budgets: \(error.message)")
            } catch let error as ConfigurationError {
                throw CommandFailure(error.description)
            }
        }
    }

    /// `needletail budgets reset`.
    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget what a count has spent and what crashes took of it.",
            discussion: "The name is a budget's, with /SUBJECT where each has one of its own.")
        @Option(name: [.customShort("c"), .long], help: "The configuration file.")
        var config: String?
        @Argument(help: "The count, as `needletail budgets` names it.")
        var name: String
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            let tool = StoreTool(config: self.config, environment: ProcessInfo.processInfo.environment)
            do {
                let store = try tool.open(.write)
                try CommandAudit.noting("needletail budgets reset", self.name, in: store) {
                    let keys = try store.keys()
                    // Without a configuration that can be read, counts are called as in the store.
                    let configured = (try? ConfigurationSource.load(self.config)).map { keys.counted(in: $0) } ?? []
                    let counter = BudgetTable.counter(
                        named: self.name, configured + keys.budgets, try store.balances())
                    guard let counter else {
                        throw CommandFailure("needletail budgets: nothing is counted for '\(self.name)'")
                    }
                    try store.reset(counter: counter)
                }
                if self.json { StandardStreams.object { $0.member("reset", self.name) } }
            } catch let error as NeedletailError {
                throw CommandFailure("needletail budgets: \(error.message)")
            }
        }
    }
}
