/// Begins the spans of requests and decides which traces are recorded.
public struct SpanSource: Sendable {
    private let random: RandomSource
    /// Trace ids whose last eight bytes, without the lowest bit, lie below this are recorded.
    private let threshold: UInt64
    private let followsParent: Bool

    /// Creates a source.
    ///
    /// - Parameters:
    ///   - ratio: The share of the traces that begin here and are recorded, from 0 to 1.
    ///   - followsParent: Whether a trace that began elsewhere is recorded where it was there (parent-based sampling);
    ///     else the ratio decides of it too. Default true.
    ///   - random: Makes the ids.
    public init(ratio: Double, followsParent: Bool = true, random: RandomSource) {
        self.random = random
        self.followsParent = followsParent
        // As OpenTelemetry's TraceIdRatioBased in Go and Java does it, so that services agree on a trace.
        let bound = ratio >= 1 ? 0x1p63 : max(0, ratio) * 0x1p63
        self.threshold = UInt64(bound)
    }

    /// The span of a request.
    ///
    /// - Parameter parent: What the client said; `nil` begins a trace.
    public func begin(_ parent: TraceContext?) -> TraceContext {
        if let parent {
            var span = parent.child(self.id())
            if !self.followsParent { span.isSampled = self.isWithinRatio(parent.traceIDLow) }
            return span
        }
        let (high, low) = (self.id(), self.id())
        return TraceContext(
            traceIDHigh: high, traceIDLow: low, spanID: self.id(), isSampled: self.isWithinRatio(low))
    }

    private func isWithinRatio(_ low: UInt64) -> Bool {
        low >> 1 < self.threshold
    }

    /// An id that is not zero.
    public func id() -> UInt64 {
        let id = self.random.next()
        return id == 0 ? 1 : id
    }
}
