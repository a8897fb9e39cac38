import Synchronization

/// What may stand for many of its kind when there are too many.
protocol SeriesKey: Hashable, Sendable {
    /// The key without what clients make up: models and keys become `other`.
    var folded: Self { get }
}

/// Handles of series by their labels: found without a lock, made when they first appear, never more than a bound.
///
/// Open addressing over slots that are written once: a reader sees a slot empty or for good, so it needs no lock.
final class SeriesTable<Key: SeriesKey, Value: AnyObject & Sendable>: Sendable {
    private final class Entry: Sendable {
        let key: Key
        let value: Value

        init(_ key: Key, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// A place that is written once. `AtomicLazyReference` does the same through functions that are not specialised, which
    /// took a third of a look-up.
    @safe
    private final class Slot: Sendable {
        private let place = unsafe Atomic<Unmanaged<Entry>?>(nil)

        var entry: Entry? { unsafe self.place.load(ordering: .acquiring)?.takeUnretainedValue() }

        /// - Returns: What is kept: `entry`, or what was there before.
        func keep(_ entry: Entry) -> Entry {
            let made = unsafe Unmanaged.passRetained(entry)
            let (isKept, before) = unsafe self.place.compareExchange(
                expected: nil, desired: made, ordering: .acquiringAndReleasing)
            if isKept { return entry }
            unsafe made.release()
            return unsafe before?.takeUnretainedValue() ?? entry
        }

        deinit { unsafe self.place.load(ordering: .acquiring)?.release() }
    }

    private let slots: [Slot]
    private let capacity: Int
    private let count = Atomic<Int>(0)
    private let make: @Sendable (Key) -> Value

    /// Creates an empty table.
    ///
    /// - Parameters:
    ///   - capacity: How many keys are told apart, at least 1. Further ones are folded; folded ones have as much room again,
    ///     and beyond that nothing is kept.
    ///   - previous: A table whose keys are told apart in this one too, be they more than that.
    ///   - make: Makes the value of a key. May be called for a key that another thread makes at the same moment; then one
    ///     of the two values is dropped, so it must give the same series for the same key.
    init(capacity: Int, keeping previous: SeriesTable? = nil, make: @escaping @Sendable (Key) -> Value) {
        self.capacity = max(1, capacity)
        let known = previous?.entries ?? []
        var size = 8
        while size < 4 * self.capacity || size < 2 * known.count { size *= 2 }
        self.slots = (0..<size).map { _ in Slot() }
        self.make = make
        for (key, value) in known { _ = self.find(key, isRoom: true) { _ in value } }
    }

    /// How many keys are kept.
    var size: Int { self.count.load(ordering: .relaxed) }

    /// All that is kept, in no order.
    var entries: [(key: Key, value: Value)] {
        self.slots.compactMap { slot in slot.entry.map { ($0.key, $0.value) } }
    }

    /// The value of a key, or of what stands for it.
    func value(_ key: Key) -> Value {
        if let found = self.find(key, isRoom: self.size < self.capacity, make: self.make) { return found }
        if let found = self.find(key.folded, isRoom: self.size < 2 * self.capacity, make: self.make) { return found }
        return self.make(key.folded)
    }

    private func find(_ key: Key, isRoom: Bool, make: (Key) -> Value) -> Value? {
        let mask = self.slots.count - 1
        var index = key.hashValue & mask
        for _ in self.slots.indices {
            let slot = self.slots[index]
            if let entry = slot.entry {
                if entry.key == key { return entry.value }
            } else {
                guard isRoom else { return nil }
                let made = Entry(key, make(key))
                let kept = slot.keep(made)
                if kept === made { self.count.wrappingAdd(1, ordering: .relaxed) }
                // Another thread may have taken the slot for another key.
                if kept.key == key { return kept.value }
            }
            index = (index + 1) & mask
        }
        return nil
    }
}
