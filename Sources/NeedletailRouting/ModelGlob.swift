/// A pattern for names of models, keys and the like: `*` stands for any number of any characters.
public struct ModelGlob: Sendable, Hashable {
    let pattern: String

    /// Creates a pattern.
    public init(_ pattern: String) {
        self.pattern = pattern
    }

    /// Whether it fits one name only.
    public var isLiteral: Bool { !self.pattern.utf8.contains(UInt8(ascii: "*")) }

    /// Whether everything that fits `other` fits this. Never wrongly `true`.
    func covers(_ other: Self) -> Bool {
        // A star in the other's text can only be met by a star here, which meets whatever it stands for.
        self.matches(other.pattern)
    }

    /// Whether `name` fits, byte by byte. Allocates nothing; at worst as many steps as the lengths multiplied.
    public func matches(_ name: String) -> Bool {
        let (globUnits, textUnits) = (self.pattern.utf8, name.utf8)
        let glob = globUnits.span
        let text = textUnits.span
        var (index, place) = (0, 0)
        /// The last star, and up to where the name is what it stands for: only this one need ever be given more.
        var star: (index: Int, place: Int)?
        while place < text.count {
            if index < glob.count, glob[index] == UInt8(ascii: "*") {
                star = (index, place)
                index += 1
            } else if index < glob.count, glob[index] == text[place] {
                index += 1
                place += 1
            } else if let last = star {
                star = (last.index, last.place + 1)
                index = last.index + 1
                place = last.place + 1
            } else {
                return false
            }
        }
        while index < glob.count, glob[index] == UInt8(ascii: "*") { index += 1 }
        return index == glob.count
    }
}
