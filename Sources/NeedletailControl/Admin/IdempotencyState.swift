import NIOCore
import NeedletailCore
import NeedletailGateway

/// What was answered to calls that named a key for it (`idempotency-key`), so that the same call made again is answered the
/// same and done once. Pure; see the IETF draft "The Idempotency-Key HTTP Header Field".
struct IdempotencyState {
    /// How long an answer is given again.
    static let lifetime = Duration.seconds(86_400)
    /// Answers that are kept; the oldest goes first.
    static let maximumCount = 10_000
    /// The bytes of all answers together.
    static let maximumSize = 16 << 20

    /// Whose key.
    struct Key: Hashable {
        var caller: String
        var key: String
    }

    /// What to do with a call.
    enum Decision {
        /// It is new.
        case run
        /// It was answered.
        case replay(EdgeResponse)
        /// It was done, and its answer is not kept.
        case done
        /// It runs.
        case busy
        /// The key was used for another call.
        case other
        /// There is no room: as many calls with keys run as are kept.
        case full
    }

    /// How far a call is.
    private enum Progress {
        case running
        case answered(EdgeResponse)
        /// It was answered with what nothing may keep.
        case done

        var isRunning: Bool { if case .running = self { true } else { false } }
    }

    private struct Entry {
        var call: String
        var progress = Progress.running
        var size = 0
        var expires: Instant
        var number: Int
    }

    private var entries: [Key: Entry] = [:]
    /// Entries from the oldest on, and places of some that are gone, see ``forget(_:)``.
    private var order: [(key: Key, number: Int)] = []
    private var next = 0
    private var size = 0

    /// How many are kept.
    var count: Int { self.entries.count }
    /// How many places the order has.
    var places: Int { self.order.count }

    /// Decides about a call, and notes it if it is to be made.
    ///
    /// - Parameter call: What tells it from others: the path, the query and a digest of the body.
    mutating func begin(_ key: Key, _ call: String, now: Instant) -> Decision {
        self.drop(now)
        if let known = self.entries[key] {
            guard known.call == call else { return .other }
            switch known.progress {
            case .running: return .busy
            case .answered(let answer): return .replay(answer)
            case .done: return .done
            }
        }
        while self.entries.count >= Self.maximumCount {
            guard self.dropOldest() else { return .full }
        }
        self.next += 1
        self.entries[key] = Entry(call: call, expires: now.advanced(by: Self.lifetime), number: self.next)
        self.order.append((key, self.next))
        return .run
    }

    /// Notes the answer of a call that ran; `nil` lets it be made again.
    mutating func end(_ key: Key, _ answer: EdgeResponse?) {
        guard var entry = self.entries[key], entry.progress.isRunning else { return }
        guard let answer, answer.body.readableBytes <= Self.maximumSize / 16 else { return self.forget(key) }
        entry.progress = .answered(answer)
        entry.size = answer.body.readableBytes
        self.size += entry.size
        self.entries[key] = entry
        while self.size > Self.maximumSize, self.dropOldest() {}
    }

    /// Notes that a call was done whose answer nothing may keep.
    mutating func endWithSecret(_ key: Key) {
        guard let entry = self.entries[key], entry.progress.isRunning else { return }
        self.entries[key]?.progress = .done
    }

    /// Lets a call be made again. Its place in the order goes when most places are such.
    private mutating func forget(_ key: Key) {
        self.remove(key)
        guard self.order.count > 2 * self.entries.count + 64 else { return }
        let entries = self.entries
        self.order.removeAll { entries[$0.key]?.number != $0.number }
    }

    private mutating func remove(_ key: Key) {
        guard let entry = self.entries.removeValue(forKey: key) else { return }
        self.size -= entry.size
    }

    /// Drops what is too old; entries are in the order of their ends.
    private mutating func drop(_ now: Instant) {
        var gone = 0
        for (key, number) in self.order {
            if let entry = self.entries[key], entry.number == number {
                guard entry.expires <= now else { break }
                self.remove(key)
            }
            gone += 1
        }
        self.order.removeFirst(gone)
    }

    /// Drops the oldest that was answered.
    private mutating func dropOldest() -> Bool {
        let index = self.order.firstIndex { key, number in
            self.entries[key].map { $0.number == number && !$0.progress.isRunning } ?? false
        }
        guard let index else { return false }
        self.remove(self.order[index].key)
        self.order.remove(at: index)
        return true
    }
}
