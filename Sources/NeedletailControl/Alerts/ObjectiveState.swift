import NeedletailCore

/// What an objective's requests came to, over every window that it is judged by. Pure, and of one size whatever the traffic.
struct ObjectiveState: Sendable {
    /// Equal steps of time, of which the last ones are kept.
    private struct Steps: Sendable {
        private let length: Duration
        private var slots: [(number: Int64, counts: ObjectiveCounts)]

        init(length: Duration, count: Int) {
            self.length = max(.seconds(1), length)
            self.slots = Array(repeating: (-1, ObjectiveCounts()), count: count)
        }

        private func number(_ now: Instant) -> Int64 { now.nanoseconds / self.length.wholeNanoseconds }

        mutating func add(_ counts: ObjectiveCounts, now: Instant) {
            let number = self.number(now)
            let place = Int(number % Int64(self.slots.count))
            if self.slots[place].number != number { self.slots[place] = (number, ObjectiveCounts()) }
            self.slots[place].counts = self.slots[place].counts + counts
        }

        /// The last `window`, the step of now included.
        func sum(_ window: Duration, now: Instant) -> ObjectiveCounts {
            let newest = self.number(now)
            let steps = max(1, Int64((window / self.length).rounded(.up)))
            return self.slots.reduce(ObjectiveCounts()) { sum, slot in
                slot.number > newest - steps && slot.number <= newest ? sum + slot.counts : sum
            }
        }
    }

    let objective: Objective
    /// Fine steps for the quickest pair of windows, then coarser ones: each holds 120 steps or more of what is asked of it.
    private var fine: Steps
    private var middle: Steps
    private var coarse: Steps
    private var last: ObjectiveCounts?

    init(_ objective: Objective) {
        let window = objective.window
        self.objective = objective
        self.fine = Steps(length: window / 86_400, count: 122)
        self.middle = Steps(length: window / 14_400, count: 1_442)
        self.coarse = Steps(length: window / 720, count: 722)
    }

    /// Takes in what its cell has counted by now.
    mutating func observe(_ counts: ObjectiveCounts, now: Instant) {
        let new = counts - (self.last ?? ObjectiveCounts())
        self.last = counts
        guard new != ObjectiveCounts() else { return }
        self.fine.add(new, now: now)
        self.middle.add(new, now: now)
        self.coarse.add(new, now: now)
    }

    /// What came within the last `window`.
    func counts(_ window: Duration, now: Instant) -> ObjectiveCounts {
        if window <= self.objective.window / 720 { return self.fine.sum(window, now: now) }
        if window <= self.objective.window / 10 { return self.middle.sum(window, now: now) }
        return self.coarse.sum(window, now: now)
    }

    /// How many times faster than allowed the error budget was spent within the last `window`; `nil` while there was
    /// nothing.
    func burnRate(_ promise: Objective.Promise, _ window: Duration, now: Instant) -> Double? {
        guard let target = self.objective.target(promise),
            let bad = self.counts(window, now: now).badShare(promise)
        else { return nil }
        return bad / (1 - target)
    }

    /// Fewer requests within the longer window than this say nothing: else one failure at night wakes somebody.
    private static let fewest = 20

    /// The burn rate over both windows of a pair: the lower of the two.
    func burnRate(_ promise: Objective.Promise, _ pair: BurnWindow, now: Instant) -> Double? {
        let window = self.objective.window
        guard self.counts(pair.long(window), now: now).total(promise).all >= Self.fewest,
            let long = self.burnRate(promise, pair.long(window), now: now)
        else { return nil }
        return min(long, self.burnRate(promise, pair.short(window), now: now) ?? 0)
    }
}
