public import NeedletailCore

/// Chooses among a router's targets. Synchronous, and it changes nothing but its own cursor.
public protocol Balancer: Sendable {
    /// - Parameters:
    ///   - targets: All targets of the router.
    ///   - candidates: The ones that may be asked now.
    ///   - random: Where to draw from.
    /// - Returns: The index of the target to ask next, or `nil` when there is no candidate.
    func pick(from targets: [Target], among candidates: TargetSet, random: RandomSource) -> Int?
}

/// A set of target indices, one bit each.
public struct TargetSet: Sendable, Hashable {
    /// How many targets a router may have.
    public static let capacity = 64

    private var bits: UInt64

    /// The first `count` targets.
    public init(count: Int) {
        self.bits = count >= Self.capacity ? .max : (1 << UInt64(max(0, count))) - 1
    }

    /// Whether it is empty.
    public var isEmpty: Bool { self.bits == 0 }

    /// Whether `index` is in it.
    public func contains(_ index: Int) -> Bool {
        index < Self.capacity && self.bits & (1 << UInt64(index)) != 0
    }

    /// Takes `index` out.
    public mutating func remove(_ index: Int) {
        self.bits &= ~(1 << UInt64(index))
    }
}
