/// Tells the numbers of payment cards: 13 to 19 digits of a known network, grouped as on cards or not at all, whose Luhn
/// check digit (ISO/IEC 7812-1, annex B) is right.
enum CardMatcher {
    private static let longest = 19

    /// The number that begins with the digit at `start`.
    static func match(_ bytes: Span<UInt8>, at start: Int) -> Range<Int>? {
        // Cards begin with 2 to 6.
        guard bytes[start] &- 0x32 < 5, TextBytes.beginsNumber(bytes, start) else { return nil }
        var digits = 0
        var groups = 0
        var index = start
        var separator: UInt8?
        var areGroupsOfFour = true
        var found: Int?
        while true {
            let groupStart = index
            while index < bytes.count, TextBytes.isDigit(bytes[index]), digits <= Self.longest {
                index += 1
                digits += 1
            }
            let size = index - groupStart
            guard size > 0, digits <= Self.longest else { break }
            groups += 1
            if digits >= 13, TextBytes.endsNumber(bytes, index),
                Self.isGrouped(groups, size: size, digits: digits, areGroupsOfFour),
                Self.isOfNetwork(bytes, start, digits: digits), Self.passesLuhn(bytes, start..<index)
            {
                found = index
            }
            areGroupsOfFour = areGroupsOfFour && size == 4
            guard index + 1 < bytes.count, TextBytes.isDigit(bytes[index + 1]) else { break }
            let byte = bytes[index]
            guard byte == UInt8(ascii: " ") || byte == UInt8(ascii: "-"), separator ?? byte == byte else { break }
            separator = byte
            index += 1
        }
        return found.map { start..<$0 }
    }

    /// Whether the groups are as on cards: all in one, 4-4-4-4, 4-4-4-4-3, 4-6-5 or 4-6-4.
    ///
    /// - Parameters:
    ///   - size: Of the last group.
    ///   - areGroupsOfFour: Whether all before the last one are.
    private static func isGrouped(_ groups: Int, size: Int, digits: Int, _ areGroupsOfFour: Bool) -> Bool {
        if groups == 1 { return true }
        if areGroupsOfFour { return digits == 16 || digits == 19 }
        return groups == 3 && (digits == 15 && size == 5 || digits == 14 && size == 4)
    }

    /// Whether the first digits are of a network that issues cards: Mastercard 2221–2720 and 51–55, American Express 34 and
    /// 37, Diners 300–305, 36, 38, 39, JCB 3528–3589, Visa 4, Maestro 50 and 56–58, Discover and UnionPay 60, 62, 64, 65.
    ///
    /// Those whose numbers have one length only have it.
    private static func isOfNetwork(_ bytes: Span<UInt8>, _ start: Int, digits: Int) -> Bool {
        var first = 0
        var count = 0
        var index = start
        while index < bytes.count, count < 4 {
            if TextBytes.isDigit(bytes[index]) {
                first = first * 10 + Int(bytes[index] &- 0x30)
                count += 1
            }
            index += 1
        }
        return switch first {
        case 2221...2720, 5100...5599: digits == 16
        case 3400...3499, 3700...3799: digits == 15
        case 3000...3059, 3528...3589, 3600...3699, 3800...5099, 5600...5899, 6000...6099, 6200...6299, 6400...6599:
            true
        default: false
        }
    }

    private static func passesLuhn(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var sum = 0
        var isDoubled = false
        var index = range.upperBound - 1
        while index >= range.lowerBound {
            if TextBytes.isDigit(bytes[index]) {
                let digit = Int(bytes[index] &- 0x30) * (isDoubled ? 2 : 1)
                sum += digit > 9 ? digit - 9 : digit
                isDoubled.toggle()
            }
            index -= 1
        }
        return sum % 10 == 0
    }
}
