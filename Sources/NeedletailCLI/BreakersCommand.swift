import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail breakers`: the circuit breakers of a running gateway.
struct BreakersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breakers",
        abstract: "See, reset, trip and force the circuit breakers of a running gateway.",
        discussion: """
            Without an action it lists them. An action is for provider/model, or for all of a provider: reset closes and \
            forgets, trip opens until it recovers by itself, open and closed hold it so, release ends that.
            """
    )

    /// What can be done.
    enum Action: String, CaseIterable, ExpressibleByArgument {
        case list, reset, trip, open, closed, release
    }

    @OptionGroup var admin: AdminOptions
    @Argument(help: "list, reset, trip, open, closed or release.") var action = Action.list
    @Argument(help: "provider/model, or a provider.") var name: String?

    func validate() throws {
        guard self.action == .list || self.name != nil else {
            throw ValidationError("Name the breakers: provider/model, or a provider.")
        }
    }

    @concurrent
    func run() async throws {
        guard let name = self.name else {
            return try await self.admin.list("breakers", "/breakers") { Self.table($0) }
        }
        let path = "/breakers/\(AdminClient.segment(name))"
        try await self.admin.print("breakers \(self.action.rawValue)") { client throws(NeedletailError) in
            switch self.action {
            case .list: try await client.call("GET", path)
            case .open, .closed:
                try await client.call(
                    "POST", "\(path)/force", body: JSONText(unchecked: "{\"state\":\"\(self.action.rawValue)\"}"))
            case .reset, .trip, .release: try await client.call("POST", "\(path)/\(self.action.rawValue)")
            }
        } show: {
            Self.table($0["data"].map { Array($0.elements) } ?? [])
        }
    }

    private static func table(_ breakers: [JSONView]) -> String {
        var table = TextTable(["name", "state", "failures in a row", "of late", "tried again in"])
        for breaker in breakers {
            let wait = breaker.present("seconds_until_probe")?.double
            let failures = "\(breaker["window_failures"]?.int ?? 0)/\(breaker["window_calls"]?.int ?? 0)"
            table.add([
                breaker["name"]?.string ?? "", breaker["state"]?.string ?? "",
                "\(breaker["consecutive_failures"]?.int ?? 0)", failures, wait.map { "\($0) s" } ?? "",
            ])
        }
        return table.text
    }
}
