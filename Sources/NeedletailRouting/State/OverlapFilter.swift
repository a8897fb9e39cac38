/// Takes out of the beginning of a continued text what repeats the end of the text before it. Pure.
///
/// A model that is asked to go on where an answer broke off often says the last words again, or all of it. What has come is
/// held for as long as it agrees with some end of the earlier text, which is seldom more than a word; when it agrees no
/// longer, the longest whole repetition is dropped and the rest is let go. What counts as a repetition, since `ha` may well
/// be followed by `ha`: all of the earlier text; ``minimumLength`` bytes; a word (a repetition that begins where a word does)
/// of ``minimumWord`` bytes; nothing but white space.
struct OverlapFilter: Sendable {
    /// Bytes that are not repeated by chance: two or three words.
    static let minimumLength = 12
    /// Bytes of a word that is not repeated by chance without a space in between.
    static let minimumWord = 4
    /// How far back a repetition may begin, in bytes, unless it begins with the text.
    static let reach = 8 << 10

    private let before: [UInt8]
    /// Where the repetition may begin, as far as is known; ascending.
    private var candidates: [Int]
    private var held: [UInt8] = []
    /// Bytes of ``held`` that are known to be a repetition.
    private var repeated = 0
    private(set) var isOpen: Bool

    /// A filter for what follows `before`.
    init(after before: String) {
        self.before = Array(before.utf8)
        let first = max(1, self.before.count - Self.reach)
        self.candidates = self.before.isEmpty ? [] : [0] + Array(min(first, self.before.count)..<self.before.count)
        self.isOpen = self.before.isEmpty
    }

    /// Takes more text and returns what is new of it, as far as that is known.
    mutating func take(_ text: String) -> String {
        guard !self.isOpen else { return text }
        for byte in text.utf8 {
            self.held.append(byte)
            guard !self.isOpen else { continue }
            let place = self.held.count - 1
            self.candidates.removeAll { start in
                guard start + place < self.before.count else { return true }
                return self.before[start + place] != byte
            }
            self.measure()
            if self.candidates.isEmpty { self.isOpen = true }
        }
        return self.isOpen ? self.release() : ""
    }

    /// What is held at the end of the text.
    mutating func finish() -> String {
        guard !self.isOpen else { return "" }
        self.isOpen = true
        return self.release()
    }

    private mutating func release() -> String {
        let text = String(decoding: self.held[self.repeated...], as: UTF8.self)
        self.held = []
        self.candidates = []
        return text
    }

    /// Looks for a candidate that has come to the end of the earlier text.
    private mutating func measure() {
        let length = self.held.count
        let start = self.before.count - length
        guard start >= 0, self.candidates.contains(start), self.isRepetition(from: start, length) else { return }
        self.repeated = length
    }

    private func isRepetition(from start: Int, _ length: Int) -> Bool {
        if start == 0 || length >= Self.minimumLength { return true }
        if self.held.allSatisfy(Self.isSpace) { return true }
        return length >= Self.minimumWord && Self.isSpace(self.before[start - 1]) && !Self.isSpace(self.before[start])
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
