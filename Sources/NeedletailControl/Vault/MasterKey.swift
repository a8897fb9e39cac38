import Crypto
import Foundation
import NeedletailCore

/// The key that all keys of a vault are sealed with: 256 bits. Its memory is overwritten when it is let go of, which the
/// cryptography library does for its keys.
struct MasterKey: Sendable {
    /// The bits.
    let bits: SymmetricKey
    /// Names the key, for people: 64 bits of a hash, of which none helps a guess.
    let id: String

    /// What to write where a key is wanted.
    static let remedy = "give it 32 random bytes in base64 or hexadecimal, for example from `openssl rand -base64 32`"

    /// Reads 32 bytes in base64, base64url or hexadecimal; white space around them does not count.
    init(text: String) throws(NeedletailError) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard var bytes = Self.hexadecimal(text) ?? Self.base64(text), bytes.count == 32 else {
            throw NeedletailError(.invalidRequest, "The vault's master key is no key: \(Self.remedy).")
        }
        self.bits = SymmetricKey(data: bytes)
        self.id = Self.name(of: bytes)
        bytes.wipe()
    }

    private static func name(of bytes: [UInt8]) -> String {
        var hash = SHA256()
        hash.update(data: Array("needletail master key".utf8))
        hash.update(data: bytes)
        return Array(hash.finalize().prefix(8)).hexadecimal
    }

    private static func hexadecimal(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 64 else { return nil }
        return [UInt8](hexadecimal: text)
    }

    private static func base64(_ text: String) -> [UInt8]? {
        var text = text.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return Data(base64Encoded: text).map { Array($0) }
    }
}

extension [UInt8] {
    /// Two digits for each byte.
    var hexadecimal: String {
        self.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// Reads two digits for each byte; `nil` for anything else.
    init?(hexadecimal text: String) {
        let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count % 2 == 0 else { return nil }
        self.init()
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            self.append(UInt8(high << 4 | low))
        }
    }

    /// Overwrites the bytes, so that they do not stay where they were.
    mutating func wipe() {
        for index in self.indices { self[index] = 0 }
    }
}
