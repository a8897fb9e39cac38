import NeedletailCore

/// Counts wrong keys per client and locks out who guesses. Bounded: beyond ``capacity`` the entry that matters least
/// makes room.
///
/// A client is an IPv4 address or an IPv6 network of 64 bits, of which one client has as many addresses as it likes.
struct GuessGuardState {
    /// Wrong keys within ``window`` that lock a client out.
    static let threshold = 10
    /// How long wrong keys are remembered, from the first.
    static let window = Duration.seconds(300)
    /// How long a client stays out: ten guesses a minute find no key of 32 random characters.
    static let lockTime = Duration.seconds(60)
    /// The clients that are remembered.
    static let capacity = 1024

    private struct Entry {
        var failures = 0
        var since: Instant
        var lockedUntil: Instant?
    }

    private var entries: [String: Entry] = [:]

    /// How many clients are remembered.
    var count: Int { self.entries.count }

    /// How long a client must still wait; `nil` if it may try.
    func wait(of client: String, now: Instant) -> Duration? {
        guard let until = self.entries[client]?.lockedUntil, now < until else { return nil }
        return until.duration(since: now)
    }

    /// Records a wrong key.
    ///
    /// - Returns: Whether it locked the client out.
    mutating func fail(_ client: String, now: Instant) -> Bool {
        var entry = self.entries[client] ?? Entry(since: now)
        let isStale = entry.lockedUntil.map { $0 <= now } ?? (now.duration(since: entry.since) > Self.window)
        if isStale { entry = Entry(since: now) }
        entry.failures += 1
        let locks = entry.lockedUntil == nil && entry.failures >= Self.threshold
        if locks { entry.lockedUntil = now.advanced(by: Self.lockTime) }
        if self.entries[client] == nil, self.entries.count >= Self.capacity { self.makeRoom(now) }
        self.entries[client] = entry
        return locks
    }

    /// Forgets a client that had the right key.
    mutating func succeed(_ client: String) {
        self.entries[client] = nil
    }

    /// Drops what is over; where nothing is, the client with the fewest and oldest failures.
    private mutating func makeRoom(_ now: Instant) {
        self.entries = self.entries.filter { _, entry in
            entry.lockedUntil.map { now < $0 } ?? (now.duration(since: entry.since) <= Self.window)
        }
        guard self.entries.count >= Self.capacity else { return }
        let least = self.entries.min { left, right in
            (left.value.lockedUntil == nil ? 0 : 1, left.value.failures, left.value.since, left.key)
                < (right.value.lockedUntil == nil ? 0 : 1, right.value.failures, right.value.since, right.key)
        }
        if let least { self.entries[least.key] = nil }
    }
}
