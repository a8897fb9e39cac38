import Logging
import NIOCore
import NeedletailCore
public import NeedletailRouting

/// Runs a configuration's stack over modelled providers, under virtual time.
public struct ConfiguredSimulation: Sendable {
    /// What came of it.
    public struct Result: Sendable {
        /// What happened.
        public var report: SimulationReport
        /// How the run ended: anything but `finished` is a fault of the gateway, not of the scenario.
        public var ending: VirtualExecutor.Ending

        /// What is wrong with the gateway, if the run did not come to its end.
        public var problem: String? {
            self.ending == .finished ? nil : "The run did not come to its end: it is \(self.ending)."
        }
        /// The report for people.
        public var text: String { self.report.text }
        /// The report for programs.
        public var json: String { String(buffer: self.report.json()) }
        /// The course of time as a picture.
        public var svg: String { SimulationChart(self.report).svg }
    }

    private let configuration: Configuration
    private let scenario: Scenario
    private let seed: UInt64
    private let environment: [String: String]

    /// Creates a simulation.
    ///
    /// - Parameters:
    ///   - configuration: Whose groups, rules and limits are real.
    ///   - scenario: What the clients and the providers do.
    ///   - seed: One seed is one run.
    public init(_ configuration: Configuration, _ scenario: Scenario, seed: UInt64, environment: [String: String]) {
        self.configuration = configuration
        self.scenario = scenario
        self.seed = seed
        self.environment = environment
    }

    /// Runs it, on the calling thread, to its end.
    ///
    /// - Throws: What keeps the stack from being built.
    public func run() throws -> Result {
        let executor = VirtualExecutor()
        let time = executor.time
        let recorder = SimulationRecorder(
            duration: self.scenario.duration, seed: self.seed, models: self.scenario.providers, start: time.now())
        let watch = BreakerWatch(recorder)
        let models = self.scenario.providers.map { name, model in
            (name, SimulatedProvider(ProviderID(name), model, seed: self.seed, time: time, observer: watch))
        }
        let group = EventLoops.make(count: 1)
        defer { group.shutdownGracefully { _ in } }
        let stack = try GatewayStack(
            self.configuration,
            environment: self.environment,
            group: group,
            time: time,
            random: .seeded(self.seed),
            logger: Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() }),
            localSpecs: [],
            models: Dictionary(uniqueKeysWithValues: models)
        )
        watch.watch(stack.deployments.all)
        let clients = SimulatedClients(
            of: stack.provider, traffic: self.scenario.traffic, duration: self.scenario.duration, seed: self.seed,
            time: time, observer: watch)
        let ending = executor.run {
            await withTaskGroup { group in
                group.addTask { await stack.run() }
                await clients.run()
                group.cancelAll()
            }
        }
        var report = recorder.report
        for (provider, count) in watch.openings(now: time.now()) {
            report.providers[provider, default: .init()].breakerOpenings += count
        }
        return Result(report: report, ending: ending)
    }
}
