/// Tells addresses of IP version 4: four decimal numbers up to 255. This machine's own, which every text about computers
/// holds, is nobody's: 127/8, 0.0.0.0 and 255.255.255.255.
enum IPv4Matcher {
    /// The address that begins with the digit at `start`.
    static func match(_ bytes: Span<UInt8>, at start: Int) -> Range<Int>? {
        guard TextBytes.beginsNumber(bytes, start, joints: ".,-"), let (end, address) = Self.parse(bytes, start),
            TextBytes.endsNumber(bytes, end), address >> 24 != 127, address != 0, address != .max
        else { return nil }
        return start..<end
    }

    /// Reads four numbers without needless zeros.
    static func parse(_ bytes: Span<UInt8>, _ start: Int) -> (end: Int, address: UInt32)? {
        var index = start
        var address: UInt32 = 0
        for part in 0..<4 {
            if part > 0 {
                guard index < bytes.count, bytes[index] == UInt8(ascii: ".") else { return nil }
                index += 1
            }
            let first = index
            var number: UInt32 = 0
            while index < bytes.count, index - first < 4, TextBytes.isDigit(bytes[index]) {
                number = number * 10 + UInt32(bytes[index] &- 0x30)
                index += 1
            }
            guard index > first, number < 256, index == first + 1 || bytes[first] != UInt8(ascii: "0") else {
                return nil
            }
            address = address << 8 | number
        }
        return (index, address)
    }
}

/// Tells addresses of IP version 6 (RFC 4291, section 2.2), whole or shortened. `::` and `::1` are nobody's; a shortened one
/// that could as well be a name in a program (`ab::cd`) is passed over.
enum IPv6Matcher {
    /// No address is longer: eight groups of four, or six and one of version 4.
    private static let longest = 45

    /// The address that begins at `start`.
    static func match(_ bytes: Span<UInt8>, at start: Int) -> Range<Int>? {
        guard TextBytes.isHex(bytes[start]) || TextBytes.matches(bytes, start, "::"),
            TextBytes.beginsNumber(bytes, start, joints: ":.")
        else { return nil }
        var index = start
        var groups = 0
        var gap: Int?
        var firstGroup = 0..<0
        while index - start < Self.longest {
            if TextBytes.matches(bytes, index, "::") {
                guard gap == nil else { return nil }
                gap = groups
                index += 2
            } else if groups > 0, gap != groups {
                guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else { break }
                index += 1
            }
            if groups >= 2 || gap != nil, let (end, _) = IPv4Matcher.parse(bytes, index), groups <= 6 {
                groups += 2
                index = end
                break
            }
            let group = Self.group(bytes, index)
            if group.isEmpty {
                // A colon at the end belongs to the sentence.
                if gap != groups { index -= 1 }
                break
            }
            if groups == 0 { firstGroup = group }
            groups += 1
            index = group.upperBound
            if groups > 8 { return nil }
        }
        guard TextBytes.endsNumber(bytes, index, joints: ".:"), gap == nil ? groups == 8 : groups < 8 else {
            return nil
        }
        if gap != nil, groups < 4, !Self.isTelling(bytes, firstGroup) || gap == 0 { return nil }
        return start..<index
    }

    private static func group(_ bytes: Span<UInt8>, _ start: Int) -> Range<Int> {
        var index = start
        while index < bytes.count, index - start < 4, TextBytes.isHex(bytes[index]) { index += 1 }
        return start..<index
    }

    /// Whether a first group is as networks have it (`2001`, `fe80`) and no word.
    private static func isTelling(_ bytes: Span<UInt8>, _ group: Range<Int>) -> Bool {
        guard group.count >= 3 else { return false }
        for index in group where TextBytes.isDigit(bytes[index]) { return true }
        return false
    }
}
