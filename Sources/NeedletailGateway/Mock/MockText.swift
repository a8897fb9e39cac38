/// Text that is handed out in fragments and counted in tokens. A token here is a word with the space before it, in
/// pieces of eight characters at most.
struct MockText: Sendable, Hashable {
    private enum Storage: Sendable, Hashable {
        case pieces([String])
        /// Words that are made when they are asked for.
        case words(seed: UInt64)
    }

    private let storage: Storage
    private let pieceCount: Int
    /// How many tokens the whole text has.
    let tokenCount: Int
    /// How many fragments it is handed out in.
    let fragmentCount: Int

    /// Splits `text`.
    ///
    /// - Parameters:
    ///   - fragments: How many; `nil` for one per token. A text of fewer characters comes in one per character.
    ///   - minimum: At least this many, where the text has so many characters.
    init(_ text: String, fragments: Int? = nil, minimum: Int = 1) {
        var pieces = Self.tokens(of: text)
        self.tokenCount = pieces.count
        let wanted = max(1, max(minimum, fragments ?? pieces.count))
        if wanted > pieces.count { pieces = text.map { String($0) } }
        self.storage = .pieces(pieces)
        self.pieceCount = pieces.count
        self.fragmentCount = min(wanted, max(1, pieces.count))
    }

    /// `count` words from a fixed list, by `seed`, one per fragment.
    init(words count: Int, seed: UInt64) {
        self.storage = .words(seed: seed)
        self.pieceCount = max(1, count)
        self.tokenCount = max(1, count)
        self.fragmentCount = max(1, count)
    }

    /// One fragment.
    func fragment(_ index: Int) -> String {
        let start = self.pieceCount * index / self.fragmentCount
        let end = self.pieceCount * (index + 1) / self.fragmentCount
        var text = ""
        for piece in start..<max(start, end) { text += self.piece(piece) }
        return text
    }

    /// The tokens in all fragments up to and including `index`.
    func tokens(through index: Int) -> Int {
        self.tokenCount * (index + 1) / self.fragmentCount
    }

    /// All of it.
    var string: String {
        var text = ""
        for piece in 0..<self.pieceCount { text += self.piece(piece) }
        return text
    }

    private func piece(_ index: Int) -> String {
        switch self.storage {
        case .pieces(let pieces): pieces[index]
        case .words(let seed): (index == 0 ? "" : " ") + Self.word(seed, index)
        }
    }

    private static func word(_ seed: UInt64, _ index: Int) -> String {
        let words = Self.vocabulary
        return words[Int(MockRandom.combine(seed, UInt64(index)) % UInt64(words.count))]
    }

    /// `count` words in a row.
    static func sentence(words count: Int, seed: UInt64) -> String {
        (0..<count).map { Self.word(seed, $0) }.joined(separator: " ")
    }

    /// Takes text apart into tokens.
    static func tokens(of text: String) -> [String] {
        var tokens: [String] = []
        var current = ""
        var length = 0
        for character in text {
            if length >= 8 || (character.isWhitespace && length > 0) {
                tokens.append(current)
                current = ""
                length = 0
            }
            current.append(character)
            length += 1
        }
        if !current.isEmpty { tokens.append(current) }
        return tokens
    }

    private static let vocabulary = [
        "the", "stream", "carries", "small", "words", "over", "a", "quiet", "wire", "and", "each", "one", "arrives",
        "in", "order", "while", "nothing", "is", "known", "here", "but", "what", "was", "sent", "by", "seed", "again",
        "with", "care", "until", "its", "end",
    ]
}
