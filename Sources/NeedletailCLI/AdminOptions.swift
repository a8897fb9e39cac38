import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore

/// What every command that asks a running gateway takes.
struct AdminOptions: ParsableArguments {
    @Option(
        help:
            "The gateway's admin listener. When left out: $NEEDLETAIL_ADMIN_URL, else the one that \(ConfigurationLoader.defaultFile) in this folder names, else \(AdminClient.usualURL). A key is taken from $NEEDLETAIL_ADMIN_KEY."
    )
    var admin: String?
    @Flag(help: "Print the answer as JSON.")
    var json = false

    /// Asks, and prints the answer: as it came, or as `show` writes it for people.
    func print(
        _ command: String,
        _ ask: (AdminClient) async throws(NeedletailError) -> JSONView?,
        show: (JSONView) -> String
    ) async throws {
        do {
            guard let answer = try await ask(try self.client()) else {
                // Whoever reads JSON gets some, where there is nothing to say.
                if self.json { StandardStreams.output("{}") }
                return
            }
            StandardStreams.output(self.json ? answer.text.description : show(answer))
        } catch {
            throw CommandFailure("needletail \(command): \(error.message)")
        }
    }

    /// Makes one call, and prints its answer. See ``AdminClient/call(_:_:body:ifMatch:within:)``.
    func call(
        _ command: String, _ method: String, _ path: String, body: JSONText? = nil, ifMatch: String? = nil,
        show: (JSONView) -> String
    ) async throws {
        try await self.print(command) { client throws(NeedletailError) in
            try await client.call(method, path, body: body, ifMatch: ifMatch)
        } show: {
            show($0)
        }
    }

    /// Asks for a list, and prints it.
    func list(_ command: String, _ path: String, show: ([JSONView]) -> String) async throws {
        do {
            let entries = try await self.client().list(path)
            guard !self.json else {
                let data = entries.map(\.text.description).joined(separator: ",")
                return StandardStreams.output("{\"data\":[\(data)]}")
            }
            StandardStreams.output(show(entries))
        } catch {
            throw CommandFailure("needletail \(command): \(error.message)")
        }
    }

    func client() throws(NeedletailError) -> AdminClient {
        let environment = ProcessInfo.processInfo.environment
        return try AdminClient(
            url: self.admin ?? environment["NEEDLETAIL_ADMIN_URL"]
                ?? StoreLocation(file: nil, environment: environment).adminURL,
            key: environment["NEEDLETAIL_ADMIN_KEY"].map { Secret($0) })
    }

    /// JSON from an argument: the text itself, `-` for standard input, `@FILE` for a file.
    static func body(_ argument: String, _ command: String) throws -> JSONText {
        let text: String
        switch argument.first {
        case "-" where argument == "-":
            text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        case "@":
            guard let read = try? String(contentsOfFile: String(argument.dropFirst()), encoding: .utf8) else {
                throw CommandFailure("needletail \(command): '\(argument.dropFirst())' cannot be read")
            }
            text = read
        default: text = argument
        }
        do { return try JSONText(text) } catch {
            throw CommandFailure("needletail \(command): this is not JSON: \(error)")
        }
    }
}
