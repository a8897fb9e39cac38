import NeedletailCore

/// What a token whose signature is right must also say (RFC 7519, section 4.1). Pure.
struct TokenClaims: Sendable {
    /// Why a token is not taken.
    enum Problem: String, Error, Sendable {
        case expired = "The token has expired."
        case notYet = "The token does not hold yet."
        case issuer = "The token is not from an issuer that is known here."
        case audience = "The token is not for this gateway."
        case incomplete = "The token lacks a claim that this gateway needs."
        case signature = "The token's signature is not right."
        case unknownKey = "The token is signed with a key that its issuer does not show."
        case malformed = "The token cannot be read, or is signed in a way that is not taken."
    }

    /// When it ends, in seconds since 1970.
    let expires: Int64
    private let claims: JSONView

    /// Judges the claims.
    init(_ claims: JSONView, _ issuer: TokenIssuerConfiguration, now: Int64) throws(Problem) {
        let leeway = issuer.leeway.components.seconds
        guard claims["iss"]?.string == issuer.issuer else { throw .issuer }
        guard let audience = claims["aud"], Self.texts(audience).contains(where: issuer.audiences.contains) else {
            throw .audience
        }
        guard let expires = Self.seconds(claims["exp"]) else { throw .incomplete }
        guard now < expires + leeway else { throw .expired }
        if let begin = claims["nbf"] {
            guard let begin = Self.seconds(begin) else { throw .malformed }
            guard begin - leeway <= now else { throw .notYet }
        }
        self.expires = expires + leeway
        self.claims = claims
    }

    /// The texts of a claim: one, or a list; words of a list in one text (`scope`) are told apart.
    func texts(_ claim: String) -> [String] {
        guard let value = Self.value(self.claims, claim) else { return [] }
        let texts = Self.texts(value)
        return value.kind == .string ? texts.flatMap { $0.split(separator: " ").map(String.init) } : texts
    }

    /// The text of a claim; `nil` where there is none that can name anything.
    func text(_ claim: String) -> String? {
        guard let text = Self.value(self.claims, claim)?.string, !text.isEmpty, text.utf8.count <= 200,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { return nil }
        return text
    }

    /// A claim, or one inside others: `realm_access.roles`. A claim that has the whole name comes first (`https://x/roles`).
    private static func value(_ claims: JSONView, _ path: String) -> JSONView? {
        if let value = Self.member(path, of: claims) { return value }
        var value = claims
        for part in path.split(separator: ".") {
            guard value.kind == .object, let inner = Self.member(String(part), of: value) else { return nil }
            value = inner
        }
        return value
    }

    private static func member(_ name: String, of view: JSONView) -> JSONView? {
        var found: JSONView?
        for member in view.members where member.key == name { found = member.value }
        return found
    }

    private static func texts(_ value: JSONView) -> [String] {
        if let text = value.string { return [text] }
        guard value.kind == .array else { return [] }
        return value.elements.compactMap { $0.string }
    }

    /// A NumericDate, which may have a fraction. Beyond the year 9999 nothing is meant.
    private static func seconds(_ value: JSONView?) -> Int64? {
        guard let number = value?.double, number >= 0, number < 253_402_300_800 else { return nil }
        return Int64(number)
    }
}
