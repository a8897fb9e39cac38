import Foundation
import NIOCore
import NeedletailCore
import NeedletailRouting
import Testing

@testable import NeedletailControl

@Suite("Simulation of a configuration")
struct ConfiguredSimulationTests {
    /// Twenty minutes in which `alpha` is out for five.
    private static let scenario = """
        duration: 20m
        traffic: [ { model: chat, rate: 2, leaving: 0.05, key: dev } ]
        providers:
          alpha:
            price: { input: 1.00, output: 2.00 }
            timeline: [ { from: 5m, until: 10m, outage: server_error } ]
        """

    private func run(seed: UInt64) throws -> ConfiguredSimulation.Result {
        let configuration = try Fixture.load(ScenarioTests.configuration)
        return try ConfiguredSimulation(
            configuration, try ScenarioTests.read(Self.scenario), seed: seed, environment: [:]
        ).run()
    }

    @Test("the group's failover hides the outage of a provider")
    func outage() throws {
        let result = try self.run(seed: 1)
        let report = result.report
        #expect(result.ending == .finished)
        #expect((2_100...2_700).contains(report.requests))
        #expect(report.availability > 0.99)
        #expect((report.providers["beta"]?.finished ?? 0) > 400)
        #expect((report.providers["alpha"]?.failures["upstreamFailed"] ?? 0) > 0)
        #expect(report.finished + report.failed + report.abandoned == report.requests)
        // It opens after five failures; a probe that fails may open it again.
        #expect((1...6).contains(report.providers["alpha"]?.breakerOpenings ?? 0))
        #expect(report.providers["beta"]?.breakerOpenings == 0)
        #expect(report.cost > 0 && report.providers["beta"]?.cost == 0)
    }

    @Test("one seed gives one report, byte for byte")
    func deterministic() throws {
        let first = try self.run(seed: 7).report
        let second = try self.run(seed: 7).report
        #expect(first.json() == second.json())
        #expect(first.trace == second.trace)
        #expect(try self.run(seed: 8).report.trace != first.trace)
    }

    @Test("the report is JSON, text and a picture of the same numbers")
    func rendering() throws {
        let report = try self.run(seed: 3).report
        let json = try JSONDocument(report.json()).root
        #expect(json["requests"]?.int == report.requests)
        #expect(json["answered"]?.int == report.finished)
        #expect(json["providers"]?["alpha"]?["calls"]?.int == report.providers["alpha"]?.calls)
        #expect(json["timeline"].map { Array($0.elements).count } == report.slices.count)
        #expect(json["seed"]?.int == 3)
        let text = report.text
        #expect(text.contains("\(report.requests) requests in 20 min 0 s, seed 3, trace \(report.traceText)"))
        #expect(text.contains("calls of alpha") && text.contains("calls of beta"))
        let svg = SimulationChart(report).svg
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(svg.components(separatedBy: "<polyline").count > 6)
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test("the command prints the report and needs no keys; what is wrong is told with status 1")
    func command() async throws {
        let folder = try TemporaryFolder()
        let configuration = folder.path + "/c.yaml"
        try ScenarioTests.configuration.replacing("api_key: k", with: "api_key: { env: NOT_SET }")
            .write(toFile: configuration, atomically: true, encoding: .utf8)
        let scenario = folder.path + "/s.yaml"
        try Self.scenario.write(toFile: scenario, atomically: true, encoding: .utf8)
        let arguments = ["simulate", "--config", configuration, "--scenario", scenario, "--seed", "5"]
        let picture = folder.path + "/run.svg"
        let json = try await CommandRun.finished(arguments + ["--json", "--svg", picture])
        #expect(json.status == 0, "\(json.errors)")
        let expected = String(buffer: try self.run(seed: 5).report.json())
        // The same run in another process.
        #expect(json.output == expected + "\n")
        #expect(try String(contentsOfFile: picture, encoding: .utf8).hasPrefix("<svg "))
        let text = try await CommandRun.finished(arguments)
        #expect(text.output.contains("availability"))
        try "traffic: [ { model: chat, rat: 1 } ]".write(toFile: scenario, atomically: true, encoding: .utf8)
        let wrong = try await CommandRun.finished(arguments)
        #expect(wrong.status == 1 && wrong.errors.contains("s.yaml:1:"))
    }
}
