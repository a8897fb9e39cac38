/// What a value is.
public enum JSONKind: UInt8, Sendable, Hashable {
    case null, boolean, number, string, array, object
}

/// Takes down what the parser finds, in the order of the text.
protocol JSONTape {
    /// A key of the innermost open object; its quotes are part of `range`.
    mutating func key(_ bytes: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool)
    /// A scalar.
    mutating func scalar(_ bytes: Span<UInt8>, _ kind: JSONKind, _ range: Range<Int>, hasEscapes: Bool)
    /// A container begins.
    mutating func open(_ kind: JSONKind, at start: Int)
    /// The innermost open container ended.
    mutating func close(at end: Int)
}

/// Takes nothing down: for checking only.
struct NoTape: JSONTape {
    @inline(__always)
    mutating func key(_ bytes: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool) {}
    @inline(__always)
    mutating func scalar(_ bytes: Span<UInt8>, _ kind: JSONKind, _ range: Range<Int>, hasEscapes: Bool) {}
    @inline(__always)
    mutating func open(_ kind: JSONKind, at start: Int) {}
    @inline(__always)
    mutating func close(at end: Int) {}
}

/// The open containers, one bit each; allocates only beyond 64 levels.
struct JSONNesting {
    private(set) var depth = 0
    private var bits: UInt64 = 0
    private var spilled: [UInt64] = []

    @inline(__always)
    var isInsideObject: Bool { self.bits & 1 == 1 }

    @inline(__always)
    mutating func push(isObject: Bool) {
        if self.depth & 63 == 0, self.depth > 0 { self.spilled.append(self.bits) }
        self.bits = self.bits << 1 | (isObject ? 1 : 0)
        self.depth &+= 1
    }

    @inline(__always)
    mutating func pop() {
        self.depth &-= 1
        self.bits >>= 1
        if self.depth & 63 == 0, self.depth > 0 { self.bits = self.spilled.popLast() ?? 0 }
    }
}

/// The grammar, with its own stack instead of recursion.
enum JSONParser {
    /// Parses one value at `start` (no white space) and returns the offset after it.
    static func value(
        _ bytes: Span<UInt8>,
        _ start: Int,
        into tape: inout some JSONTape
    ) throws(JSONError) -> Int {
        guard start < bytes.count else { throw JSONError(.unexpectedEnd, at: start) }
        var index = start
        var nesting = JSONNesting()

        while true {
            // A value is expected at `index`.
            let first = bytes[index]
            switch first {
            case UInt8(ascii: "\""):
                let string = try JSONScanner.string(bytes, index)
                tape.scalar(bytes, .string, index..<string.end, hasEscapes: string.hasEscapes)
                index = string.end
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard nesting.depth < JSONScanner.maximumDepth else { throw JSONError(.tooDeep, at: index) }
                let isObject = first == UInt8(ascii: "{")
                tape.open(isObject ? .object : .array, at: index)
                index = JSONScanner.skipWhitespace(bytes, index &+ 1)
                guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
                guard bytes[index] == first &+ 2 else {
                    nesting.push(isObject: isObject)
                    if isObject { index = try Self.key(bytes, index, into: &tape) }
                    continue
                }
                index &+= 1
                tape.close(at: index)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                let end = try JSONScanner.number(bytes, index)
                tape.scalar(bytes, .number, index..<end, hasEscapes: false)
                index = end
            default:
                let (end, kind) = try JSONScanner.literal(bytes, index)
                tape.scalar(bytes, kind, index..<end, hasEscapes: false)
                index = end
            }

            // A value has ended: close what ends with it, then step to the next value.
            while true {
                guard nesting.depth > 0 else { return index }
                index = JSONScanner.skipWhitespace(bytes, index)
                guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
                let isObject = nesting.isInsideObject
                if bytes[index] == UInt8(ascii: ",") {
                    index = JSONScanner.skipWhitespace(bytes, index &+ 1)
                    guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
                    if isObject { index = try Self.key(bytes, index, into: &tape) }
                    break
                }
                guard bytes[index] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw JSONError(.unexpectedByte, at: index)
                }
                index &+= 1
                tape.close(at: index)
                nesting.pop()
            }
        }
    }

    /// Parses a key and its colon; returns the offset of the value.
    private static func key(
        _ bytes: Span<UInt8>,
        _ start: Int,
        into tape: inout some JSONTape
    ) throws(JSONError) -> Int {
        guard bytes[start] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: start) }
        let string = try JSONScanner.string(bytes, start)
        tape.key(bytes, start..<string.end, hasEscapes: string.hasEscapes)
        return try JSONScanner.colon(bytes, string.end)
    }
}
