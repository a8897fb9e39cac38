/// A point on the monotonic clock, in nanoseconds.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's epoch, which is the machine's start and means nothing outside this process.
    public var nanoseconds: Int64

    /// Creates a point.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Orders by time.
    public static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The point `duration` later; saturates instead of overflowing.
    public func advanced(by duration: Duration) -> Self {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        guard overflow else { return Self(nanoseconds: sum) }
        return Self(nanoseconds: duration < .zero ? .min : .max)
    }

    /// The time from `earlier` to this point; saturates instead of overflowing.
    public func duration(since earlier: Self) -> Duration {
        let (difference, overflow) = self.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        guard overflow else { return .nanoseconds(difference) }
        return .nanoseconds(self < earlier ? Int64.min : Int64.max)
    }
}

extension Duration {
    /// The duration in nanoseconds, cut to what fits.
    public var wholeNanoseconds: Int64 {
        let attoseconds = self.attoseconds
        // Below 9.2 s one division of 64 bits is enough; those of 128 take some hundred instructions.
        if let few = Int64(exactly: attoseconds) { return few / 1_000_000_000 }
        return Int64(clamping: attoseconds / 1_000_000_000)
    }
}

/// The clock, as a value.
///
/// State machines never hold one: they take `now` as a parameter. Only the shells around them do. The live one is made
/// in the composition (`TimeSource.live`); tests and the simulator own theirs.
public struct TimeSource: Sendable {
    /// Monotonic time, for durations and deadlines.
    public var now: @Sendable () -> Instant
    /// Seconds since 1970-01-01 UTC, for `created` fields and dates in headers.
    public var wallSeconds: @Sendable () -> Int64
    /// Nanoseconds since 1970-01-01 UTC, for records that others compare with theirs.
    public var wallNanoseconds: @Sendable () -> Int64
    /// Returns at or after `until`; throws at once when the task is cancelled.
    public var sleep: @Sendable (_ until: Instant) async throws(CancellationError) -> Void

    /// Creates a clock from its functions.
    ///
    /// - Parameter wallNanoseconds: `nil` for whole seconds.
    public init(
        now: @escaping @Sendable () -> Instant,
        wallSeconds: @escaping @Sendable () -> Int64,
        wallNanoseconds: (@Sendable () -> Int64)? = nil,
        sleep: @escaping @Sendable (_ until: Instant) async throws(CancellationError) -> Void
    ) {
        self.now = now
        self.wallSeconds = wallSeconds
        self.wallNanoseconds = wallNanoseconds ?? { wallSeconds() &* 1_000_000_000 }
        self.sleep = sleep
    }
}
