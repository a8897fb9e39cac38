import NeedletailCore
import Synchronization

/// The keys of one provider: taken in turn by weight, rested after the provider refused or limited them.
final class Credentials: Sendable {
    private let state: Mutex<CredentialState>
    /// Whether there is nothing to choose from.
    private let isSingle: Bool

    /// - Parameter weights: One positive weight per key.
    init(weights: [Int]) {
        self.isSingle = weights.count < 2
        self.state = Mutex(CredentialState(weights: weights))
    }

    /// The index of the key to use now.
    func pick(now: @autoclosure () -> Instant) -> Int {
        guard !self.isSingle else { return 0 }
        let now = now()
        return self.state.withLock { $0.pick(now: now) }
    }

    /// Lets a key rest.
    ///
    /// - Returns: Whether another key is ready.
    func rest(_ index: Int, until: Instant, now: Instant) -> Bool {
        self.state.withLock {
            $0.rest(index, until: until)
            return $0.hasReady(now: now)
        }
    }
}

/// Which key is next. Pure: smooth weighted round robin over the keys that do not rest, as nginx has it.
struct CredentialState: Equatable {
    private struct Entry: Equatable {
        let weight: Int
        var current = 0
        var restsUntil = Instant(nanoseconds: .min)
    }

    private var entries: [Entry]

    init(weights: [Int]) {
        self.entries = weights.map { Entry(weight: max(1, min($0, 1_000_000))) }
    }

    func hasReady(now: Instant) -> Bool {
        self.entries.contains { $0.restsUntil <= now }
    }

    mutating func rest(_ index: Int, until: Instant) {
        guard self.entries.indices.contains(index) else { return }
        self.entries[index].restsUntil = max(self.entries[index].restsUntil, until)
    }

    /// The next key; when all rest, the one that wakes first.
    mutating func pick(now: Instant) -> Int {
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
