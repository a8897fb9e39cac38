import NIOCore

/// What stands in the place of what was taken out of one request, and how it is put back.
///
/// A placeholder is `[EMAIL_` or the like, six letters and `]`. The letters are a keyed hash of the value and of who asks:
/// the same value has the same placeholder in the next turn of a conversation, so that a provider's prompt cache goes on
/// fitting and two values never share one, and nobody without the process' key can tell the value from it.
struct Placeholders: Sendable {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
    private static let letters = 6

    private let key: SipHash.Key
    private let scope: String
    private var names: [String: String] = [:]
    private var originals: [String: String] = [:]

    /// - Parameter scope: Whose values they are: others' equal values have other placeholders.
    init(key: SipHash.Key, scope: String) {
        self.key = key
        self.scope = scope
    }

    /// Whether nothing was taken out that can be put back.
    var isEmpty: Bool { self.originals.isEmpty }

    /// What stands for `value`.
    mutating func placeholder(for value: String, _ kind: SensitiveKind) -> String {
        if let known = self.names[value] { return known }
        var text = Self.text(kind, self.hash(value, salt: 0))
        var salt: UInt8 = 1
        // 30 bits: a second value in one request hardly ever meets the same, and is given another.
        while self.originals[text] != nil, salt < .max {
            text = Self.text(kind, self.hash(value, salt: salt))
            salt += 1
        }
        self.names[value] = text
        // What JSON would have to escape, at whatever depth it is quoted, stays out: that is the lines of a private key.
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            self.originals[text] = value
        }
        return text
    }

    private func hash(_ value: String, salt: UInt8) -> UInt64 {
        SipHash.hash(Array(self.scope.utf8) + [0xFF, salt] + Array(value.utf8), key: self.key)
    }

    private static func text(_ kind: SensitiveKind, _ hash: UInt64) -> String {
        var text = kind.label.description
        for place in 0..<Self.letters {
            text.unicodeScalars.append(Unicode.Scalar(Self.alphabet[Int(hash >> UInt64(place * 5) & 31)]))
        }
        return text + "]"
    }

    // MARK: Putting back

    /// `bytes` with every value in its place again; `nil` where none is in it. Works on JSON as it is written, at any depth.
    func restored(_ bytes: ByteBuffer) -> ByteBuffer? {
        let found = self.places(in: bytes.readableBytesUInt8Span)
        guard !found.isEmpty else { return nil }
        var out = ByteBuffer()
        out.reserveCapacity(bytes.readableBytes + 32 * found.count)
        var position = bytes.readerIndex
        for (range, original) in found {
            let start = bytes.readerIndex + range.lowerBound
            if let slice = bytes.getSlice(at: position, length: start - position) { out.writeImmutableBuffer(slice) }
            out.writeString(original)
            position = start + range.count
        }
        if let slice = bytes.getSlice(at: position, length: bytes.writerIndex - position) {
            out.writeImmutableBuffer(slice)
        }
        return out
    }

    private func places(in bytes: Span<UInt8>) -> [(Range<Int>, String)] {
        var found: [(Range<Int>, String)] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "[") else {
                index += 1
                continue
            }
            var end = index + 1
            while end < bytes.count, end - index < 20, TextBytes.isUpper(bytes[end]) || Self.isInner(bytes[end]) {
                end += 1
            }
            if end < bytes.count, bytes[end] == UInt8(ascii: "]"), end - index > Self.letters {
                var text = ""
                for place in index...end { text.unicodeScalars.append(Unicode.Scalar(bytes[place])) }
                if let original = self.originals[text] { found.append((index..<(end + 1), original)) }
            }
            index = end
        }
        return found
    }

    private static func isInner(_ byte: UInt8) -> Bool { TextBytes.isDigit(byte) || byte == UInt8(ascii: "_") }

    /// Whether `text` is the beginning of a placeholder that was given out, and not all of it.
    func begins(with text: some Collection<UInt8>) -> Bool {
        !text.isEmpty
            && self.originals.keys.contains { $0.utf8.count > text.count && $0.utf8.starts(with: text) }
    }
}
