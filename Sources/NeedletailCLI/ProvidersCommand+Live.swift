import ArgumentParser
import NeedletailControl
import NeedletailCore

extension ProvidersCommand {
    /// `needletail providers live`: the providers of a running gateway.
    struct Live: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "live", abstract: "List the providers of a running gateway: state, calls, health.")
        @OptionGroup var admin: AdminOptions

        @concurrent
        func run() async throws {
            try await self.admin.list("providers live", "/providers") { providers in
                var table = TextTable(["name", "type", "state", "in flight", "health", "latency", "source"])
                for provider in providers {
                    let deployments = provider["deployments"].map { Array($0.elements) } ?? []
                    let health = deployments.compactMap { $0["health"]?.double }.min()
                    let latencies = deployments.compactMap { $0.present("latency_ms")?.double }
                    table.add([
                        provider["name"]?.string ?? "", provider["type"]?.string ?? "", provider["state"]?.string ?? "",
                        provider["in_flight"]?.text.description ?? "", health.map { "\($0)" } ?? "",
                        latencies.max().map { "\(Int($0.rounded())) ms" } ?? "", provider["source"]?.string ?? "",
                    ])
                }
                return table.text
            }
        }
    }

    /// One line for a provider after a change.
    static func line(_ provider: JSONView) -> String {
        let running = provider["in_flight"]?.int ?? 0
        return "\(provider["name"]?.string ?? ""): \(TextTable.coloured(provider["state"]?.string ?? "")), "
            + "\(running) in flight"
    }
}
