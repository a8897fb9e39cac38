import NeedletailCore

/// Holds back lines that say the same again and again. Pure.
///
/// The first lines of a kind within a window pass; the next one after the window tells how many were held back.
struct LogSamplerState: Sendable {
    /// How many lines of a kind pass in a window.
    static let burst = 10
    /// How long a window is.
    static let window = Duration.seconds(10)
    /// How many kinds are told apart; a further one begins when an older one's window is over.
    static let capacity = 256

    private struct Kind {
        var began: Instant
        var passed = 1
        var held = 0
    }

    private var kinds: [String: Kind] = [:]

    /// Whether a line passes, and how many of its kind were held back before it.
    ///
    /// - Parameter kind: What makes lines alike: message and module, without what differs.
    mutating func admit(_ kind: String, now: Instant) -> (passes: Bool, held: Int) {
        guard let known = self.kinds[kind] else {
            if self.kinds.count >= Self.capacity {
                self.kinds = self.kinds.filter { now.duration(since: $0.value.began) < Self.window }
            }
            if self.kinds.count < Self.capacity { self.kinds[kind] = Kind(began: now) }
            return (true, 0)
        }
        if now.duration(since: known.began) >= Self.window {
            self.kinds[kind] = Kind(began: now)
            return (true, known.held)
        }
        guard known.passed < Self.burst else {
            self.kinds[kind]?.held += 1
            return (false, 0)
        }
        self.kinds[kind]?.passed += 1
        return (true, 0)
    }
}
