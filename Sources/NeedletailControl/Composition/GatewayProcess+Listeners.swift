import Foundation
import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailRouting

/// What a gateway listens with.
extension GatewayProcess {
    /// Takes an address, with an error that names it.
    static func bind(
        _ address: ListenAddress, beside other: EdgeServer?
    ) throws(NeedletailError) -> BoundSocket {
        do {
            return try BoundSocket(host: address.host, port: address.port, beside: other)
        } catch {
            throw Self.cannotListen(on: address, error)
        }
    }

    /// Starts a listener, with an error that names the address.
    static func listen(_ server: EdgeServer, on address: ListenAddress) async throws -> SocketAddress {
        do {
            return try await server.start()
        } catch let error as IOError {
            throw Self.cannotListen(on: address, error)
        }
    }

    private static func cannotListen(on address: ListenAddress, _ error: any Error) -> NeedletailError {
        let reason =
            (error as? IOError).map { error in unsafe String(cString: strerror(error.errnoCode)) } ?? "\(error)"
        return NeedletailError(.unavailable, "Cannot listen on \(address): \(reason).", cause: error)
    }

    /// The client surfaces on an address.
    static func apiListener(
        _ address: ListenAddress, _ listen: ListenConfiguration, _ handler: GatewayHandler, _ phase: ServingPhase,
        _ surroundings: Surroundings
    ) -> Listener.Serving {
        let server = EdgeServer(
            configuration: EdgeConfiguration(
                host: address.host, port: address.port, limits: EdgeLimits(bodyBytes: listen.bodyLimit),
                tls: Self.tls(listen), cors: Self.cors(listen)),
            handler: handler, group: surroundings.group, time: surroundings.time, logger: surroundings.logger,
            phase: phase)
        return Listener.Serving(server: server) { current in
            let told = current.configuration.listen
            server.replace(bodyLimit: told.bodyLimit, cors: Self.cors(told), certificate: current.certificate)
        }
    }

    /// The administration on an address, which says who may ask there: on loopback without a key, where none is configured.
    static func adminListener(
        _ address: ListenAddress, _ listen: ListenConfiguration, _ parts: AdminParts, _ phase: ServingPhase,
        _ surroundings: Surroundings
    ) -> Listener.Serving {
        let (running, store, tokens, telemetry) = (parts.running, parts.store, parts.tokens, parts.telemetry)
        let access = AdminAccess(
            running.current.configuration.admin, host: address.host, tokens: tokens.current,
            first: address.isLoopback ? nil : store.firstAdminKey, time: surroundings.time)
        let server = EdgeServer(
            configuration: EdgeConfiguration(
                host: address.host,
                port: address.port,
                // A request to explain may hold images.
                limits: EdgeLimits(bodyBytes: listen.bodyLimit, connections: 256),
                tls: address.isLoopback ? nil : Self.tls(listen)),
            handler: DashboardHandler(
                before: AdminAPI(
                    parts.rooms,
                    access: access,
                    rest: AdminHandler(
                        health: { running.current.stack.health() },
                        totals: { running.current.stack.totals.snapshot() },
                        metrics: { telemetry.metrics(accept: $0) }, phase: phase),
                    logger: surroundings.logger, audit: store.audit, time: surroundings.time)),
            group: surroundings.group, time: surroundings.time, logger: surroundings.logger, phase: phase)
        return Listener.Serving(server: server) { current in
            access.replace(current.configuration.admin, tokens: tokens.current)
            server.replace(
                bodyLimit: current.configuration.listen.bodyLimit, cors: nil,
                certificate: address.isLoopback ? nil : current.certificate)
        }
    }

    /// What the administration is made of.
    struct AdminParts: Sendable {
        let rooms: [any AdminRoom]
        let running: RunningConfiguration
        let telemetry: Telemetry
        let store: GatewayStore
        let tokens: TokenService
    }
}
