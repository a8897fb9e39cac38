import Foundation
import JWTKit
import NeedletailCore

/// One public key of an issuer (RFC 7517), read by JWTKit.
///
/// What JWTKit would take and this gateway must not is refused before: keys that are not for signatures, and an algorithm that
/// the token chooses. A `JWTKeyCollection` settles on the algorithm of the first token that names a key without `alg`, whoever
/// made that token; so a verifier is made for each algorithm that the key can have, when the key is read.
struct JSONWebKey: Sendable {
    /// Its name; `nil` for none.
    let id: String?
    private let verifiers: [TokenAlgorithm: any JWTAlgorithm]

    /// Reads a key; `nil` for one that is not for signatures, of a kind that is not known, too short, or none.
    init?(_ json: JSONView) async {
        guard json["use"].map({ $0.string == "sig" }) ?? true, var key = try? JWK(json: json.text.description) else {
            return nil
        }
        var verifiers: [TokenAlgorithm: any JWTAlgorithm] = [:]
        let only = key.algorithm?.rawValue
        key.keyIdentifier = "key"
        for algorithm in Self.algorithms(of: key) where only == nil || only == algorithm.rawValue {
            key.algorithm = JWK.Algorithm(rawValue: algorithm.rawValue)
            let collection = JWTKeyCollection()
            guard (try? await collection.add(jwk: key)) != nil else { return nil }
            verifiers[algorithm] = try? await collection.getKey(for: "key")
        }
        guard !verifiers.isEmpty else { return nil }
        self.id = json["kid"]?.string
        self.verifiers = verifiers
    }

    private static func algorithms(of key: JWK) -> [TokenAlgorithm] {
        switch (key.keyType, key.curve?.rawValue) {
        case (.rsa, _): [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
        case (.ecdsa, "P-256"): [.es256]
        case (.ecdsa, "P-384"): [.es384]
        case (.ecdsa, "P-521"): [.es512]
        case (.octetKeyPair, "Ed25519"): [.edDSA]
        default: []
        }
    }

    /// Whether this key made the token's signature. The algorithm is the key's to say: a token cannot talk a key into another.
    func verifies(_ token: JSONWebToken) -> Bool {
        guard let verifier = self.verifiers[token.algorithm] else { return false }
        return (try? verifier.verify(token.signature, signs: token.signed)) ?? false
    }
}

/// The public keys of an issuer.
struct JSONWebKeySet: Sendable {
    /// Issuers have a few; more are not read.
    static let limit = 100
    /// A set of so many long keys with their certificates.
    static let sizeLimit = 512 << 10
    /// Keys that are tried for a token that does not name one.
    private static let tries = 8

    /// The keys.
    let keys: [JSONWebKey]

    /// Reads `{"keys": […]}`; what is no key for signatures is left out. `nil` for anything else.
    init?(_ root: JSONView) async {
        guard let list = root["keys"]?.elements else { return nil }
        var keys: [JSONWebKey] = []
        for entry in list where keys.count < Self.limit {
            if let key = await JSONWebKey(entry) { keys.append(key) }
        }
        self.keys = keys
    }

    /// Whether one of them made the token's signature; `nil` where the token names one that is not there.
    func verifies(_ token: JSONWebToken) -> Bool? {
        guard let name = token.keyID else {
            return self.keys.prefix(Self.tries).contains { $0.verifies(token) } ? true : self.keys.isEmpty ? nil : false
        }
        let named = self.keys.filter { $0.id == name }
        guard !named.isEmpty else { return nil }
        return named.contains { $0.verifies(token) }
    }
}
