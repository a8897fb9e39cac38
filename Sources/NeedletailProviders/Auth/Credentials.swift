import NeedletailCore
import Synchronization

/// The keys of one provider: taken in turn by weight, rested after the provider refused or limited them.
final class Credentials: Sendable {
    private let state: Mutex<CredentialState>
    /// Whether there is nothing to choose from.
    private let isSingle: Bool
    /// Whether some key was refused since it was last taken: else nobody need take the lock.
    private let hasRefusals = Atomic<Bool>(false)

    /// - Parameter weights: One positive weight per key.
    init(weights: [Int]) {
        self.isSingle = weights.count < 2
        self.state = Mutex(CredentialState(weights: weights))
    }

    /// The index of the key to use now.
    func pick(now: @autoclosure () -> Instant) -> Int {
        guard !self.isSingle || self.hasRefusals.load(ordering: .relaxed) else { return 0 }
        let now = now()
        return self.state.withLock { $0.pick(now: now) }
    }

    /// Lets a key rest.
    ///
    /// - Parameters:
    ///   - wait: What the provider asked for.
    ///   - isRefused: Whether it was refused, and not only limited.
    /// - Returns: Whether another key is ready.
    func rest(_ index: Int, for wait: Duration?, isRefused: Bool, now: Instant) -> Bool {
        if isRefused { self.hasRefusals.store(true, ordering: .relaxed) }
        return self.state.withLock {
            $0.rest(index, for: wait, isRefused: isRefused, now: now)
            return $0.hasReady(now: now)
        }
    }

    /// Takes note that the provider took a key.
    func wasTaken(_ index: Int) {
        guard self.hasRefusals.load(ordering: .relaxed) else { return }
        self.state.withLock { state in
            state.wasTaken(index)
            self.hasRefusals.store(state.hasRefusals, ordering: .relaxed)
        }
    }

    /// Until when no key need be tried; `nil` when one may be.
    func closedUntil(now: Instant) -> Instant? {
        guard self.hasRefusals.load(ordering: .relaxed) else { return nil }
        return self.state.withLock { $0.closedUntil(now: now) }
    }
}

/// Which key is next. Pure: smooth weighted round robin over the keys that do not rest, as nginx has it.
///
/// A key that is refused rests, each time in a row for twice as long; after the fifth time it is out of service, and
/// when its rest is over one request at a time tries it: a circuit breaker for each key.
struct CredentialState: Equatable {
    /// How long a key rests that was refused or limited without a `retry-after`.
    static let defaultRest = Duration.seconds(60)
    /// The longest that one rests without.
    static let longestRest = Duration.seconds(900)
    /// Refusals in a row that put a key out of service.
    static let threshold = 5
    /// How long a try of a key that was out of service keeps others from it.
    static let trial = Duration.seconds(10)

    private struct Entry: Equatable {
        let weight: Int
        var current = 0
        var restsUntil = Instant(nanoseconds: .min)
        /// In a row.
        var refusals = 0
    }

    private var entries: [Entry]

    init(weights: [Int]) {
        self.entries = weights.map { Entry(weight: max(1, min($0, 1_000_000))) }
    }

    func hasReady(now: Instant) -> Bool {
        self.entries.contains { $0.restsUntil <= now }
    }

    var hasRefusals: Bool { self.entries.contains { $0.refusals > 0 } }

    mutating func rest(_ index: Int, for wait: Duration?, isRefused: Bool, now: Instant) {
        guard self.entries.indices.contains(index) else { return }
        if isRefused { self.entries[index].refusals += 1 }
        let doublings = isRefused ? min(8, self.entries[index].refusals - 1) : 0
        let rest = wait ?? min(Self.longestRest, Self.defaultRest * (1 << doublings))
        self.entries[index].restsUntil = max(self.entries[index].restsUntil, now.advanced(by: rest))
    }

    mutating func wasTaken(_ index: Int) {
        guard self.entries.indices.contains(index), self.entries[index].refusals > 0 else { return }
        self.entries[index].refusals = 0
        self.entries[index].restsUntil = Instant(nanoseconds: .min)
    }

    /// When the first key may be tried again, while all are out of service.
    func closedUntil(now: Instant) -> Instant? {
        guard self.entries.allSatisfy({ $0.refusals >= Self.threshold && $0.restsUntil > now }) else { return nil }
        return self.entries.map(\.restsUntil).min()
    }

    /// The next key; when all rest, the one that wakes first.
    mutating func pick(now: Instant) -> Int {
        let index = self.next(now: now)
        if self.entries[index].refusals >= Self.threshold, self.entries[index].restsUntil <= now {
            self.entries[index].restsUntil = now.advanced(by: Self.trial)
        }
        return index
    }

    private mutating func next(now: Instant) -> Int {
        guard self.entries.count > 1 else { return 0 }
        var total = 0
        var best: Int?
        for index in self.entries.indices where self.entries[index].restsUntil <= now {
            self.entries[index].current += self.entries[index].weight
            total += self.entries[index].weight
            if best.map({ self.entries[index].current > self.entries[$0].current }) ?? true { best = index }
        }
        if let best {
            self.entries[best].current -= total
            return best
        }
        return self.entries.indices.min { self.entries[$0].restsUntil < self.entries[$1].restsUntil } ?? 0
    }
}
