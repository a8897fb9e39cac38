import NIOCore
import NeedletailCore
import NeedletailRouting

/// A group that learns, and what makes its memory last.
struct LearnedGroup: Sendable {
    /// The group that is asked, with the groups inside and the tier that lead here; unique in a configuration.
    var name: String
    var balancer: LearnedBalancer
    /// What the balancer counts by.
    var targets: [Target]

    /// What was learnt, as JSON.
    var memory: String { String(buffer: self.balancer.exported(for: self.targets)) }

    /// Takes over what was learnt earlier.
    ///
    /// - Throws: `.invalidRequest` for what ``memory`` has not written.
    func restore(_ memory: String) throws(NeedletailError) {
        try self.balancer.restore(ByteBuffer(string: memory), for: self.targets)
    }
}
