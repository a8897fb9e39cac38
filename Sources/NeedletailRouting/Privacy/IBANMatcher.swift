/// Tells bank accounts: a country, its length, and the remainder of ISO 7064 MOD 97-10.
enum IBANMatcher {
    /// The account that begins with the letter at `start`, written together or in groups with one space between them.
    static func match(_ bytes: Span<UInt8>, at start: Int) -> Range<Int>? {
        guard start + 15 <= bytes.count, TextBytes.isLetter(bytes[start + 1]),
            TextBytes.isDigit(bytes[start + 2]), TextBytes.isDigit(bytes[start + 3]),
            let length = Self.length(bytes[start] & 0xDF, bytes[start + 1] & 0xDF)
        else { return nil }
        var index = start
        var count = 0
        /// The remainder of all but the first four characters, which count last.
        var remainder = 0
        while count < length, index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: " ") {
                guard count >= 4, bytes[index - 1] != byte else { return nil }
            } else {
                guard TextBytes.isAlphanumeric(byte) else { return nil }
                if count >= 4 { remainder = Self.add(byte, to: remainder) }
                count += 1
            }
            index += 1
        }
        guard count == length, TextBytes.endsWord(bytes, index) else { return nil }
        for place in start..<(start + 4) { remainder = Self.add(bytes[place], to: remainder) }
        return remainder == 1 ? start..<index : nil
    }

    private static func add(_ byte: UInt8, to remainder: Int) -> Int {
        TextBytes.isDigit(byte)
            ? (remainder * 10 + Int(byte &- 0x30)) % 97 : (remainder * 100 + Int((byte & 0xDF) &- 0x41) + 10) % 97
    }

    /// How long a country's accounts are, from the [registry](https://www.swift.com/standards/data-standards/iban) of
    /// January 2025.
    private static func length(_ first: UInt8, _ second: UInt8) -> Int? {
        Self.lengths[UInt16(first) << 8 | UInt16(second)]
    }

    private static let lengths: [UInt16: Int] = {
        let table = """
            AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 \
            ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 \
            LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 \
            PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 \
            YE30
            """
        var lengths: [UInt16: Int] = [:]
        for entry in table.split(separator: " ") {
            let bytes = Array(entry.utf8)
            lengths[UInt16(bytes[0]) << 8 | UInt16(bytes[1])] = Int(entry.dropFirst(2))
        }
        return lengths
    }()
}
