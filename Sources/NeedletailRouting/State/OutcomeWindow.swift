import NeedletailCore

/// Calls and failures within the last so many seconds, in ten slices: what is too old goes a slice at a time.
struct OutcomeWindow: Sendable, Hashable {
    private struct Slice: Sendable, Hashable {
        var number = Int64.min
        var calls = 0
        var failures = 0
    }

    private static let count = 10
    private let sliceLength: Int64
    private var slices = Array(repeating: Slice(), count: Self.count)

    init(length: Duration) {
        self.sliceLength = max(1, length.wholeNanoseconds / Int64(Self.count))
    }

    mutating func add(isFailure: Bool, now: Instant) {
        let number = self.number(now)
        let place = Self.place(number)
        if self.slices[place].number != number { self.slices[place] = Slice(number: number) }
        self.slices[place].calls += 1
        if isFailure { self.slices[place].failures += 1 }
    }

    func counts(now: Instant) -> (calls: Int, failures: Int) {
        let number = self.number(now)
        var counts = (calls: 0, failures: 0)
        for slice in self.slices where slice.number > number - Int64(Self.count) && slice.number <= number {
            counts.calls += slice.calls
            counts.failures += slice.failures
        }
        return counts
    }

    private func number(_ now: Instant) -> Int64 {
        // Rounded down, so that an epoch after `now` is no special case.
        let (quotient, remainder) = now.nanoseconds.quotientAndRemainder(dividingBy: self.sliceLength)
        return remainder < 0 ? quotient - 1 : quotient
    }

    private static func place(_ number: Int64) -> Int {
        let place = Int(number % Int64(Self.count))
        return place < 0 ? place + Self.count : place
    }
}
