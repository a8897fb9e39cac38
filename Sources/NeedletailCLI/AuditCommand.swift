import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore
import NeedletailStore

/// `needletail audit`: the record of what was done to the gateway.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Read the record of what was done to the gateway, and see that nobody has changed it.",
        subcommands: [List.self, Verify.self, Export.self],
        defaultSubcommand: List.self
    )

    /// What all of them take.
    struct Options: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The configuration file, beside which the store is.")
        var config: String?

        func perform(_ name: String, _ body: (AuditTool) throws -> Void) throws {
            let tool = StoreTool(config: self.config, environment: ProcessInfo.processInfo.environment)
            do {
                try body(AuditTool(try tool.open(.read)))
            } catch let error as NeedletailError {
                throw CommandFailure("needletail audit \(name): \(error.message)")
            }
        }
    }

    /// `needletail audit list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what was done, the newest first.")
        @OptionGroup var options: Options
        @Option(help: "How many.")
        var limit = 100
        @Option(help: "Only this actor's.")
        var actor: String?
        @Option(help: "Only actions that begin so.")
        var action: String?
        @Option(help: "Only those that ended so: done, refused, failed.")
        var outcome: String?
        @Flag(help: "Print JSON, a line for each.")
        var json = false

        @concurrent
        func run() async throws {
            guard self.limit > 0 else { throw ValidationError("--limit is a number from 1.") }
            let outcome = try self.outcome.map { word in
                guard let outcome = AuditEvent.Outcome(rawValue: word) else {
                    throw ValidationError("'\(word)' is none of done, refused, failed.")
                }
                return outcome
            }
            try self.options.perform("list") { tool in
                let question = AuditQuestion(
                    actor: self.actor, action: self.action, outcome: outcome, limit: self.limit)
                for record in try tool.list(question) {
                    StandardStreams.output(self.json ? AuditTable.json(record) : AuditTable.line(record))
                }
            }
        }
    }

    /// `needletail audit verify`.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look the whole chain over; status 1 when anything was changed, removed, exchanged or cut off.")
        @OptionGroup var options: Options
        @Option(help: "An end that was noted elsewhere, NUMBER:HASH, as this command and the gateway's log print it.")
        var head: String?

        @concurrent
        func run() async throws {
            let noted = try self.head.map { text in
                guard let head = AuditHead(text) else { throw ValidationError("'\(text)' is no NUMBER:HASH.") }
                return head
            }
            try self.options.perform("verify") { tool in
                let report = try tool.verify(noted: noted)
                for fault in report.faults { StandardStreams.output(fault) }
                guard report.faults.isEmpty else {
                    throw CommandFailure("needletail audit verify: the record was tampered with")
                }
                let note = report.isAnchored ? "" : "; no end is noted outside the store"
                StandardStreams.output("ok: \(report.head.sequence) records, the end is \(report.head.text)\(note)")
            }
        }
    }

    /// `needletail audit export`.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print all records as JSON, a line for each, the oldest first.")
        @OptionGroup var options: Options

        @concurrent
        func run() async throws {
            try self.options.perform("export") { tool in
                try tool.each { StandardStreams.output(AuditTable.json($0)) }
            }
        }
    }
}
