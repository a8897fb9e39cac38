/// What redaction looks for.
public enum SensitiveKind: UInt8, Sendable, Hashable, CaseIterable {
    /// An e-mail address.
    case email
    /// A telephone number in one of the usual spellings.
    case phone
    /// The number of a payment card, its check digit included (ISO/IEC 7812, Luhn).
    case card
    /// A bank account (ISO 13616, modulo 97).
    case iban
    /// An address of IP version 4 or 6.
    case ip
    /// A key of an API, a token or a private key.
    case apiKey

    /// The name in configuration, logs and metrics.
    public var name: String {
        switch self {
        case .email: "email"
        case .phone: "phone"
        case .card: "card"
        case .iban: "iban"
        case .ip: "ip"
        case .apiKey: "api_key"
        }
    }

    /// How a placeholder begins.
    var label: StaticString {
        switch self {
        case .email: "[EMAIL_"
        case .phone: "[PHONE_"
        case .card: "[CARD_"
        case .iban: "[IBAN_"
        case .ip: "[IP_"
        case .apiKey: "[API_KEY_"
        }
    }
}

/// Several kinds.
public struct SensitiveKinds: OptionSet, Sendable, Hashable {
    /// One bit for each kind.
    public let rawValue: UInt8

    /// Creates a set from its bits.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// A set of one.
    public init(_ kind: SensitiveKind) {
        self.rawValue = 1 << kind.rawValue
    }

    /// All of them.
    public static let all = Self(rawValue: (1 << UInt8(SensitiveKind.allCases.count)) - 1)

    /// Whether it is one of them.
    @inline(__always)
    public func has(_ kind: SensitiveKind) -> Bool { self.rawValue >> kind.rawValue & 1 == 1 }
}

/// Something sensitive in a text.
package struct SensitiveMatch: Sendable, Hashable {
    /// What it is.
    package var kind: SensitiveKind
    /// Where it stands, in bytes of UTF-8.
    package var range: Range<Int>

    package init(_ kind: SensitiveKind, _ range: Range<Int>) {
        self.kind = kind
        self.range = range
    }
}
