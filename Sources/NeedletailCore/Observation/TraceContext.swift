/// A span's identity: trace, span and whether it is recorded, as [W3C Trace Context](https://www.w3.org/TR/trace-context/)
/// has it.
public struct TraceContext: Sendable, Hashable {
    /// The trace: 16 bytes, not all zero.
    public var traceIDHigh: UInt64
    /// The other half.
    public var traceIDLow: UInt64
    /// The span; not zero.
    public var spanID: UInt64
    /// The span above it; zero for none.
    public var parentSpanID: UInt64
    /// Whether whoever began the trace records it.
    public var isSampled: Bool
    /// What other systems add to the trace, as it came; `nil` for none.
    public var state: String?

    /// Creates a context.
    public init(
        traceIDHigh: UInt64,
        traceIDLow: UInt64,
        spanID: UInt64,
        parentSpanID: UInt64 = 0,
        isSampled: Bool,
        state: String? = nil
    ) {
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.spanID = spanID
        self.parentSpanID = parentSpanID
        self.isSampled = isSampled
        self.state = state
    }

    /// Reads a `traceparent`; `nil` if it is malformed, and then a new trace begins.
    ///
    /// Versions after 00 may add fields and are read as far as they are known; version ff is none.
    public init?(traceparent text: String) {
        var text = text
        let parsed = text.withUTF8 { units -> Self? in
            guard units.count >= 55, unsafe units[2] == UInt8(ascii: "-"),
                unsafe units[35] == UInt8(ascii: "-"), unsafe units[52] == UInt8(ascii: "-"),
                let version = unsafe Self.hex(units, 0, 2), version != 0xFF,
                unsafe units.count == 55 || (version > 0 && units[55] == UInt8(ascii: "-")),
                let high = unsafe Self.hex(units, 3, 16), let low = unsafe Self.hex(units, 19, 16),
                let span = unsafe Self.hex(units, 36, 16), let flags = unsafe Self.hex(units, 53, 2),
                high | low != 0, span != 0
            else { return nil }
            return Self(traceIDHigh: high, traceIDLow: low, spanID: span, isSampled: flags & 1 == 1)
        }
        guard let parsed else { return nil }
        self = parsed
    }

    private static func hex(_ units: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int) -> UInt64? {
        var value: UInt64 = 0
        for index in start..<(start + count) {
            let digit: UInt8
            switch unsafe units[index] {
            case let unit where unit >= 0x30 && unit <= 0x39: digit = unit - 0x30
            // Capital letters are malformed.
            case let unit where unit >= 0x61 && unit <= 0x66: digit = unit - 0x61 + 10
            default: return nil
            }
            value = value << 4 | UInt64(digit)
        }
        return value
    }

    /// A span below this one.
    public func child(_ spanID: UInt64) -> Self {
        var child = self
        child.parentSpanID = self.spanID
        child.spanID = spanID
        return child
    }

    /// The header that tells others of this span.
    public var traceparent: String {
        "00-\(self.traceID)-\(Self.digits(self.spanID))-\(self.isSampled ? "01" : "00")"
    }

    /// The trace's id, in 32 digits.
    public var traceID: String { Self.digits(self.traceIDHigh) + Self.digits(self.traceIDLow) }
    /// The span's id, in 16 digits.
    public var spanText: String { Self.digits(self.spanID) }

    private static func digits(_ value: UInt64) -> String {
        unsafe String(unsafeUninitializedCapacity: 16) { out in
            for index in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index)) & 15
                unsafe out[index] = digit < 10 ? 0x30 + digit : 0x61 + digit - 10
            }
            return 16
        }
    }
}
