import Logging
import NeedletailCore
import NeedletailGateway

/// The gateway's two listeners.
struct Listeners: Sendable {
    /// Addresses that were taken for a configuration which does not serve yet.
    struct Sockets: Sendable {
        var api: BoundSocket?
        var admin: BoundSocket?
    }

    /// The client surfaces.
    let api: Listener
    /// The administration.
    let admin: Listener

    init(
        _ listen: ListenConfiguration, api: @escaping @Sendable (ListenAddress) -> Listener.Serving,
        admin: @escaping @Sendable (ListenAddress) -> Listener.Serving, logger: Logger
    ) {
        self.api = Listener(listen.api, logger: logger, make: api)
        self.admin = Listener(listen.admin, logger: logger, make: admin)
    }

    /// Listens for the first time.
    func start() async throws -> GatewayProcess.Addresses {
        let api = try await self.api.start()
        do {
            return GatewayProcess.Addresses(api: api, admin: try await self.admin.start())
        } catch {
            await self.api.shutdown()
            throw error
        }
    }

    /// Takes the addresses that differ: both or none.
    func prepare(_ listen: ListenConfiguration) throws(NeedletailError) -> Sockets {
        Sockets(api: try self.api.prepare(listen.api), admin: try self.admin.prepare(listen.admin))
    }

    /// Takes over what another configuration says.
    func install(_ current: RunningConfiguration.Current) {
        let listen = current.configuration.listen
        self.api.install(current, on: current.sockets.api, at: listen.api)
        self.admin.install(current, on: current.sockets.admin, at: listen.admin)
    }

    /// Ends what is left of former addresses, until the task is cancelled.
    func run(_ limit: @escaping @Sendable () -> Duration) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.api.run(limit) }
            group.addTask { await self.admin.run(limit) }
        }
    }

    /// Stops listening; client calls may finish, what is asked of the administration is cut.
    func drain(limit: Duration) async {
        await self.api.drain(limit: limit)
        await self.admin.shutdown()
    }
}
