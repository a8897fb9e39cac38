import Logging
import NIOCore
import NeedletailCore
import NeedletailGateway
import Synchronization

/// One of the gateway's listeners, whose address may change while it serves: another server takes the new address before
/// the old one leaves its own, and what runs there finishes.
final class Listener: Sendable {
    /// A server on one address, and how it takes over what another configuration says.
    struct Serving: Sendable {
        let server: EdgeServer
        let adopt: @Sendable (RunningConfiguration.Current) -> Void
    }

    private struct State {
        var address: ListenAddress
        var serving: Serving
        var isListening = false
        /// Those that have left their address and still have connections.
        var retired: [Serving] = []
    }

    private let make: @Sendable (ListenAddress) -> Serving
    private let logger: Logger
    private let state: Mutex<State>
    /// Those who wait for a server to retire.
    let retirements = Waiters()

    /// - Parameter make: Makes what serves on an address, of what is configured when it is called.
    init(
        _ address: ListenAddress, logger: Logger, make: @escaping @Sendable (ListenAddress) -> Serving
    ) {
        self.make = make
        self.logger = logger
        self.state = Mutex(State(address: address, serving: make(address)))
    }

    /// What serves on the address.
    var server: EdgeServer { self.state.withLock { $0.serving.server } }

    /// Open connections, those to former addresses included.
    var openConnections: Int {
        let (serving, retired) = self.state.withLock { ($0.serving, $0.retired) }
        return retired.reduce(serving.server.openConnections) { $0 + $1.server.openConnections }
    }

    /// Listens for the first time.
    func start() async throws -> SocketAddress {
        let (server, address) = self.state.withLock { state in
            state.isListening = true
            return (state.serving.server, state.address)
        }
        return try await GatewayProcess.listen(server, on: address)
    }

    /// Takes an address, if it is another than before; who connects there waits for ``install(_:on:at:)``.
    ///
    /// - Throws: `.unavailable` when it cannot be had.
    func prepare(_ address: ListenAddress) throws(NeedletailError) -> BoundSocket? {
        let (server, before) = self.state.withLock { ($0.isListening ? $0.serving.server : nil, $0.address) }
        guard let server, address != before else { return nil }
        // Shared only where the port stays: another's that may be is a fault, as it is at the start.
        return try GatewayProcess.bind(address, beside: address.port == server.port ? server : nil)
    }

    /// Takes over what another configuration says.
    ///
    /// - Parameter socket: Where it listens from now on; `nil` for where it did, or will when it starts.
    func install(_ current: RunningConfiguration.Current, on socket: BoundSocket?, at address: ListenAddress) {
        let next = self.state.withLock { $0.address } == address ? nil : self.make(address)
        let (all, left) = self.state.withLock { state -> ([Serving], (server: EdgeServer, address: ListenAddress)?) in
            var left: (server: EdgeServer, address: ListenAddress)?
            if let next {
                if state.isListening {
                    left = (state.serving.server, state.address)
                    state.retired.append(state.serving)
                }
                (state.serving, state.address) = (next, address)
            }
            return ([state.serving] + state.retired, left)
        }
        for one in all { one.adopt(current) }
        guard let next, let socket, let left else { return }
        let logger = self.logger
        next.server.begin(on: socket).whenComplete { result in
            switch result {
            case .success:
                logger.notice("Listening on \(address), and no longer on the address before.")
                left.server.retire()
            case .failure(let error):
                logger.error("Cannot listen on \(address), and still on the address before: \(error)")
                self.stay(left.server, on: left.address, insteadOf: next.server)
            }
            self.retirements.wakeAll()
        }
    }

    /// Serves on an address that was not left after all, unless another has taken the place of the one that failed.
    private func stay(_ server: EdgeServer, on address: ListenAddress, insteadOf failed: EdgeServer) {
        let stays = self.state.withLock { state in
            guard state.serving.server === failed,
                let place = state.retired.firstIndex(where: { $0.server === server })
            else { return false }
            state.serving = state.retired.remove(at: place)
            state.address = address
            return true
        }
        if !stays { server.retire() }
    }

    /// Ends what has left its address, as far as it has connections, each after a time; until the task is cancelled.
    func run(_ limit: @escaping @Sendable () -> Duration) async {
        await withDiscardingTaskGroup { group in
            var known: Set<ObjectIdentifier> = []
            while !Task.isCancelled {
                let retired = self.state.withLock { $0.retired }
                known.formIntersection(retired.map { ObjectIdentifier($0.server) })
                for one in retired where known.insert(ObjectIdentifier(one.server)).inserted {
                    group.addTask {
                        await one.server.endRetired(limit: limit())
                        self.state.withLock { $0.retired.removeAll { $0.server === one.server } }
                    }
                }
                await self.retirements.wait {
                    self.state.withLock { $0.retired.contains { !known.contains(ObjectIdentifier($0.server)) } }
                }
            }
        }
    }

    /// Stops listening and lets what runs finish.
    func drain(limit: Duration) async {
        let (serving, retired) = self.state.withLock { ($0.serving, $0.retired) }
        await withDiscardingTaskGroup { group in
            group.addTask { await serving.server.drain(limit: limit) }
            for one in retired { group.addTask { await one.server.endRetired(limit: limit) } }
        }
    }

    /// Stops listening and cuts every connection.
    func shutdown() async {
        let (serving, retired) = self.state.withLock { ($0.serving, $0.retired) }
        for one in [serving] + retired { await one.server.shutdown() }
    }
}
