/// Tells keys of APIs: by the mark that their issuer gives them, or by looking like nothing but chance.
enum APIKeyMatcher {
    /// How keys begin, and how long they are at least, the mark included.
    private static let marks: [(mark: StaticString, least: Int)] = [
        ("sk-", 20), ("sk_live_", 24), ("sk_test_", 24), ("rk_live_", 24), ("pk_live_", 24), ("gsk_", 24), ("xai-", 24),
        ("pplx-", 24), ("AIza", 35), ("hf_", 24), ("ghp_", 30), ("gho_", 30), ("ghu_", 30), ("ghs_", 30), ("ghr_", 30),
        ("github_pat_", 30), ("glpat-", 20), ("xoxb-", 20), ("xoxp-", 20), ("xoxa-", 20), ("xoxs-", 20), ("xapp-", 20),
        ("AKIA", 20), ("ASIA", 20), ("nvapi-", 24), ("fw_", 20), ("r8_", 30), ("csk-", 24), ("npm_", 30), ("pypi-", 30),
        ("dop_v1_", 40), ("SG.", 40), ("ya29.", 30), ("nt-", 40), ("shpat_", 30), ("sq0atp-", 22), ("lin_api_", 30),
        ("dapi", 34), ("vercel_", 24), ("tvly-", 24), ("jina_", 30), ("key-", 35),
    ]
    /// Longer runs are data: pictures, hashes of hashes.
    private static let longest = 4096
    private static let shortest = 16
    private static let randomLengths = 32...256

    /// Judges the token at `start`, the first byte of a word.
    ///
    /// - Returns: Whether it is a key, and where the token ends; up to there nothing need be judged again.
    static func match(_ bytes: Span<UInt8>, at start: Int) -> (end: Int, isKey: Bool) {
        let end = Self.end(bytes, start, withPoints: false)
        let isPointed = end < bytes.count && bytes[end] == UInt8(ascii: ".")
        if isPointed,
            TextBytes.matches(bytes, start, "eyJ") || TextBytes.matches(bytes, start, "SG")
                || TextBytes.matches(bytes, start, "ya29")
        {
            let whole = Self.end(bytes, start, withPoints: true)
            if Self.isWebToken(bytes, start..<whole) || Self.hasMark(bytes, start..<whole) { return (whole, true) }
        }
        guard end - start >= Self.shortest else { return (end, false) }
        let range = start..<end
        return (end, Self.hasMark(bytes, range) || Self.looksRandom(bytes, range))
    }

    private static func end(_ bytes: Span<UInt8>, _ start: Int, withPoints: Bool) -> Int {
        var index = start
        let limit = min(bytes.count, start + Self.longest)
        while index < limit {
            let byte = bytes[index]
            let isOfKey = TextBytes.isWord(byte) || byte == UInt8(ascii: "-")
            guard isOfKey || withPoints && byte == UInt8(ascii: ".") else { break }
            index += 1
        }
        while index > start, TextBytes.isOne(bytes[index - 1], of: ".-") { index -= 1 }
        return max(index, start + 1)
    }

    private static func hasMark(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for (mark, least) in Self.marks
        where range.count >= least && TextBytes.matches(bytes, range.lowerBound, mark) {
            // `sk-learn-compatible-estimators` is no key: keys hold digits.
            return Self.digits(bytes, range) >= 2
        }
        return false
    }

    private static func digits(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        var digits = 0
        for index in range where TextBytes.isDigit(bytes[index]) { digits += 1 }
        return digits
    }

    /// Whether it is a JSON Web Token (RFC 7519): three parts, of which the first begins with `{"`.
    private static func isWebToken(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard TextBytes.matches(bytes, range.lowerBound, "eyJ"), range.count >= 40 else { return false }
        var points = 0
        for index in range where bytes[index] == UInt8(ascii: ".") { points += 1 }
        return points == 2 || points == 4
    }

    /// Whether letters of both cases and digits follow each other as only chance has it: in names that people make, each kind
    /// comes in runs.
    private static func looksRandom(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard Self.randomLengths.contains(range.count) else { return false }
        // A part of a path names something.
        if range.lowerBound > 0, bytes[range.lowerBound - 1] == UInt8(ascii: "/") { return false }
        var (lower, upper, digits, marks, changes) = (0, 0, 0, 0, 0)
        var last = -1
        var counts = InlineArray<128, UInt8>(repeating: 0)
        for index in range {
            let byte = bytes[index]
            let kind: Int
            if TextBytes.isDigit(byte) {
                digits += 1
                kind = 0
            } else if TextBytes.isUpper(byte) {
                upper += 1
                kind = 1
            } else if TextBytes.isLetter(byte) {
                lower += 1
                kind = 2
            } else {
                marks += 1
                kind = 3
            }
            if last >= 0, kind != last { changes += 1 }
            last = kind
            counts[Int(byte & 127)] &+= 1
        }
        guard lower >= 4, upper >= 4, digits >= 3, marks * 8 <= range.count, changes * 5 >= range.count * 2 else {
            return false
        }
        var different = 0
        for index in counts.indices where counts[index] > 0 { different += 1 }
        return different >= 16
    }
}

/// Tells private keys in PEM (RFC 7468).
enum PrivateKeyMatcher {
    private static let longestLabel = 40

    /// The block whose first hyphen is at `start`; without an end it reaches to the end of the text.
    static func match(_ bytes: Span<UInt8>, at start: Int) -> Range<Int>? {
        guard TextBytes.matches(bytes, start, "-----BEGIN ") else { return nil }
        var index = start + 11
        while index < bytes.count, index - start < Self.longestLabel, bytes[index] != UInt8(ascii: "-") { index += 1 }
        guard TextBytes.matches(bytes, index - 11, "PRIVATE KEY-----") else { return nil }
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "-"), TextBytes.matches(bytes, index, "-----END ") {
                var end = index + 9
                while end < bytes.count, end - index < Self.longestLabel, bytes[end] != UInt8(ascii: "-") { end += 1 }
                while end < bytes.count, bytes[end] == UInt8(ascii: "-") { end += 1 }
                return start..<end
            }
            index += 1
        }
        return start..<bytes.count
    }
}
