import NeedletailCore
import NeedletailTransport
import Synchronization

/// The connections to where the streams of jobs are: origins that are known only when an answer names them.
final class StreamOrigins: Sendable {
    /// A provider has one or two; more than this many are not kept.
    static let capacity = 8

    private let make: @Sendable (_ origin: Origin) throws(NeedletailError) -> UpstreamPool
    private let pools = Mutex<[Origin: UpstreamPool]>([:])

    init(make: @escaping @Sendable (_ origin: Origin) throws(NeedletailError) -> UpstreamPool) {
        self.make = make
    }

    /// The connections to the origin of a URL.
    func pool(for url: String) throws(NeedletailError) -> UpstreamPool {
        let origin = try Origin(url: url)
        if let pool = self.pools.withLock({ $0[origin] }) { return pool }
        let made = try self.make(origin)
        return self.pools.withLock { pools in
            if let pool = pools[origin] { return pool }
            if pools.count < Self.capacity { pools[origin] = made }
            return made
        }
    }
}
