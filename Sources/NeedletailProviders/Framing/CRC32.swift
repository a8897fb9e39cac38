import NIOCore

/// CRC-32 as gzip has it (RFC 1952, section 8): polynomial 0xEDB88320, reflected, inverted before and after.
enum CRC32 {
    /// The checksum of `bytes` in `range`.
    static func checksum(_ bytes: Span<UInt8>, in range: Range<Int>) -> UInt32 {
        let tables = Self.tables.span
        var crc: UInt32 = 0xFFFF_FFFF
        var index = range.lowerBound
        // Eight bytes at a time, each through a table of its own ("slicing by 8").
        while index &+ 8 <= range.upperBound {
            let low =
                crc ^ UInt32(bytes[index]) ^ UInt32(bytes[index &+ 1]) << 8 ^ UInt32(bytes[index &+ 2]) << 16
                ^ UInt32(bytes[index &+ 3]) << 24
            crc =
                tables[7 << 8 | Int(low & 0xFF)] ^ tables[6 << 8 | Int(low >> 8 & 0xFF)]
                ^ tables[5 << 8 | Int(low >> 16 & 0xFF)] ^ tables[4 << 8 | Int(low >> 24)]
            crc =
                crc ^ tables[3 << 8 | Int(bytes[index &+ 4])] ^ tables[2 << 8 | Int(bytes[index &+ 5])]
                ^ tables[1 << 8 | Int(bytes[index &+ 6])] ^ tables[Int(bytes[index &+ 7])]
            index &+= 8
        }
        while index < range.upperBound {
            crc = crc >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[index])]
            index &+= 1
        }
        return ~crc
    }

    /// The checksum of what `buffer` holds from `offset` on.
    static func checksum(_ buffer: ByteBuffer, from offset: Int = 0) -> UInt32 {
        let bytes = buffer.readableBytesUInt8Span
        return Self.checksum(bytes, in: min(offset, bytes.count)..<bytes.count)
    }

    /// Table `k` holds, for each byte, its remainder with `k` zero bytes behind it.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            tables[byte] = crc
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()
}
