import ArgumentParser
import NeedletailControl

/// `needletail mock`: a scriptable upstream.
struct MockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mock",
        abstract: "Run an upstream that answers by script, or deterministically without one."
    )

    @Option(help: "The port on 127.0.0.1; 0 for any.")
    var port = 4010
    @Option(help: "The script, a YAML file.")
    var script: String?
    @Option(help: "The seed of its answers and faults.")
    var seed: Int?

    func validate() throws {
        guard (0...65_535).contains(self.port) else { throw ValidationError("--port is a number from 0 to 65535.") }
    }

    @concurrent
    func run() async throws {
        let address = ListenAddress(host: "127.0.0.1", port: self.port)
        do {
            try await Composition.mock(address: address, script: self.script, seed: self.seed)
        } catch {
            throw CommandFailure("needletail mock: \(Failures.text(error))")
        }
    }
}
