import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail check`: says everything that is wrong with a configuration.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a configuration and print every fault, as file:line:column: what is wrong; what to write."
    )

    @Argument(help: "The file; needletail.yaml, or the environment alone, when left out.")
    var file: String?
    @Flag(help: "Print JSON.")
    var json = false

    @concurrent
    func run() async throws {
        do {
            let configuration = try ConfigurationSource.load(self.file)
            if self.json { return Self.print([], configuration.warnings) }
            for warning in configuration.warnings { StandardStreams.output(warning.description) }
            let name =
                switch configuration.origin {
                case .file(let path): path
                case .environment: "the environment"
                }
            StandardStreams.output("\(name): ok: \(configuration.summary)")
        } catch {
            if self.json { Self.print(error.faults, error.warnings) }
            for fault in self.json ? [] : error.faults + error.warnings { StandardStreams.output(fault.description) }
            let count = error.faults.count
            throw CommandFailure("\(count) \(count == 1 ? "fault" : "faults")")
        }
    }

    private static func print(_ faults: [ConfigurationFault], _ warnings: [ConfigurationFault]) {
        StandardStreams.object { json in
            json.member("ok", faults.isEmpty)
            for (key, list) in [("faults", faults), ("warnings", warnings)] as [(StaticString, [ConfigurationFault])] {
                json.key(key)
                json.beginArray()
                for fault in list {
                    json.beginObject()
                    json.member("place", fault.place.description)
                    if case .file(let position) = fault.place {
                        json.member("file", position.file)
                        json.member("line", position.line)
                        json.member("column", position.column)
                    }
                    json.member("problem", fault.problem)
                    json.member("remedy", fault.remedy)
                    json.endObject()
                }
                json.endArray()
            }
        }
    }
}
