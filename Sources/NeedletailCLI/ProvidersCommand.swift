import ArgumentParser
import NeedletailControl
import NeedletailCore
import NeedletailProviders

/// `needletail providers`: who is configured, which types there are, and the providers of a running gateway.
struct ProvidersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "providers",
        abstract: "List the configured providers and types; see and change those of a running gateway.",
        subcommands: [
            Configured.self, Live.self, Show.self, Register.self, Set.self,
            Enable.self, Disable.self, Drain.self, Deregister.self,
        ],
        defaultSubcommand: Configured.self
    )
}

extension ProvidersCommand {
    /// `needletail providers configured`: what a start would find, without asking anybody.
    struct Configured: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "configured",
            abstract: "List the configured providers and the types that this version has."
        )

        @Option(name: [.customShort("c"), .long], help: "The configuration file.")
        var config: String?
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            let configuration: Configuration
            do {
                configuration = try ConfigurationSource.load(self.config)
            } catch {
                throw CommandFailure(error.description)
            }
            if self.json { return Self.print(configuration) }
            let width = configuration.providers.map(\.name.count).max() ?? 0
            for provider in configuration.providers {
                let name = provider.name + String(repeating: " ", count: width - provider.name.count)
                let spec = ProviderSpec.named(provider.type)
                let url = provider.baseURL?.description ?? (spec?.isMock == false ? spec?.baseURL : nil)
                let upstream = url.map { " \($0)" } ?? ""
                StandardStreams.output("\(name)  \(provider.type)\(upstream)\(provider.isEnabled ? "" : " (disabled)")")
            }
            StandardStreams.output("types:")
            let rows = ProviderSpec.all.map { spec in
                [
                    spec.type, spec.dialects.map(\.rawValue).joined(separator: ","),
                    spec.operations.map(\.rawValue).joined(separator: ","),
                    spec.settings.filter(\.isRequired).map { "needs \($0.name)" }.joined(separator: ","),
                ]
            }
            for row in rows {
                let cells = row.enumerated().map { column, cell in
                    let width = rows.map { $0[column].count }.max() ?? 0
                    return cell + String(repeating: " ", count: width - cell.count)
                }
                var line = "  " + cells.joined(separator: "  ")
                while line.last == " " { line.removeLast() }
                StandardStreams.output(line)
            }
        }

        private static func print(_ configuration: Configuration) {
            StandardStreams.object { json in
                json.key("providers")
                json.beginArray()
                for provider in configuration.providers {
                    let spec = ProviderSpec.named(provider.type)
                    json.beginObject()
                    json.member("name", provider.name)
                    json.member("type", provider.type)
                    json.member(
                        "base_url", provider.baseURL?.description ?? (spec?.isMock == false ? spec?.baseURL : nil))
                    json.member("enabled", provider.isEnabled)
                    json.endObject()
                }
                json.endArray()
                json.key("types")
                json.beginArray()
                for spec in ProviderSpec.all {
                    json.beginObject()
                    json.member("type", spec.type)
                    Self.list("dialects", spec.dialects.map(\.rawValue), &json)
                    Self.list("operations", spec.operations.map(\.rawValue), &json)
                    Self.list("required_settings", spec.settings.filter(\.isRequired).map(\.name), &json)
                    json.endObject()
                }
                json.endArray()
            }
        }

        private static func list(_ key: StaticString, _ texts: [String], _ json: inout JSONWriter) {
            json.key(key)
            json.beginArray()
            for text in texts { json.string(text) }
            json.endArray()
        }
    }
}
