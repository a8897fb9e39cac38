import NeedletailCore

/// Who issued what, by hash. Pure; bounded in entries and time.
///
/// When it is full, the entry that makes room is found as in the CLOCK algorithm (Corbató 1968): a hand goes round, passes
/// over what has been used since it last came by, and stops at what has not. So a conversation that goes on keeps its
/// entries, however old.
struct IssuedStateShard {
    private struct Slot {
        var digest: UInt64
        var realm: StateRealm
        var lastUse: Instant
        var isUsed: Bool
    }

    private let capacity: Int
    private let lifetime: Duration
    private var slots: [Slot] = []
    private var places: [UInt64: Int] = [:]
    private var hand = 0

    /// - Parameters:
    ///   - capacity: The most entries; at least one.
    ///   - lifetime: How long an entry stays after it was last used.
    init(capacity: Int, lifetime: Duration) {
        self.capacity = max(1, capacity)
        self.lifetime = lifetime
    }

    /// How many entries there are.
    var count: Int { self.slots.count }

    /// Notes who issued something, in the place of what was noted before.
    mutating func insert(_ digest: UInt64, _ realm: StateRealm, now: Instant) {
        if let place = self.places[digest] {
            self.slots[place] = Slot(digest: digest, realm: realm, lastUse: now, isUsed: true)
            return
        }
        let slot = Slot(digest: digest, realm: realm, lastUse: now, isUsed: false)
        guard self.slots.count == self.capacity else {
            self.places[digest] = self.slots.count
            self.slots.append(slot)
            return
        }
        self.advanceHand(now)
        self.places[self.slots[self.hand].digest] = nil
        self.places[digest] = self.hand
        self.slots[self.hand] = slot
        self.hand = (self.hand + 1) % self.capacity
    }

    /// Who issued something; `nil` if that is not known, or no more.
    mutating func find(_ digest: UInt64, now: Instant) -> StateRealm? {
        guard let place = self.places[digest], !self.isOver(place, now) else { return nil }
        self.slots[place].lastUse = now
        self.slots[place].isUsed = true
        return self.slots[place].realm
    }

    private func isOver(_ place: Int, _ now: Instant) -> Bool {
        now.duration(since: self.slots[place].lastUse) >= self.lifetime
    }

    /// Moves the hand to the entry that makes room; ends after one round, since that takes every mark away.
    private mutating func advanceHand(_ now: Instant) {
        while self.slots[self.hand].isUsed, !self.isOver(self.hand, now) {
            self.slots[self.hand].isUsed = false
            self.hand = (self.hand + 1) % self.capacity
        }
    }
}
