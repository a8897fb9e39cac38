import CNeedletailSystem
public import NIOCore
import Synchronization

/// A socket that listens, and whose connections wait until an ``EdgeServer`` takes them. Closed where none does.
public final class BoundSocket: Sendable {
    /// As nginx and Go: what the system allows decides (net.core.somaxconn).
    static let backlog: CInt = 4_096
    private static let none: CInt = -1

    /// The address, with the port that was taken.
    public let address: SocketAddress
    private let descriptor: Atomic<CInt>

    /// Binds an address.
    ///
    /// - Parameters:
    ///   - host: A name or a number; a name is looked up here and now.
    ///   - port: 0 takes a free one.
    ///   - beside: Who listens on this port already and is about to leave it: another address of the machine, or all.
    /// - Throws: What the system says when it cannot be bound.
    public init(host: String, port: Int, beside other: EdgeServer? = nil) throws {
        let address = try SocketAddress.makeAddressResolvingHost(host, port: port)
        other?.sharesPort(true)
        defer { other?.sharesPort(false) }
        let descriptor = unsafe address.withSockAddr { pointer, size in
            unsafe needletail_listen(pointer, UInt32(size), Self.backlog, other == nil ? 0 : 1)
        }
        guard descriptor >= 0 else { throw IOError(errnoCode: -descriptor, reason: "listen") }
        var bound = address
        bound.port = Int(needletail_port(descriptor))
        self.address = bound
        self.descriptor = Atomic(descriptor)
    }

    deinit {
        let descriptor = self.take()
        if descriptor >= 0 { needletail_close(descriptor) }
    }

    /// The socket, which is the caller's from now on; negative where it is another's already.
    func take() -> CInt { self.descriptor.exchange(Self.none, ordering: .acquiringAndReleasing) }
}
