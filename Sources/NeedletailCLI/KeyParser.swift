/// Makes keys of the bytes that a terminal sends, which may cut a key anywhere. Pure.
struct KeyParser {
    /// What was typed.
    enum Key: Sendable, Hashable {
        /// q, Q, ^C, ^D.
        case quit
        /// The space bar, or Return.
        case look
        /// s: the next order.
        case sort
        /// S: the order before.
        case sortBack
        case up, down, pageUp, pageDown, home, end
        case other
    }

    /// The beginning of a key.
    private var begun: [UInt8] = []
    private static let escape: UInt8 = 0x1B

    /// The keys that are whole now.
    mutating func keys(_ bytes: some Sequence<UInt8>) -> [Key] {
        bytes.compactMap { self.key($0) }
    }

    private mutating func key(_ byte: UInt8) -> Key? {
        switch self.begun.count {
        case 0:
            guard byte == Self.escape else { return Self.plain(byte) }
            self.begun = [byte]
            return nil
        case 1:
            // `ESC [` in one mode of terminals, `ESC O` in another; else the escape key, and the next one.
            guard byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") else {
                self.begun = byte == Self.escape ? [byte] : []
                return byte == Self.escape ? .other : Self.plain(byte)
            }
            self.begun.append(byte)
            return nil
        default:
            // Parameters, of which no key has more than a few, then one byte that ends it.
            if (0x20...0x3F).contains(byte), self.begun.count < 16 {
                self.begun.append(byte)
                return nil
            }
            defer { self.begun = [] }
            return Self.sequence(self.begun.dropFirst(2), end: byte)
        }
    }

    private static func plain(_ byte: UInt8) -> Key {
        switch byte {
        case UInt8(ascii: "q"), UInt8(ascii: "Q"), 0x03, 0x04: .quit
        case UInt8(ascii: " "), 0x0A, 0x0D: .look
        case UInt8(ascii: "s"): .sort
        case UInt8(ascii: "S"): .sortBack
        case UInt8(ascii: "k"): .up
        case UInt8(ascii: "j"): .down
        case UInt8(ascii: "g"): .home
        case UInt8(ascii: "G"): .end
        default: .other
        }
    }

    private static func sequence(_ parameters: ArraySlice<UInt8>, end: UInt8) -> Key {
        switch (end, parameters.first) {
        case (UInt8(ascii: "A"), _): .up
        case (UInt8(ascii: "B"), _): .down
        case (UInt8(ascii: "C"), _): .sort
        case (UInt8(ascii: "D"), _): .sortBack
        case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), UInt8(ascii: "1")): .home
        case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), UInt8(ascii: "4")): .end
        case (UInt8(ascii: "~"), UInt8(ascii: "5")): .pageUp
        case (UInt8(ascii: "~"), UInt8(ascii: "6")): .pageDown
        default: .other
        }
    }
}
