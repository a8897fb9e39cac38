/// A set of target indices, one bit each.
public struct TargetSet: Sendable, Hashable, Sequence {
    /// How many targets a router may have.
    public static let capacity = 64

    /// The set as bits; bit 0 is the first target.
    package private(set) var bits: UInt64

    package init(bits: UInt64) {
        self.bits = bits
    }

    /// The empty set.
    public init() {
        self.bits = 0
    }

    /// The first `count` targets.
    public init(count: Int) {
        self.bits = count >= Self.capacity ? .max : (1 << UInt64(Swift.max(0, count))) - 1
    }

    /// Whether it is empty.
    public var isEmpty: Bool { self.bits == 0 }
    /// How many targets are in it.
    public var count: Int { self.bits.nonzeroBitCount }
    /// The lowest index in it.
    public var first: Int? { self.isEmpty ? nil : self.bits.trailingZeroBitCount }

    /// The index that `place` lower ones of the set come before; `nil` if it has no so many.
    public func member(at place: Int) -> Int? {
        guard (0..<self.count).contains(place) else { return nil }
        var rest = self.bits
        for _ in 0..<place { rest &= rest - 1 }
        return rest.trailingZeroBitCount
    }

    /// Whether `index` is in it.
    public func contains(_ index: Int) -> Bool {
        (0..<Self.capacity).contains(index) && self.bits & (1 << UInt64(index)) != 0
    }

    /// Puts `index` in; one beyond the capacity is never in.
    public mutating func insert(_ index: Int) {
        if (0..<Self.capacity).contains(index) { self.bits |= 1 << UInt64(index) }
    }

    /// Takes `index` out.
    public mutating func remove(_ index: Int) {
        if (0..<Self.capacity).contains(index) { self.bits &= ~(1 << UInt64(index)) }
    }

    /// The indices that are in both sets.
    public func intersection(_ other: Self) -> Self {
        Self(bits: self.bits & other.bits)
    }

    /// The indices that are not in `other`.
    public func subtracting(_ other: Self) -> Self {
        Self(bits: self.bits & ~other.bits)
    }

    /// The indices, ascending.
    public func makeIterator() -> Iterator {
        Iterator(bits: self.bits)
    }

    /// Steps through the indices.
    public struct Iterator: IteratorProtocol, Sendable {
        fileprivate var bits: UInt64

        /// The next index.
        public mutating func next() -> Int? {
            guard self.bits != 0 else { return nil }
            defer { self.bits &= self.bits - 1 }
            return self.bits.trailingZeroBitCount
        }
    }
}
