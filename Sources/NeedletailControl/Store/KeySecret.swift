import Crypto
import NeedletailCore

/// Makes and hashes clients' keys.
enum KeySecret {
    /// How every key begins, so that scanners of source code know one.
    static let beginning = "nt-"
    /// Letters that are shown of a key, its beginning included: 42 of its 256 bits, of which none helps a guess.
    static let shown = 10

    /// A key of 256 random bits in base64url.
    static func make(_ random: RandomSource) -> Secret {
        var text = Self.beginning
        var bits: UInt64 = 0
        var count = 0
        for _ in 0..<43 {
            if count < 6 {
                bits = random.next()
                count = 60
            }
            text.append(Self.alphabet[Int(bits & 63)])
            bits >>= 6
            count -= 6
        }
        return Secret(text)
    }

    /// SHA-256.
    static func hash(_ key: String) -> [UInt8] {
        var key = key
        return key.withUTF8 { unsafe Array(SHA256.hash(data: UnsafeRawBufferPointer($0))) }
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
}
