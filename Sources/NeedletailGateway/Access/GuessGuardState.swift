package import NeedletailCore

/// Counts wrong keys per client and locks out who guesses. Pure. Bounded: beyond ``capacity`` the entry that matters least
/// makes room.
///
/// A client is named by ``IPAddress/clientNetwork``.
package struct GuessGuardState: Sendable {
    /// Wrong keys within ``window`` that lock a client out of the admin listener.
    package static let threshold = 10
    /// How long wrong keys are remembered, from the first.
    package static let window = Duration.seconds(300)
    /// How long a client stays out: some ten guesses a minute find no key of 32 random characters.
    package static let lockTime = Duration.seconds(60)
    /// The clients that are remembered.
    package static let capacity = 1024
    /// The right keys that are remembered of a client.
    static let rightKeys = 64

    private struct Entry {
        var failures = 0
        var since: Instant
        var lockedUntil: Instant?
        /// The guesses, where they are told apart; no more than lock it out.
        var guesses: Set<Int> = []
        /// The keys that were right since the first wrong one.
        var right: Set<Int> = []

        func isStale(_ now: Instant) -> Bool {
            self.lockedUntil.map { $0 <= now } ?? (now.duration(since: self.since) > GuessGuardState.window)
        }
    }

    private var entries: [String: Entry] = [:]
    private var lastSweep = Instant(nanoseconds: 0)
    private let threshold: Int

    /// Knows nobody yet.
    ///
    /// - Parameter threshold: Wrong keys within ``window`` that lock a client out.
    package init(threshold: Int = Self.threshold) {
        self.threshold = threshold
    }

    /// How many clients are remembered.
    package var count: Int { self.entries.count }

    /// How long a client must still wait; `nil` if it may try.
    package func wait(of client: String, now: Instant) -> Duration? {
        guard let until = self.entries[client]?.lockedUntil, now < until else { return nil }
        return until.duration(since: now)
    }

    /// Records a wrong key.
    ///
    /// - Parameter guess: Tells guesses apart, where the same one made again is none; `nil` where each counts.
    /// - Returns: Whether it locked the client out.
    package mutating func fail(_ client: String, guess: Int? = nil, now: Instant) -> Bool {
        var entry = self.entries[client] ?? Entry(since: now)
        if entry.isStale(now) { entry = Entry(since: now) }
        if let guess, entry.guesses.count >= self.threshold || !entry.guesses.insert(guess).inserted { return false }
        entry.failures += 1
        let locks = entry.lockedUntil == nil && entry.failures >= self.threshold
        if locks { entry.lockedUntil = now.advanced(by: Self.lockTime) }
        if self.entries[client] == nil, self.entries.count >= Self.capacity { self.makeRoom(now) }
        self.entries[client] = entry
        return locks
    }

    /// Forgets a client that had the right key.
    package mutating func succeed(_ client: String) {
        self.entries[client] = nil
    }

    /// Records a right key without forgetting the wrong ones.
    ///
    /// - Returns: How long the client must wait, where it is locked out and this key was not seen of it before: it may be the
    ///   guess that was right. `nil` if it may pass.
    package mutating func pass(_ client: String, key: Int, now: Instant) -> Duration? {
        if now.duration(since: self.lastSweep) > Self.lockTime { self.sweep(now) }
        guard var entry = self.entries[client], !entry.isStale(now), !entry.right.contains(key) else { return nil }
        if let wait = self.wait(of: client, now: now) { return wait }
        guard entry.right.count < Self.rightKeys else { return nil }
        entry.right.insert(key)
        self.entries[client] = entry
        return nil
    }

    /// Drops what is over.
    private mutating func sweep(_ now: Instant) {
        self.lastSweep = now
        self.entries = self.entries.filter { !$1.isStale(now) }
    }

    /// Drops what is over; where nothing is, the client with the fewest and oldest failures.
    private mutating func makeRoom(_ now: Instant) {
        self.sweep(now)
        guard self.entries.count >= Self.capacity else { return }
        let least = self.entries.min { left, right in
            (left.value.lockedUntil == nil ? 0 : 1, left.value.failures, left.value.since, left.key)
                < (right.value.lockedUntil == nil ? 0 : 1, right.value.failures, right.value.since, right.key)
        }
        if let least { self.entries[least.key] = nil }
    }
}
