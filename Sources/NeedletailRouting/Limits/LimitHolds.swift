import NeedletailCore

/// What one request has taken of several scopes. A provider, a deployment and what both stand behind are three: only more
/// of them need an array.
struct LimitHolds: Sendable {
    private var first: LimitScope.Hold?
    private var second: LimitScope.Hold?
    private var third: LimitScope.Hold?
    private var others: [LimitScope.Hold] = []

    mutating func append(_ hold: LimitScope.Hold) {
        if self.first == nil {
            self.first = hold
        } else if self.second == nil {
            self.second = hold
        } else if self.third == nil {
            self.third = hold
        } else {
            self.others.append(hold)
        }
    }

    /// Makes all of them undone, as if they had never been.
    func undo(now: Instant) {
        self.first?.undo(now: now)
        self.second?.undo(now: now)
        self.third?.undo(now: now)
        for hold in self.others { hold.undo(now: now) }
    }

    /// Ends them.
    ///
    /// - Parameter used: The tokens that the request took; `nil` where nobody knows, and the estimates stand.
    func end(used: Int?, now: Instant) {
        self.first?.end(used: used, now: now)
        self.second?.end(used: used, now: now)
        self.third?.end(used: used, now: now)
        for hold in self.others { hold.end(used: used, now: now) }
    }
}
