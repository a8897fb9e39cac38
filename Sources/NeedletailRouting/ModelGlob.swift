/// A pattern for model names: `*` stands for any number of any characters.
public struct ModelGlob: Sendable, Hashable {
    private let pieces: [String]

    /// Creates a pattern.
    public init(_ pattern: String) {
        self.pieces = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
    }

    /// Whether `name` fits. Linear in the name for each piece.
    public func matches(_ name: String) -> Bool {
        guard let first = self.pieces.first, let last = self.pieces.last, self.pieces.count > 1 else {
            return self.pieces.first == name
        }
        guard name.hasPrefix(first) else { return false }
        var rest = Substring(name).utf8.dropFirst(first.utf8.count)
        for piece in self.pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let end = Self.find(piece, in: rest) else { return false }
            rest = rest[end...]
        }
        return rest.count >= last.utf8.count && rest.suffix(last.utf8.count).elementsEqual(last.utf8)
    }

    private static func find(_ piece: String, in text: Substring.UTF8View) -> Substring.UTF8View.Index? {
        var start = text.startIndex
        while start != text.endIndex {
            if text[start...].starts(with: piece.utf8) { return text.index(start, offsetBy: piece.utf8.count) }
            start = text.index(after: start)
        }
        return nil
    }
}
