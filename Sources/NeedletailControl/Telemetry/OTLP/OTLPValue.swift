import NeedletailCore

/// The value of an attribute.
enum OTLPValue: Sendable, Hashable {
    case text(String)
    case flag(Bool)
    case integer(Int)
    case real(Double)
    case texts([String])
}

/// What a signal says of itself: names and values, those without a value left out.
struct OTLPAttributes: Sendable, SpanAttributeWriter {
    private(set) var pairs: [(name: String, value: OTLPValue)] = []

    init() {}

    init(_ pairs: [(name: String, value: OTLPValue)]) {
        self.pairs = pairs
    }

    mutating func add(_ name: String, _ value: String?) {
        if let value, !value.isEmpty { self.pairs.append((name, .text(LogLine.cut(value)))) }
    }

    mutating func add(_ name: String, _ value: Int?) {
        if let value { self.pairs.append((name, .integer(value))) }
    }

    mutating func add(_ name: String, _ value: Bool) {
        self.pairs.append((name, .flag(value)))
    }

    mutating func add(_ name: String, _ value: Double?) {
        if let value { self.pairs.append((name, .real(value))) }
    }

    mutating func add(_ name: String, _ value: [String]) {
        if !value.isEmpty { self.pairs.append((name, .texts(value))) }
    }

    /// Writes the pairs as `repeated KeyValue`.
    func write(_ field: Int, into writer: inout ProtobufWriter) {
        for (name, value) in self.pairs {
            writer.message(field) { pair in
                pair.string(1, name)
                pair.message(2) { Self.write(value, into: &$0) }
            }
        }
    }

    /// Writes an `AnyValue`.
    static func write(_ value: OTLPValue, into writer: inout ProtobufWriter) {
        switch value {
        case .text(let text): writer.string(1, text, isMember: true)
        case .flag(let flag): writer.bool(2, flag, isMember: true)
        case .integer(let number): writer.int(3, number, isMember: true)
        case .real(let number): writer.double(4, number)
        case .texts(let texts):
            writer.message(5) { array in
                for text in texts { array.message(1) { $0.string(1, text) } }
            }
        }
    }
}
