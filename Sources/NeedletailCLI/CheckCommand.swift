import ArgumentParser
import NeedletailControl

/// `needletail check`: says everything that is wrong with a configuration.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a configuration and print every fault, as file:line:column: what is wrong; what to write."
    )

    @Argument(help: "The file; needletail.yaml, or the environment alone, when left out.")
    var file: String?

    @concurrent
    func run() async throws {
        do {
            let configuration = try ConfigurationSource.load(self.file)
            for warning in configuration.warnings { StandardStreams.output(warning.description) }
            let name =
                switch configuration.origin {
                case .file(let path): path
                case .environment: "the environment"
                }
            StandardStreams.output("\(name): ok: \(configuration.summary)")
        } catch {
            for fault in error.faults + error.warnings { StandardStreams.output(fault.description) }
            let count = error.faults.count
            throw CommandFailure("\(count) \(count == 1 ? "fault" : "faults")")
        }
    }
}
