import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore
import NeedletailStore

/// `needletail db`: care of the store.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db",
        abstract: "Back up, check and tidy the store; a gateway may run meanwhile.",
        subcommands: [Backup.self, Check.self, Vacuum.self]
    )

    /// What all of them take.
    struct Options: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The configuration file.")
        var config: String?
        @Flag(help: "Print JSON.")
        var json = false

        var tool: StoreTool {
            StoreTool(config: self.config, environment: ProcessInfo.processInfo.environment)
        }

        /// Does something long to the store, with a bar for who looks on.
        ///
        /// - Parameters:
        ///   - fraction: How much of it is done; `nil` from it where nobody knows.
        ///   - done: What is said of it in the end: of JSON a member, of text the end of the line.
        func perform(
            _ name: String, done: (key: StaticString, text: String), _ access: SQLiteStore.Mode = .read,
            fraction: @escaping @Sendable () -> Double? = { nil },
            _ body: @escaping @Sendable (SQLiteStore) throws(NeedletailError) -> Void
        ) async throws {
            do throws(NeedletailError) {
                let store = try self.tool.open(access)
                let progress = Progress(title: "db \(name)", isShown: Terminal.error.isTerminal && !self.json)
                try await progress.during(fraction: fraction) { () throws(NeedletailError) in try body(store) }
            } catch {
                throw CommandFailure("needletail db \(name): \(error.message)")
            }
            let path = self.tool.location.path
            guard self.json else { return StandardStreams.output("\(path): \(done.text)") }
            StandardStreams.object { json in
                json.member("path", path)
                json.member(done.key, done.text)
            }
        }
    }

    /// `needletail db backup`.
    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Copy the store as it is now into a new file.")
        @OptionGroup var options: Options
        @Argument(help: "The copy; must not be there yet.")
        var file: String

        @concurrent
        func run() async throws {
            let (file, source) = (self.file, self.options.tool.location.path)
            try await self.options.perform(
                "backup", done: ("result", "copied to \(file)"), .write,
                fraction: {
                    guard let whole = Self.size(source), let part = Self.size(file), whole > 0 else { return nil }
                    return Double(part) / Double(whole)
                }
            ) { store throws(NeedletailError) in
                try store.backup(to: file)
                try AuditTool(store).note("needletail db backup", subject: file)
            }
        }

        private static func size(_ path: String) -> Int? {
            (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
        }
    }

    /// `needletail db check`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Read everything and look for damage.")
        @OptionGroup var options: Options

        @concurrent
        func run() async throws {
            try await self.options.perform("check", done: ("result", "ok")) { store throws(NeedletailError) in
                try store.check()
            }
        }
    }

    /// `needletail db vacuum`.
    struct Vacuum: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give free pages back to the disk.")
        @OptionGroup var options: Options

        @concurrent
        func run() async throws {
            try await self.options.perform("vacuum", done: ("result", "ok"), .write) {
                store throws(NeedletailError) in
                try store.vacuum()
            }
        }
    }
}
