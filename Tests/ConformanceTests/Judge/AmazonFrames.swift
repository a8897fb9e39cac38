import Foundation

/// Amazon's event stream, read and written in the simplest way
/// (<https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html>): total length, headers' length, a checksum of
/// these two, headers, payload, a checksum of all before it.
struct AmazonFrames {
    struct Frame {
        /// The string headers.
        var headers: [String: String]
        var payload: Data
        var raw: Data
    }

    var frames: [Frame] = []
    /// What is left after the last good frame: an unfinished one, or garbage.
    var rest: Data

    init(_ data: Data) {
        self.rest = data
        while let frame = Self.frame(self.rest) {
            self.frames.append(frame)
            self.rest = Data(self.rest.dropFirst(frame.raw.count))
        }
    }

    private static func frame(_ data: Data) -> Frame? {
        let bytes = [UInt8](data)
        guard bytes.count >= 16 else { return nil }
        let total = Int(self.number(bytes, 0))
        let headerSize = Int(self.number(bytes, 4))
        guard total >= 16 + headerSize, total <= bytes.count, self.number(bytes, 8) == self.checksum(bytes[0..<8]),
            self.number(bytes, total - 4) == self.checksum(bytes[0..<(total - 4)]),
            let headers = self.headers(bytes[12..<(12 + headerSize)])
        else { return nil }
        return Frame(
            headers: headers, payload: Data(bytes[(12 + headerSize)..<(total - 4)]), raw: Data(bytes[0..<total]))
    }

    /// Each: a length and a name, a type, and for strings and bytes a length and the value.
    private static func headers(_ bytes: ArraySlice<UInt8>) -> [String: String]? {
        var rest = bytes
        var headers: [String: String] = [:]
        while let length = rest.popFirst() {
            guard rest.count > Int(length) else { return nil }
            let name = String(decoding: rest.prefix(Int(length)), as: UTF8.self)
            rest = rest.dropFirst(Int(length))
            guard let type = rest.popFirst() else { return nil }
            let sizes: [UInt8: Int] = [0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16]
            if let size = sizes[type] {
                guard rest.count >= size else { return nil }
                rest = rest.dropFirst(size)
                continue
            }
            guard type == 6 || type == 7, rest.count >= 2 else { return nil }
            let size = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard rest.count >= size else { return nil }
            if type == 7 { headers[name] = String(decoding: rest.prefix(size), as: UTF8.self) }
            rest = rest.dropFirst(size)
        }
        return headers
    }

    private static func number(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// CRC-32 as in gzip (RFC 1952, section 8), bit by bit.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var sum = ~UInt32(0)
        for byte in bytes { sum = (sum >> 8) ^ self.table[Int((sum ^ UInt32(byte)) & 0xff)] }
        return ~sum
    }

    private static let table: [UInt32] = (0..<256).map { value in
        (0..<8).reduce(UInt32(value)) { sum, _ in sum & 1 == 1 ? 0xedb8_8320 ^ (sum >> 1) : sum >> 1 }
    }

    /// One frame.
    static func write(_ headers: [(String, String)], _ payload: Data) -> Data {
        var block: [UInt8] = []
        for (name, value) in headers {
            block.append(UInt8(name.utf8.count))
            block += Array(name.utf8)
            block.append(7)
            block += [UInt8(value.utf8.count >> 8), UInt8(value.utf8.count & 0xff)] + Array(value.utf8)
        }
        var bytes = self.spread(UInt32(16 + block.count + payload.count)) + self.spread(UInt32(block.count))
        bytes += self.spread(self.checksum(bytes))
        bytes += block + [UInt8](payload)
        bytes += self.spread(self.checksum(bytes))
        return Data(bytes)
    }

    private static func spread(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    /// An event as Bedrock sends it.
    static func event(_ type: String, _ json: String) -> Data {
        self.write(
            [(":event-type", type), (":content-type", "application/json"), (":message-type", "event")], Data(json.utf8))
    }
}
