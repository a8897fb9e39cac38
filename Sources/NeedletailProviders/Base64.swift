/// Base64 (RFC 4648 section 4), as far as media, vectors and signatures need it.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text for `bytes`, padded.
    static func encode(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
            for position in 0..<4 {
                let shift = UInt32(18 - 6 * position)
                out.append(position <= count ? Self.alphabet[Int(group >> shift & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The text for `bytes` in the alphabet for URLs (section 5), without padding.
    static func urlEncoded(_ bytes: some Sequence<UInt8>) -> String {
        var text = Self.encode(Array(bytes)).replacing("+", with: "-").replacing("/", with: "_")
        while text.last == "=" { text.removeLast() }
        return text
    }

    /// The bytes of `text`, or `nil` if it is no base64. Line ends are passed over; padding may be missing.
    ///
    /// - Parameter limit: Stops once this many bytes are known.
    static func decode(_ text: String, limit: Int = .max) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(limit, text.utf8.count / 4 * 3 + 3))
        var pending: UInt32 = 0
        var bits = 0
        var isPadding = false
        for unit in text.utf8 {
            if unit == 0x0A || unit == 0x0D { continue }
            if unit == UInt8(ascii: "=") {
                isPadding = true
                continue
            }
            guard !isPadding, let value = Self.value(unit) else { return nil }
            pending = pending << 6 | value
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
            if bytes.count >= limit { return bytes }
        }
        return bits == 6 ? nil : bytes
    }

    /// The text for the bytes of several texts; `nil` if one of them is no base64, or there is none.
    static func joined(_ texts: [String]) -> String? {
        guard texts.count != 1 else { return texts[0] }
        var bytes: [UInt8] = []
        for text in texts {
            guard let piece = Self.decode(text) else { return nil }
            bytes += piece
        }
        return bytes.isEmpty ? nil : Self.encode(bytes)
    }

    private static func value(_ unit: UInt8) -> UInt32? {
        switch unit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(unit - 0x41)
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(unit - 0x47)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(unit) + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
