import Crypto
import CryptoExtras
import Foundation
import NeedletailCore

/// One public key of an issuer (RFC 7517).
struct JSONWebKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// Shorter RSA keys can be broken (NIST SP 800-131A).
    private static let shortestRSA = 2_048

    /// Its name; `nil` for none.
    let id: String?
    /// The one algorithm that it is for; `nil` for all of its kind.
    private let algorithm: String?
    private let material: Material

    /// Reads a key; `nil` for one that is not for signatures, of a kind that is not known, too short, or none.
    init?(_ json: JSONView) {
        guard json["use"].map({ $0.string == "sig" }) ?? true else { return nil }
        func bytes(_ name: StaticString) -> [UInt8]? { json[name]?.string.flatMap { Base64URL.decode($0) } }
        switch (json["kty"]?.string, json["crv"]?.string) {
        case ("RSA", _):
            guard let modulus = bytes("n"), let exponent = bytes("e"),
                modulus.drop(while: { $0 == 0 }).count * 8 >= Self.shortestRSA,
                let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
            else { return nil }
            self.material = .rsa(key)
        case ("EC", "P-256"):
            guard let x = bytes("x"), let y = bytes("y"), x.count == 32, y.count == 32,
                let key = try? P256.Signing.PublicKey(rawRepresentation: x + y)
            else { return nil }
            self.material = .p256(key)
        case ("EC", "P-384"):
            guard let x = bytes("x"), let y = bytes("y"), x.count == 48, y.count == 48,
                let key = try? P384.Signing.PublicKey(rawRepresentation: x + y)
            else { return nil }
            self.material = .p384(key)
        case ("OKP", "Ed25519"):
            guard let x = bytes("x"), let key = try? Curve25519.Signing.PublicKey(rawRepresentation: x) else {
                return nil
            }
            self.material = .ed25519(key)
        default: return nil
        }
        self.id = json["kid"]?.string
        self.algorithm = json["alg"]?.string
    }

    /// Whether this key made the token's signature. The algorithm is the key's to say: a token cannot talk a key into another.
    func verifies(_ token: JSONWebToken) -> Bool {
        if let algorithm = self.algorithm, algorithm != token.algorithm.rawValue { return false }
        let (signed, signature) = (token.signed, token.signature)
        switch (self.material, token.algorithm) {
        case (.rsa(let key), .rs256): return Self.check(key, signature, SHA256.hash(data: signed), .insecurePKCS1v1_5)
        case (.rsa(let key), .rs384): return Self.check(key, signature, SHA384.hash(data: signed), .insecurePKCS1v1_5)
        case (.rsa(let key), .rs512): return Self.check(key, signature, SHA512.hash(data: signed), .insecurePKCS1v1_5)
        case (.rsa(let key), .ps256): return Self.check(key, signature, SHA256.hash(data: signed), .PSS)
        case (.rsa(let key), .ps384): return Self.check(key, signature, SHA384.hash(data: signed), .PSS)
        case (.rsa(let key), .ps512): return Self.check(key, signature, SHA512.hash(data: signed), .PSS)
        case (.p256(let key), .es256):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: signed))
        case (.p384(let key), .es384):
            guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA384.hash(data: signed))
        case (.ed25519(let key), .edDSA): return key.isValidSignature(signature, for: signed)
        default: return false
        }
    }

    private static func check(
        _ key: _RSA.Signing.PublicKey, _ signature: [UInt8], _ digest: some Digest, _ padding: _RSA.Signing.Padding
    ) -> Bool {
        key.isValidSignature(_RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: padding)
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
    init?(_ root: JSONView) {
        guard let list = root["keys"]?.elements else { return nil }
        var keys: [JSONWebKey] = []
        for entry in list where keys.count < Self.limit {
            if let key = JSONWebKey(entry) { keys.append(key) }
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
