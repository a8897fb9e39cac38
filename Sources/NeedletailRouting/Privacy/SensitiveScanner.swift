/// Finds what is sensitive in a text, in one pass.
///
/// Linear: every byte is looked at a bounded number of times, since each matcher begins at the start of a word only and
/// reads a bounded number of bytes. Of two that overlap the one that begins first counts; a match never overlaps another.
package enum SensitiveScanner {
    /// Appends every match in the order of the text.
    package static func scan(_ bytes: Span<UInt8>, for kinds: SensitiveKinds, into matches: inout [SensitiveMatch]) {
        guard !kinds.isEmpty else { return }
        var state = State(kinds: kinds)
        while state.index < bytes.count {
            guard let match = state.step(bytes) else { continue }
            matches.append(match)
        }
    }

    /// Where the pass is.
    private struct State {
        let kinds: SensitiveKinds
        var index = 0
        /// Nothing may begin before it: the end of the last match, or of an escape sequence.
        private var floor = 0
        /// Up to where tokens have been judged as keys.
        private var judged = 0
        private var isInWord = false

        init(kinds: SensitiveKinds) {
            self.kinds = kinds
        }

        /// Goes on by a byte, a match or an escape sequence.
        mutating func step(_ bytes: Span<UInt8>) -> SensitiveMatch? {
            let byte = bytes[self.index]
            if byte == UInt8(ascii: "\\") {
                self.skipEscape(bytes)
                return nil
            }
            if let match = self.match(bytes, byte) {
                self.index = match.range.upperBound
                self.floor = self.index
                self.isInWord = TextBytes.isWord(bytes[self.index - 1])
                return match
            }
            self.isInWord = TextBytes.isWord(byte)
            self.index += 1
            return nil
        }

        /// Texts hold JSON, as the arguments of tools do: what follows its escapes begins a word.
        private mutating func skipEscape(_ bytes: Span<UInt8>) {
            let next = self.index + 1 < bytes.count ? bytes[self.index + 1] : 0
            let length =
                switch next {
                case UInt8(ascii: "u"): 6
                case _ where TextBytes.isOne(next, of: "nrtbf\"/\\"): 2
                default: 1
                }
            self.index = min(self.index + length, bytes.count)
            self.floor = self.index
            self.isInWord = false
        }

        private mutating func match(_ bytes: Span<UInt8>, _ byte: UInt8) -> SensitiveMatch? {
            let index = self.index
            if byte == UInt8(ascii: "@") {
                guard self.kinds.has(.email), let range = EmailMatcher.match(bytes, at: index, floor: self.floor)
                else { return nil }
                return SensitiveMatch(.email, range)
            }
            if self.isInWord { return nil }
            if TextBytes.isLetter(byte) { return self.letterMatch(bytes, index) }
            if TextBytes.isDigit(byte) { return self.digitMatch(bytes, index) }
            switch byte {
            case UInt8(ascii: "+"), UInt8(ascii: "("):
                return self.found(.phone) { PhoneMatcher.match(bytes, at: index) }
            case UInt8(ascii: ":"):
                return self.found(.ip) { IPv6Matcher.match(bytes, at: index) }
            case UInt8(ascii: "-"):
                return self.found(.apiKey) { PrivateKeyMatcher.match(bytes, at: index) }
            default: return nil
            }
        }

        private mutating func letterMatch(_ bytes: Span<UInt8>, _ index: Int) -> SensitiveMatch? {
            self.keyMatch(bytes, index)
                ?? self.found(.iban) { IBANMatcher.match(bytes, at: index) }
                ?? self.found(.ip) { IPv6Matcher.match(bytes, at: index) }
        }

        private mutating func digitMatch(_ bytes: Span<UInt8>, _ index: Int) -> SensitiveMatch? {
            self.found(.card) { CardMatcher.match(bytes, at: index) }
                ?? self.found(.ip) { IPv4Matcher.match(bytes, at: index) }
                ?? self.found(.ip) { IPv6Matcher.match(bytes, at: index) }
                ?? self.found(.phone) { PhoneMatcher.match(bytes, at: index) }
                ?? self.keyMatch(bytes, index)
        }

        private mutating func keyMatch(_ bytes: Span<UInt8>, _ index: Int) -> SensitiveMatch? {
            guard self.kinds.has(.apiKey), index >= self.judged else { return nil }
            let verdict = APIKeyMatcher.match(bytes, at: index)
            self.judged = verdict.end
            return verdict.isKey ? SensitiveMatch(.apiKey, index..<verdict.end) : nil
        }

        private func found(_ kind: SensitiveKind, _ match: () -> Range<Int>?) -> SensitiveMatch? {
            guard self.kinds.has(kind), let range = match() else { return nil }
            return SensitiveMatch(kind, range)
        }
    }
}
