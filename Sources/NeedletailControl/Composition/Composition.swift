import CoreMetrics
import Foundation
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import ServiceLifecycle
import UnixSignals

/// The bodies of the commands: builds everything from a configuration and runs it.
public enum Composition {
    /// Runs the gateway until it is told to stop by SIGTERM or SIGINT.
    public static func serve(configuration: Configuration) async throws {
        MemoryTuning.apply()
        let environment = ProcessInfo.processInfo.environment
        let log = LogOutput.make(configuration.telemetry, environment: environment)
        defer { log.writer.stop() }
        let logger = log.logger
        let group = EventLoops.make()
        var surroundings = GatewayProcess.Surroundings(environment: environment, group: group, logger: logger)
        surroundings.log = log
        surroundings.showOnce = { FileHandle.standardError.write(Data(($0 + "\n").utf8)) }
        let process = try GatewayProcess(configuration, surroundings)
        MetricsSystem.bootstrap(SwiftMetricsBackend(process.telemetry.registry))
        let addresses = try await process.start()
        try await Self.run(process, log, onHangUp: { process.reload("SIGHUP") }) {
            Self.announce(configuration, addresses)
            for warning in configuration.warnings { logger.warning("\(warning)") }
            MemoryTuning.startIsOver()
        }
        try await group.shutdownGracefully()
    }

    /// Runs until a first SIGTERM or SIGINT has been obeyed; a second one ends the process at once, with status 1.
    ///
    /// - Parameters:
    ///   - onHangUp: What SIGHUP asks for; `nil` leaves it to the system, which ends the process.
    ///   - announce: Called when signals are obeyed, so that whoever reads that it serves may also stop it.
    private static func run(
        _ service: any Service,
        _ log: LogOutput,
        onHangUp: (@Sendable () -> Void)? = nil,
        announce: () -> Void
    ) async throws {
        let trapped: [UnixSignal] = [.sigterm, .sigint] + (onHangUp == nil ? [] : [.sighup])
        let signals = await UnixSignalsSequence(trapping: trapped)
        announce()
        let services = ServiceGroup(services: [service], logger: log.logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                var isStopping = false
                for await signal in signals {
                    if signal == .sighup {
                        onHangUp?()
                        continue
                    }
                    guard !isStopping else {
                        log.logger.warning("A second signal: what still runs is cut off.")
                        log.writer.stop(within: .milliseconds(200))
                        exit(1)
                    }
                    isStopping = true
                    await services.triggerGracefulShutdown()
                }
            }
            try await services.run()
            tasks.cancelAll()
        }
    }

    /// One line per listener and provider.
    private static func announce(_ configuration: Configuration, _ addresses: GatewayProcess.Addresses) {
        let scheme = configuration.listen.tls == nil ? "http" : "https"
        var lines = ["api    \(scheme)://\(Self.text(addresses.api))", "admin  http://\(Self.text(addresses.admin))"]
        for provider in configuration.providers where provider.isEnabled {
            lines.append("provider \(provider.name) (\(provider.type))\(provider.baseURL.map { " at \($0)" } ?? "")")
        }
        FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    private static func text(_ address: SocketAddress) -> String {
        ListenAddress(host: address.ipAddress ?? "", port: address.port ?? 0).description
    }

    /// Runs the mock upstream until it is told to stop.
    public static func mock(address: ListenAddress, script: String?, seed: Int?) async throws {
        let environment = ProcessInfo.processInfo.environment
        let log = LogOutput.make(TelemetryConfiguration(), environment: environment)
        defer { log.writer.stop() }
        let group = EventLoops.make()
        var loaded =
            try script.map { try MockScript(path: $0, environment: environment) }
            ?? MockScript()
        if let seed { loaded.seed = UInt64(clamping: seed) }
        let server = EdgeServer(
            configuration: EdgeConfiguration(host: address.host, port: address.port),
            handler: MockServerHandler(engine: MockEngine(script: loaded), time: .live),
            group: group,
            time: .live,
            logger: log.logger
        )
        let bound = try await GatewayProcess.listen(server, on: address)
        try await Self.run(MockProcess(server: server), log) {
            FileHandle.standardOutput.write(Data("mock   http://\(Self.text(bound))\n".utf8))
        }
        try await group.shutdownGracefully()
    }
}

/// A running mock upstream.
private struct MockProcess: Service {
    let server: EdgeServer

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await gracefulShutdown()
                await self.server.drain(limit: .seconds(1))
            }
            await self.server.run()
            group.cancelAll()
        }
    }
}
