import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail config`: the configuration of a running gateway.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "See a running gateway's configuration, load it again, take changes back.",
        subcommands: [Status.self, Show.self, Reload.self, Revert.self],
        defaultSubcommand: Status.self
    )

    /// What serves, for people.
    static func text(_ status: JSONView) -> String {
        let running = status["running"]
        var lines = [
            "serves   \(running?["version"]?.string ?? "") since \(running?["since"]?.string ?? "")",
            "file     \(running?.present("file")?.string ?? "none: the environment")",
        ]
        for warning in running?["warnings"].map({ Array($0.elements) }) ?? [] {
            lines.append("         \(warning.string ?? "")")
        }
        if let attempt = status.present("last_attempt") {
            let taken = attempt["taken"]?.bool == true
            lines.append(
                "tried    \(attempt["version"]?.string ?? "unreadable") at \(attempt["at"]?.string ?? "") by "
                    + "\(attempt["trigger"]?.string ?? ""): \(taken ? "taken" : "not taken")")
            for fault in attempt["faults"].map({ Array($0.elements) }) ?? [] {
                lines.append("         \(fault.string ?? "")")
            }
            let restart = attempt["restart_needed"].map { $0.elements.compactMap(\.string) } ?? []
            if !restart.isEmpty { lines.append("         needs a restart: \(restart.joined(separator: ", "))") }
            let dropped = attempt["dropped_changes"].map { $0.elements.compactMap(\.string) } ?? []
            if !dropped.isEmpty { lines.append("         dropped: \(dropped.joined(separator: ", "))") }
        }
        for change in status["changes"].map({ Array($0.elements) }) ?? [] {
            lines.append(
                "changed  \(change["subject"]?.string ?? "") (\(change["effect"]?.string ?? "") by "
                    + "\(change["by"]?.string ?? "") at \(change["at"]?.string ?? ""))")
        }
        return lines.joined(separator: "\n")
    }

    /// `needletail config status`.
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What serves, what was last tried and why it was not taken, what is changed.")
        @OptionGroup var admin: AdminOptions

        @concurrent
        func run() async throws {
            try await self.admin.call("config status", "GET", "/config") { ConfigCommand.text($0) }
        }
    }

    /// `needletail config show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The configuration that serves, changes included, without secrets, as JSON.")
        @OptionGroup var admin: AdminOptions

        @concurrent
        func run() async throws {
            try await self.admin.call("config show", "GET", "/config/effective") { $0.text.description }
        }
    }

    /// `needletail config reload`, and `needletail reload`.
    struct Reload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reload",
            abstract: "Let a running gateway read its configuration again; exit status 1 if it cannot be used.")
        @OptionGroup var admin: AdminOptions
        @Flag(help: "Take back what was changed at run time.") var dropChanges = false

        @concurrent
        func run() async throws {
            try await self.admin.call("reload", "POST", "/config/reload?overlay=\(self.dropChanges ? "drop" : "keep")")
            { ConfigCommand.text($0) }
        }
    }

    /// `needletail config revert`.
    struct Revert: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Return what was changed at run time to what the file says: everything, or one subject.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "providers/NAME or models/NAME; everything when left out.") var subject: String?

        func validate() throws {
            guard let subject = self.subject else { return }
            guard subject.hasPrefix("providers/") || subject.hasPrefix("models/") || subject == "default" else {
                throw ValidationError("'\(subject)' is neither providers/NAME nor models/NAME.")
            }
        }

        @concurrent
        func run() async throws {
            var path = "/config/overlay"
            if let subject = self.subject {
                let parts = (subject == "default" ? "models/default" : subject).split(separator: "/", maxSplits: 1)
                path += "/\(parts[0])/\(AdminClient.segment(String(parts.count > 1 ? parts[1] : "")))"
            }
            try await self.admin.call("config revert", "DELETE", path) { ConfigCommand.text($0) }
        }
    }
}
