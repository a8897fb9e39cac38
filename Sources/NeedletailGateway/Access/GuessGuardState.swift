package import NeedletailCore

/// Counts wrong keys per client and locks out who guesses. Pure. Bounded: beyond ``capacity`` one that matters little makes
/// room.
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
    /// Of how many entries the one that matters least makes room: who comes from thousands of addresses makes no request
    /// dear, and to drive out one that has guessed often takes luck with all of them.
    static let sample = 16

    private struct Entry {
        /// Its place in ``clients``.
        var slot = 0
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
    /// Who is remembered, in no order.
    private var clients: [String] = []
    /// Where the next look for room begins.
    private var hand = 0
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
        let known = self.entries[client]
        var entry = known ?? Entry(since: now)
        if entry.isStale(now) { entry = Entry(slot: entry.slot, since: now) }
        if let guess, entry.guesses.count >= self.threshold || !entry.guesses.insert(guess).inserted { return false }
        entry.failures += 1
        let locks = entry.lockedUntil == nil && entry.failures >= self.threshold
        if locks { entry.lockedUntil = now.advanced(by: Self.lockTime) }
        if known == nil {
            if self.entries.count >= Self.capacity { self.makeRoom(now) }
            entry.slot = self.clients.count
            self.clients.append(client)
        }
        self.entries[client] = entry
        return locks
    }

    /// Forgets a client that had the right key.
    package mutating func succeed(_ client: String) {
        guard let slot = self.entries.removeValue(forKey: client)?.slot else { return }
        let last = self.clients.removeLast()
        guard slot < self.clients.count else { return }
        self.clients[slot] = last
        self.entries[last]?.slot = slot
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
        for client in self.clients where self.entries[client]?.isStale(now) ?? true { self.succeed(client) }
    }

    /// Drops, of the next few clients, one whose time is over, else the one with the fewest and oldest failures.
    private mutating func makeRoom(_ now: Instant) {
        var least: (client: String, rank: (Int, Int, Instant))?
        for _ in 0..<min(Self.sample, self.clients.count) {
            self.hand = (self.hand + 1) % self.clients.count
            let client = self.clients[self.hand]
            guard let entry = self.entries[client] else { continue }
            if entry.isStale(now) { return self.succeed(client) }
            let rank = (entry.lockedUntil == nil ? 0 : 1, entry.failures, entry.since)
            if least.map({ rank < $0.rank }) ?? true { least = (client, rank) }
        }
        if let least { self.succeed(least.client) }
    }
}
