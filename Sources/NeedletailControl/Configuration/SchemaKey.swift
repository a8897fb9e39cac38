/// One key of the configuration: its type and whether this version acts on it.
struct SchemaKey: Sendable {
    /// The name.
    var name: String
    /// What it takes.
    var kind: SchemaKind
    /// Whether this version acts on it.
    var enforcement: Enforcement

    init(_ name: String, _ kind: SchemaKind, _ enforcement: Enforcement = .enforced) {
        self.name = name
        self.kind = kind
        self.enforcement = enforcement
    }
}

/// Whether this version acts on a setting. What it does not act on is accepted, and said so.
enum Enforcement: Sendable, Hashable {
    /// It does what `docs/configuration.md` says.
    case enforced
    /// It is checked and kept, and a warning says that nothing follows from it yet.
    case accepted
    /// As ``accepted``, but `false` is honoured, because nothing is what it asks for.
    case acceptedUnlessOff
}

/// What a key takes.
indirect enum SchemaKind: Sendable {
    case string
    /// A name of a provider, key or rule: no white space, no slash.
    case name
    case boolean
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case duration(allowsZero: Bool)
    /// A duration, or a percentile such as p95.
    case hedgeDelay
    case size
    case money
    case url
    case address
    case secret
    case header
    /// One of several words; the second list holds those that this version acts on.
    case word([String], enforced: [String])
    /// The name of a provider's type, known to whoever composes the gateway.
    case providerType
    case list(SchemaKind)
    /// One value, or a list of such.
    case oneOrMore(SchemaKind)
    /// A list, or a section.
    case listOr(SchemaKind, [SchemaKey])
    /// A mapping from any name to the kind.
    case named(SchemaKind)
    case section([SchemaKey])
    /// A single value, or a section.
    case scalarOr(SchemaKind, [SchemaKey])
    /// `false` or `true`, or a section.
    case switchOr([SchemaKey])
    /// Anything; its insides belong to a later version.
    case open

    /// What to write, with an example.
    var example: String {
        switch self {
        case .string: "write a text"
        case .name: "write a name of letters, digits, '.', '_' and '-'"
        case .boolean: "write true or false"
        case .integer(let range):
            range.upperBound == .max
                ? "write a whole number from \(range.lowerBound)"
                : "write a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range):
            range.upperBound.isFinite
                ? "write a number from \(range.lowerBound) to \(range.upperBound)"
                : "write a number from \(range.lowerBound)"
        case .duration: "write a number with a unit, for example 250ms, 30s, 5m or 1h"
        case .hedgeDelay: "write a percentile or a duration, for example p95 or 300ms"
        case .size: "write a number of bytes or a size, for example 32MiB"
        case .money: "write decimal dollars, for example 10.00"
        case .url: "write a URL, for example https://api.example.com/v1"
        case .address: "write host:port, for example 127.0.0.1:4003"
        case .secret: "write { env: NAME } or { file: PATH }"
        case .header: "write a text, { env: NAME } or { file: PATH }"
        case .word(let words, _): "write one of: \(words.joined(separator: ", "))"
        case .providerType: "write the name of a type"
        case .list: "write a list, for example [ … ]"
        case .listOr: "write a list or a mapping"
        case .oneOrMore(let kind): "\(kind.example), or a list of such"
        case .named, .section: "write a mapping, for example { name: value }"
        case .scalarOr(let kind, _): "\(kind.example), or a mapping"
        case .switchOr: "write true, false or a mapping"
        case .open: "write a value"
        }
    }
}
