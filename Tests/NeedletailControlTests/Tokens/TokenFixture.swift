import Crypto
import CryptoExtras
import Foundation
import Logging
import NeedletailCore
import NeedletailTesting
import Synchronization

@testable import NeedletailControl

/// An identity provider that signs what it is told to.
struct TokenFixture {
    /// A key pair of the provider's.
    enum Key: Sendable {
        case p256(String, P256.Signing.PrivateKey)
        case p384(String, P384.Signing.PrivateKey)
        case p521(String, P521.Signing.PrivateKey)
        case ed25519(String, Curve25519.Signing.PrivateKey)
        case rsa(String, _RSA.Signing.PrivateKey)

        var id: String {
            switch self {
            case .p256(let id, _), .p384(let id, _), .p521(let id, _), .ed25519(let id, _), .rsa(let id, _): id
            }
        }

        /// The public half as the provider shows it.
        func json(_ more: String = "") throws -> String {
            func b(_ bytes: some DataProtocol) -> String { Base64URL.encode(Array(bytes)) }
            let body: String
            switch self {
            case .p256(_, let key):
                let raw = Array(key.publicKey.rawRepresentation)
                body = #""kty":"EC","crv":"P-256","x":"\#(b(raw.prefix(32)))","y":"\#(b(raw.suffix(32)))""#
            case .p384(_, let key):
                let raw = Array(key.publicKey.rawRepresentation)
                body = #""kty":"EC","crv":"P-384","x":"\#(b(raw.prefix(48)))","y":"\#(b(raw.suffix(48)))""#
            case .p521(_, let key):
                let raw = Array(key.publicKey.rawRepresentation)
                body = #""kty":"EC","crv":"P-521","x":"\#(b(raw.prefix(66)))","y":"\#(b(raw.suffix(66)))""#
            case .ed25519(_, let key):
                body = #""kty":"OKP","crv":"Ed25519","x":"\#(b(key.publicKey.rawRepresentation))""#
            case .rsa(_, let key):
                let numbers = try key.publicKey.getKeyPrimitives()
                body = #""kty":"RSA","n":"\#(b(numbers.modulus))","e":"\#(b(numbers.publicExponent))""#
            }
            return #"{"kid":"\#(self.id)",\#(body)\#(more)}"#
        }

        func sign(_ text: String, _ algorithm: String) throws -> [UInt8] {
            let data = Data(text.utf8)
            switch self {
            case .p256(_, let key): return Array(try key.signature(for: SHA256.hash(data: data)).rawRepresentation)
            case .p384(_, let key): return Array(try key.signature(for: SHA384.hash(data: data)).rawRepresentation)
            case .p521(_, let key): return Array(try key.signature(for: SHA512.hash(data: data)).rawRepresentation)
            case .ed25519(_, let key): return Array(try key.signature(for: data))
            case .rsa(_, let key):
                let padding: _RSA.Signing.Padding = algorithm.hasPrefix("PS") ? .PSS : .insecurePKCS1v1_5
                switch algorithm.suffix(3) {
                case "384":
                    return Array(try key.signature(for: SHA384.hash(data: data), padding: padding).rawRepresentation)
                case "512":
                    return Array(try key.signature(for: SHA512.hash(data: data), padding: padding).rawRepresentation)
                default:
                    return Array(try key.signature(for: SHA256.hash(data: data), padding: padding).rawRepresentation)
                }
            }
        }
    }

    let time = JumpingTime()
    let issuer: TokenIssuerConfiguration

    static let url = "https://login.example.com"

    init(_ change: (inout TokenIssuerConfiguration) -> Void = { _ in }) {
        var issuer = TokenIssuerConfiguration(name: "corp", issuer: Self.url, audiences: ["gateway", "other"])
        issuer.keysURL = Self.url + "/keys"
        issuer.clients = .init()
        change(&issuer)
        self.issuer = issuer
    }

    var now: Int64 { self.time.source.wallSeconds() }

    /// What a good token claims, with changes: `nil` takes one out.
    func claims(_ changes: [String: String?] = [:]) -> String {
        var claims: [String: String] = [
            "iss": #""\#(Self.url)""#, "aud": #""gateway""#, "sub": #""ann""#, "exp": "\(self.now + 300)",
        ]
        for (name, value) in changes { claims[name] = value }
        return "{" + claims.sorted { $0.key < $1.key }.map { #""\#($0.key)":\#($0.value)"# }.joined(separator: ",")
            + "}"
    }

    static func token(
        _ key: Key, _ algorithm: String, _ claims: String, header: String? = nil
    ) throws -> String {
        let header = header ?? #"{"alg":"\#(algorithm)","kid":"\#(key.id)","typ":"JWT"}"#
        let text = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(claims.utf8))
        return text + "." + Base64URL.encode(try key.sign(text, algorithm))
    }

    /// A verifier whose keys come from a text that may change.
    func verifier(_ text: @escaping @Sendable () throws(NeedletailError) -> String) -> TokenVerifier {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let keys = TokenKeys(self.issuer, time: self.time.source, logger: logger) { _ throws(NeedletailError) in
            let json = try text()
            do { return try JSONDocument(JSONText(json).bytes).root } catch {
                throw NeedletailError(.malformedReply, "not JSON")
            }
        }
        return TokenVerifier([keys], time: self.time.source)
    }

    /// A verifier that has its keys.
    func verifier(_ keys: [Key]) async throws -> TokenVerifier {
        let text = "{\"keys\":[" + (try keys.map { try $0.json() }).joined(separator: ",") + "]}"
        let verifier = self.verifier { text }
        await verifier.prepare()
        return verifier
    }
}
