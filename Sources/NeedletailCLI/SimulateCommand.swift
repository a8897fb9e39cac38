import ArgumentParser
import Foundation
import NeedletailControl

/// `needletail simulate`: what a configuration does with a scenario, in seconds and without any provider.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run a configuration's routing against modelled providers, under virtual time.",
        discussion: "The scenario is described in docs/simulation.md. One seed gives one run, event by event."
    )

    @Option(name: [.customShort("c"), .long], help: "The configuration file.")
    var config: String?
    @Option(name: [.customShort("s"), .long], help: "The scenario, a YAML file.")
    var scenario: String
    @Option(help: "The seed of everything that is drawn.")
    var seed: UInt64 = 1
    @Flag(help: "Print the report as JSON.")
    var json = false
    @Option(help: "Draw the run into this SVG file.")
    var svg: String?

    @concurrent
    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let result: ConfiguredSimulation.Result
        do {
            // Nobody is called, so keys need not be there.
            let loader = ConfigurationLoader(
                types: .version, environment: environment, missingSecret: "not-set-for-the-simulation")
            let configuration = try loader.load(file: self.config)
            let scenario = try Scenario(path: self.scenario, for: configuration, environment: environment)
            result = try ConfiguredSimulation(configuration, scenario, seed: self.seed, environment: environment).run()
        } catch {
            throw CommandFailure(Failures.text(error))
        }
        if let svg = self.svg {
            do {
                try result.svg.write(toFile: svg, atomically: true, encoding: .utf8)
            } catch {
                throw CommandFailure("The picture cannot be written to '\(svg)'.")
            }
        }
        StandardStreams.output(self.json ? result.json : result.text)
        if let problem = result.problem { throw CommandFailure("\(problem) Please report it with its seed.") }
    }
}
