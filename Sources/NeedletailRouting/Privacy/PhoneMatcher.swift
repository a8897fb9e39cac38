/// Tells telephone numbers by their spelling; numbers without one of these are ordinary numbers.
///
/// - `+` and 8 to 15 digits (ITU-T E.164), 9 at least where nothing groups them;
/// - `00` and a country, grouped;
/// - North America's 3-3-4 with hyphens, points or the area in parentheses;
/// - a national number with its 0, grouped as numbers of calls are and dates are not;
/// - 7 to 15 digits behind a word such as `tel` or `phone`.
enum PhoneMatcher {
    private static let words: [StaticString] = [
        "tel", "phone", "call", "mobile", "mob", "cell", "fax", "dial", "sms", "whatsapp", "handy", "mobil", "telefon",
    ]

    /// The number that begins at `start` with a digit, `+` or `(`: the longest of its groups that are one.
    static func match(_ bytes: Span<UInt8>, at start: Int) -> Range<Int>? {
        guard TextBytes.beginsNumber(bytes, start, joints: ".,-/+") else { return nil }
        var rest = PhoneSpelling(bytes, at: start)
        while let number = rest {
            if TextBytes.endsNumber(bytes, number.end, joints: ".,-/:"), Self.isOne(bytes, start, number) {
                return start..<number.end
            }
            rest = number.shorter
        }
        return nil
    }

    private static func isOne(_ bytes: Span<UInt8>, _ start: Int, _ number: PhoneSpelling) -> Bool {
        number.hasPlus
            ? Self.isInternational(number)
            : Self.isNorthAmerican(number) || Self.isNational(bytes, start, number)
                || Self.isNamed(bytes, start, number)
    }

    private static func isInternational(_ number: PhoneSpelling) -> Bool {
        number.first != 0 && (number.groups > 1 ? 8...15 : 9...15).contains(number.digits)
    }

    private static func isNorthAmerican(_ number: PhoneSpelling) -> Bool {
        let first = number.groups == 4 && number.sizes[0] == 1 && number.first == 1 ? 1 : 0
        guard number.groups == first + 3, number.sizes[first] == 3, number.sizes[first + 1] == 3,
            number.sizes[first + 2] == 4, number.leads[first] >= 2, number.leads[first + 1] >= 2
        else { return false }
        return number.hasParentheses || !number.hasOnlySpaces
    }

    private static func isNational(_ bytes: Span<UInt8>, _ start: Int, _ number: PhoneSpelling) -> Bool {
        guard !Self.isInNumber(bytes, start), number.first == 0, number.groups > 1,
            !number.hasPoints || number.groups == 5
        else { return false }
        if number.second == 0 { return (10...17).contains(number.digits) && !number.hasPoints }
        let sizes = number.sizes
        if number.groups == 5, (0..<5).allSatisfy({ sizes[$0] == 2 }) { return true }
        if number.hasParentheses { return (8...12).contains(number.digits) }
        if sizes[0] == 2 {
            return number.groups == 2 ? sizes[1] == 8 : number.groups == 3 && sizes[1] == 4 && sizes[2] == 4
        }
        return (3...5).contains(sizes[0]) && (9...12).contains(number.digits)
    }

    /// Whether digits and a space stand before it, so that it is the rest of another number.
    private static func isInNumber(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
        start >= 2 && bytes[start - 1] == UInt8(ascii: " ") && TextBytes.isDigit(bytes[start - 2])
    }

    /// Whether one of the words stands before it, with no more than a few signs between them.
    private static func isNamed(_ bytes: Span<UInt8>, _ start: Int, _ number: PhoneSpelling) -> Bool {
        guard (7...15).contains(number.digits) else { return false }
        var end = start
        while end > 0, start - end < 4, !TextBytes.isWord(bytes[end - 1]), bytes[end - 1] < 0x80 { end -= 1 }
        var begin = end
        while begin > 0, end - begin < 10, TextBytes.isLetter(bytes[begin - 1]) { begin -= 1 }
        guard begin < end else { return false }
        return Self.words.contains { word in
            guard word.utf8CodeUnitCount == end - begin else { return false }
            return word.withUTF8Buffer { letters in
                for offset in 0..<(end - begin) where unsafe bytes[begin + offset] | 0x20 != letters[offset] {
                    return false
                }
                return true
            }
        }
    }
}
