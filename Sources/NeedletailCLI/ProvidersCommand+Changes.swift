import ArgumentParser
import NeedletailControl
import NeedletailCore

extension ProvidersCommand {
    /// `needletail providers show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a provider's state and definition.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The provider.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call("providers show", "GET", "/providers/\(AdminClient.segment(self.name))") {
                "\(ProvidersCommand.line($0))\n\($0["definition"]?.text.description ?? "")"
            }
        }
    }

    /// `needletail providers register`.
    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "register", abstract: "Register a provider with a running gateway, or replace its definition.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The provider.") var name: String
        @Argument(help: "JSON, @FILE, or - for standard input.") var definition: String

        @concurrent
        func run() async throws {
            let body = try AdminOptions.body(self.definition, "providers register")
            try await self.admin.call(
                "providers register", "PUT", "/providers/\(AdminClient.segment(self.name))", body: body
            ) { ProvidersCommand.line($0) }
        }
    }

    /// `needletail providers set`.
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Change members of a provider's definition (JSON Merge Patch).")
        @OptionGroup var admin: AdminOptions
        @Option(help: "The version (etag) that the change is for; it is refused if another one serves.")
        var ifMatch: String?
        @Argument(help: "The provider.") var name: String
        @Argument(help: "JSON, @FILE, or - for standard input.") var definition: String

        @concurrent
        func run() async throws {
            let body = try AdminOptions.body(self.definition, "providers set")
            try await self.admin.call(
                "providers set", "PATCH", "/providers/\(AdminClient.segment(self.name))", body: body,
                ifMatch: self.ifMatch
            ) { ProvidersCommand.line($0) }
        }
    }

    /// `needletail providers enable`.
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "enable", abstract: "Let a provider be asked again.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The provider.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call("providers enable", "POST", "/providers/\(AdminClient.segment(self.name))/enable")
            { ProvidersCommand.line($0) }
        }
    }

    /// `needletail providers disable`.
    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "disable", abstract: "Send a provider no more requests; those that run end.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The provider.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call(
                "providers disable", "POST", "/providers/\(AdminClient.segment(self.name))/disable"
            ) { ProvidersCommand.line($0) }
        }
    }

    /// `needletail providers drain`.
    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain", abstract: "Disable a provider and wait until nothing runs there any more.")
        @OptionGroup var admin: AdminOptions
        @Option(help: "How many seconds to wait at most, 0 to 600.") var timeout = 30
        @Argument(help: "The provider.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call(
                "providers drain", "POST", "/providers/\(AdminClient.segment(self.name))/drain",
                body: JSONText(unchecked: "{\"timeout\":\(self.timeout)}")
            ) {
                $0["drained"]?.bool == true ? "drained" : "\($0["in_flight"]?.int ?? 0) still in flight"
            }
        }
    }

    /// `needletail providers deregister`.
    struct Deregister: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deregister", abstract: "Deregister a provider that no group needs.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The provider.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call("providers deregister", "DELETE", "/providers/\(AdminClient.segment(self.name))")
            { _ in "" }
        }
    }
}
