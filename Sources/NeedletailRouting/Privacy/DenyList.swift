/// Words and phrases that a request may not hold.
///
/// They are compared word by word whatever their case: `falcon` is not in `falconry`. `*` stands for any letters of one word,
/// or as a word of its own for any word. A word is a run of letters, digits, `_` and everything beyond ASCII; what stands
/// between words does not matter.
public struct DenyList: Sendable {
    /// What a match leads to.
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// The request is refused.
        case refuse
        /// The log tells of it.
        case log
    }

    /// The name that the client is told.
    public let name: String
    /// Whose requests.
    public let scope: GuardScope
    /// What a match leads to.
    public let action: Action
    private var phrases: [[Word]] = []
    /// The phrases that begin with a given word, by its hash.
    private var byFirst: [UInt64: [Int]] = [:]
    /// The phrases that begin with a glob.
    private var open: [Int] = []

    private enum Word: Sendable {
        case literal([UInt8])
        case glob(ModelGlob)

        func fits(_ text: [UInt8]) -> Bool {
            switch self {
            case .literal(let word): word == text
            case .glob(let glob): glob.matches(String(decoding: text, as: UTF8.self))
            }
        }
    }

    /// Longer runs are data; they are compared by their beginning.
    private static let longestWord = 256

    /// Creates a list.
    ///
    /// - Parameter words: Words and phrases; one without a letter or digit is left out.
    public init(name: String, words: [String], scope: GuardScope = GuardScope(), action: Action = .refuse) {
        self.name = name
        self.scope = scope
        self.action = action
        for text in words { self.add(text) }
    }

    /// Whether there is a word in `text` that can be looked for.
    public static func isPhrase(_ text: String) -> Bool {
        Self.words(of: text.lowercased().utf8, keepsStars: true).contains { $0.contains { $0 != UInt8(ascii: "*") } }
    }

    private mutating func add(_ text: String) {
        guard Self.isPhrase(text) else { return }
        let words = Self.words(of: text.lowercased().utf8, keepsStars: true).map { word in
            word.contains(UInt8(ascii: "*"))
                ? Word.glob(ModelGlob(String(decoding: word, as: UTF8.self))) : .literal(word)
        }
        let number = self.phrases.count
        self.phrases.append(words)
        if case .literal(let first)? = words.first {
            self.byFirst[Self.hash(first), default: []].append(number)
        } else {
            self.open.append(number)
        }
    }

    /// Whether the text holds one of them.
    func matches(_ text: Span<UInt8>) -> Bool {
        guard !self.phrases.isEmpty else { return false }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        for index in text.indices { bytes.append(text[index]) }
        let words = Self.words(of: String(decoding: bytes, as: UTF8.self).lowercased().utf8, keepsStars: false)
        for start in words.indices {
            if self.byFirst[Self.hash(words[start])]?.contains(where: { self.fits($0, words, start) }) == true {
                return true
            }
            if self.open.contains(where: { self.fits($0, words, start) }) { return true }
        }
        return false
    }

    private func fits(_ number: Int, _ words: [[UInt8]], _ start: Int) -> Bool {
        let phrase = self.phrases[number]
        guard start + phrase.count <= words.count else { return false }
        return phrase.indices.allSatisfy { phrase[$0].fits(words[start + $0]) }
    }

    private static func hash(_ word: [UInt8]) -> UInt64 {
        var hash = StableHash()
        hash.add(word)
        return hash.value
    }

    private static func words(of text: String.UTF8View, keepsStars: Bool) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        for byte in text {
            if TextBytes.isWord(byte) || byte >= 0x80 || keepsStars && byte == UInt8(ascii: "*") {
                if word.count < Self.longestWord { word.append(byte) }
            } else if !word.isEmpty {
                words.append(word)
                word = []
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
