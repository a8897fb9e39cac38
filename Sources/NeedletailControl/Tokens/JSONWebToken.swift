import Foundation
import NeedletailCore

/// A signed token in compact form (RFC 7519, RFC 7515, section 7.1), taken apart and not believed.
struct JSONWebToken {
    /// No token is longer: headers end at 64 KiB.
    static let sizeLimit = 16 << 10

    /// The algorithm that it says it was signed with.
    let algorithm: TokenAlgorithm
    /// Which of the issuer's keys; `nil` where it does not say.
    let keyID: String?
    /// What it claims.
    let claims: JSONView
    /// What was signed.
    let signed: [UInt8]
    /// The signature.
    let signature: [UInt8]

    /// Whether a text looks like a token, and so is no key of this gateway's.
    static func isToken(_ text: String) -> Bool {
        // `{"` in base64url; two dots follow.
        text.hasPrefix("eyJ") && text.utf8.count { $0 == UInt8(ascii: ".") } == 2
    }

    /// Takes a token apart; `nil` for what is none, and for one that nobody here may take: unsigned (`none`), signed with a
    /// shared secret, or with an extension that must be understood (`crit`).
    init?(_ text: String) {
        guard text.utf8.count <= Self.sizeLimit, Self.isToken(text) else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Base64URL.decode(parts[0]), let body = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]), !signature.isEmpty,
            let header = Self.object(head), let claims = Self.object(body), header["crit"] == nil,
            let algorithm = header["alg"]?.string.flatMap({ TokenAlgorithm(rawValue: $0) })
        else { return nil }
        self.algorithm = algorithm
        self.keyID = header["kid"]?.string
        self.claims = claims
        self.signed = Array(text.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
        self.signature = signature
    }

    private static func object(_ bytes: [UInt8]) -> JSONView? {
        guard let text = String(validating: bytes, as: UTF8.self), let json = try? JSONText(text),
            let root = try? JSONDocument(json.bytes).root, root.kind == .object
        else { return nil }
        return root
    }
}

/// The signatures that are taken: those that only the issuer can make (RFC 7518, section 3.1; RFC 8037).
enum TokenAlgorithm: String, Sendable, Hashable, CaseIterable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"
}

/// Base64 in the alphabet for URLs, without padding (RFC 4648, section 5).
enum Base64URL {
    /// The bytes; `nil` for what is none.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") })
        else { return nil }
        var plain = String(text).replacing("-", with: "+").replacing("_", with: "/")
        while plain.utf8.count % 4 != 0 { plain += "=" }
        return Data(base64Encoded: plain).map { Array($0) }
    }

    /// The text.
    static func encode(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
