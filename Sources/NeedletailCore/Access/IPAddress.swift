/// An address of a machine, version 4 or 6. One of version 4 is kept as version 6 maps it (RFC 4291, section 2.5.5.2), so
/// that a client is the same whatever socket it came by.
public struct IPAddress: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    /// Whether it is one of version 4.
    public var isVersion4: Bool { self.high == 0 && self.low >> 32 == 0xFFFF }

    /// Reads `192.0.2.7` or `2001:db8::7`; a zone (`%eth0`) is no part of an address. `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        if !text.utf8.contains(UInt8(ascii: ":")) {
            guard let number = Self.version4(text[...]) else { return nil }
            self.high = 0
            self.low = 0xFFFF_0000_0000 | UInt64(number)
            return
        }
        guard let groups = Self.groups(of: text) else { return nil }
        self.high = groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }
        self.low = groups[4...].reduce(0) { $0 << 16 | UInt64($1) }
    }

    private static func groups(of text: some StringProtocol) -> [UInt16]? {
        var halves: [[UInt16]] = [[]]
        var parts = text.split(separator: ":", omittingEmptySubsequences: false)[...]
        guard parts.count > 2 else { return nil }
        // A colon at either end is half of `::`.
        if parts.first?.isEmpty == true {
            guard parts.dropFirst().first?.isEmpty == true else { return nil }
            parts.removeFirst()
        }
        if parts.count > 1, parts.last?.isEmpty == true {
            guard parts.dropLast().last?.isEmpty == true else { return nil }
            parts.removeLast()
        }
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                halves.append([])
            } else if part.utf8.contains(UInt8(ascii: ".")) {
                guard index == parts.count - 1, let number = Self.version4(part[...]) else { return nil }
                halves[halves.count - 1] += [UInt16(number >> 16), UInt16(truncatingIfNeeded: number)]
            } else {
                guard part.utf8.count <= 4, part.utf8.allSatisfy(Self.isDigit), let group = UInt16(part, radix: 16)
                else { return nil }
                halves[halves.count - 1].append(group)
            }
        }
        let count = halves.reduce(0) { $0 + $1.count }
        switch halves.count {
        case 1: return count == 8 ? halves[0] : nil
        case 2: return count < 8 ? halves[0] + Array(repeating: 0, count: 8 - count) + halves[1] : nil
        default: return nil
        }
    }

    private static func isDigit(_ unit: UInt8) -> Bool {
        (48...57).contains(unit) || (65...70).contains(unit) || (97...102).contains(unit)
    }

    private static func version4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            // A leading zero means octal to some readers and nothing to others.
            guard (1...3).contains(part.utf8.count), part == "0" || part.utf8.first != UInt8(ascii: "0"),
                part.utf8.allSatisfy({ (48...57).contains($0) }), let byte = UInt8(part)
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        return number
    }
}
