import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail quote`: what a request would cost.
struct QuoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quote",
        abstract: "Say what a request may cost at each of those that may answer it. Nobody is asked.",
        discussion: "From the least to the most, which is what a budget holds, in dollars."
    )

    @OptionGroup var admin: AdminOptions
    @Argument(help: "The request: JSON, @FILE, a file's name, or - for standard input.") var request: String
    @Option(help: "The path that it would be sent to; guessed by its members when left out.") var surface: String?
    @Option(help: "The model, for surfaces that have it in the path.") var model: String?
    @Option(help: "The name of the client key that would send it.") var clientKey: String?

    @concurrent
    func run() async throws {
        // A request is an object; anything else is where it stands.
        let isThere = self.request == "-" || self.request.first == "@" || self.request.contains("{")
        let body = try AdminOptions.body(isThere ? self.request : "@" + self.request, "quote")
        let query = [("surface", self.surface), ("model", self.model), ("client_key", self.clientKey)].compactMap {
            name, value in value.map { "\(name)=\(AdminClient.segment($0))" }
        }
        try await self.admin.call(
            "quote", "POST", "/quote" + (query.isEmpty ? "" : "?" + query.joined(separator: "&")), body: body
        ) { answer in
            var table = TextTable(["candidate", "least", "likely", "most", "output tokens", ""])
            for one in answer["candidates"]?.elements.map({ $0 }) ?? [] {
                let note =
                    one.present("unfit")?.string ?? (one["price_known"]?.bool == true ? "" : "the price is unknown")
                table.add([
                    "\(one["provider"]?.string ?? "")/\(one["model"]?.string ?? "")",
                    one.present("least_usd")?.string ?? "unknown", one.present("likely_usd")?.string ?? "unknown",
                    one.present("most_usd")?.string ?? "unknown", "\(one["most_output_tokens"]?.int ?? 0)", note,
                ])
            }
            return table.text
        }
    }
}
