/// Takes out of the beginning of a text what it must begin with. Pure.
struct RepeatedText: Sendable {
    private let expected: [UInt8]
    private var place = 0
    /// Whether it has begun with something else.
    private(set) var isBroken = false

    /// What must come first; nothing passes until it has.
    init(_ expected: String) {
        self.expected = Array(expected.utf8)
    }

    /// Whether all of it has come.
    var isWhole: Bool { !self.isBroken && self.place == self.expected.count }

    /// Takes more text and returns what follows the repetition.
    mutating func take(_ text: String) -> String {
        guard !self.isBroken else { return "" }
        guard self.place < self.expected.count else { return text }
        var bytes = text.utf8[...]
        while self.place < self.expected.count, let byte = bytes.popFirst() {
            guard byte == self.expected[self.place] else {
                self.isBroken = true
                return ""
            }
            self.place += 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Notes that it does not come.
    mutating func fail() {
        self.isBroken = true
    }
}
