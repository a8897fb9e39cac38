/// The groups of digits of what may be a telephone number.
struct PhoneSpelling {
    private static let mostGroups = 8
    private static let mostDigits = 17

    let hasPlus: Bool
    /// How many groups count; the last ones may be left out.
    private(set) var groups = 0
    /// How many digits each group has.
    private(set) var sizes: InlineArray<8, Int> = .init(repeating: 0)
    /// The first digit of each group.
    private(set) var leads: InlineArray<8, Int> = .init(repeating: 0)
    /// The offset after each group, its parenthesis included.
    private var ends: InlineArray<8, Int> = .init(repeating: 0)
    /// What stands before each group; 0 for nothing or a parenthesis alone.
    private var separators: InlineArray<8, UInt8> = .init(repeating: 0)
    /// Which group stands in parentheses; -1 for none.
    private var inParentheses = -1
    /// The second digit of all.
    private(set) var second = -1

    /// Reads as far as one may go; `nil` where there is no number at all.
    init?(_ bytes: Span<UInt8>, at start: Int) {
        self.hasPlus = bytes[start] == UInt8(ascii: "+")
        var index = self.hasPlus ? start + 1 : start
        var digits = 0
        while self.groups < Self.mostGroups, digits < Self.mostDigits {
            let isOpen = index < bytes.count && bytes[index] == UInt8(ascii: "(")
            if isOpen {
                guard self.inParentheses < 0 else { break }
                index += 1
            }
            let size = self.size(bytes, index)
            guard size > 0, digits + size <= Self.mostDigits else { break }
            var end = index + size
            if isOpen {
                guard end < bytes.count, bytes[end] == UInt8(ascii: ")") else { break }
                end += 1
                self.inParentheses = self.groups
            }
            self.take(bytes, index, size, end: end, digits)
            digits += size
            guard let next = self.separator(bytes, end) else { break }
            index = next
        }
        guard self.groups > 0 else { return nil }
    }

    /// How many digits there are.
    var digits: Int {
        var sum = 0
        for group in 0..<self.groups { sum += self.sizes[group] }
        return sum
    }

    /// The first digit of all.
    var first: Int { self.leads[0] }
    /// The offset after it.
    var end: Int { self.ends[self.groups - 1] }
    /// Whether a group stands in parentheses.
    var hasParentheses: Bool { self.inParentheses >= 0 && self.inParentheses < self.groups }
    /// Whether nothing but spaces divides the groups.
    var hasOnlySpaces: Bool { self.isEverySeparator { $0 == UInt8(ascii: " ") || $0 == 0 } }
    /// Whether a point divides two of them.
    var hasPoints: Bool { !self.isEverySeparator { $0 != UInt8(ascii: ".") } }

    /// The number without its last group; `nil` where it is the only one.
    var shorter: Self? {
        guard self.groups > 1 else { return nil }
        var shorter = self
        shorter.groups -= 1
        return shorter
    }

    private func isEverySeparator(_ test: (UInt8) -> Bool) -> Bool {
        for group in 1..<max(1, self.groups) where !test(self.separators[group]) { return false }
        return true
    }

    private func size(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < bytes.count, index - start <= Self.mostDigits, TextBytes.isDigit(bytes[index]) { index += 1 }
        return index - start
    }

    private mutating func take(_ bytes: Span<UInt8>, _ index: Int, _ size: Int, end: Int, _ digits: Int) {
        let lead = Int(bytes[index] &- 0x30)
        if digits == 1 { self.second = lead }
        if digits == 0, size > 1 { self.second = Int(bytes[index + 1] &- 0x30) }
        self.sizes[self.groups] = size
        self.leads[self.groups] = lead
        self.ends[self.groups] = end
        self.groups += 1
    }

    /// Passes over what stands between two groups: a space, hyphen, point or slash, before a parenthesis too, or nothing
    /// where one has just been closed.
    private mutating func separator(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
        guard self.groups < Self.mostGroups, start + 1 < bytes.count else { return nil }
        let (byte, next) = (bytes[start], bytes[start + 1])
        if TextBytes.isDigit(byte) { return bytes[start - 1] == UInt8(ascii: ")") ? start : nil }
        if byte == UInt8(ascii: "("), TextBytes.isDigit(next) { return start }
        guard TextBytes.isOne(byte, of: " -./"), TextBytes.isDigit(next) || next == UInt8(ascii: "(") else {
            return nil
        }
        self.separators[self.groups] = byte
        return start + 1
    }
}
