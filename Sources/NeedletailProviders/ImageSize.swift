/// The size of a PNG, GIF or JPEG image, from its first bytes.
struct ImageSize: Equatable {
    /// In pixels.
    var width: Int
    /// In pixels.
    var height: Int

    /// As far as a JPEG is searched for its frame header; previews and profiles stand before it.
    static let searchedBytes = 64 << 10

    /// Reads the header of base64 data; `nil` if it is none of the formats.
    init?(base64 data: some StringProtocol) {
        let head = String(data.prefix(Self.searchedBytes / 3 * 4))
        guard let bytes = Base64.decode(head, limit: Self.searchedBytes) else { return nil }
        self.init(bytes)
    }

    init?(_ bytes: [UInt8]) {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), bytes.count >= 24 {
            // PNG: the header chunk comes first.
            self.width = Self.number(bytes[16..<20])
            self.height = Self.number(bytes[20..<24])
        } else if bytes.starts(with: [0x47, 0x49, 0x46, 0x38]), bytes.count >= 10 {
            // GIF: little endian.
            self.width = Self.number(bytes[6..<8].reversed())
            self.height = Self.number(bytes[8..<10].reversed())
        } else if bytes.starts(with: [0xFF, 0xD8]) {
            guard let size = Self.jpeg(bytes) else { return nil }
            self = size
        } else {
            return nil
        }
    }

    private init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// Steps from marker to marker up to a start of frame (ITU-T T.81, annex B).
    private static func jpeg(_ bytes: [UInt8]) -> Self? {
        var index = 2
        while index + 9 <= bytes.count {
            guard bytes[index] == 0xFF else { return nil }
            let marker = bytes[index + 1]
            if marker == 0xFF {
                index += 1
                continue
            }
            switch marker {
            case 0xC4, 0xC8, 0xCC: break
            case 0xC0...0xCF:
                let height = Self.number(bytes[(index + 5)..<(index + 7)])
                return Self(width: Self.number(bytes[(index + 7)..<(index + 9)]), height: height)
            default: break
            }
            let length = Self.number(bytes[(index + 2)..<(index + 4)])
            guard length >= 2 else { return nil }
            index += 2 + length
        }
        return nil
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}
