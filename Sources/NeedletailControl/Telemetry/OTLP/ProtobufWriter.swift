import NIOCore

/// Writes [Protocol Buffers](https://protobuf.dev/programming-guides/encoding/), field by field; as much of it as OTLP
/// needs. Values that are the default are left out, as proto3 does.
struct ProtobufWriter {
    private var content: [UInt8] = []

    /// What has been written.
    var bytes: ByteBuffer { ByteBuffer(bytes: self.content) }

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case delimited = 2
        case fixed32 = 5
    }

    private mutating func tag(_ field: Int, _ type: WireType) {
        self.varint(UInt64(field) << 3 | type.rawValue)
    }

    private mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            self.content.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        self.content.append(UInt8(truncatingIfNeeded: value))
    }

    private mutating func little(_ value: UInt64, bytes: Int) {
        for place in 0..<bytes { self.content.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
    }

    /// `int64`, `uint32`, an enumeration's value.
    ///
    /// - Parameter isMember: Whether it is one of a `oneof`, which is written even if zero: else nothing would be said.
    mutating func int(_ field: Int, _ value: Int, isMember: Bool = false) {
        guard value != 0 || isMember else { return }
        self.tag(field, .varint)
        self.varint(UInt64(bitPattern: Int64(value)))
    }

    /// `bool`.
    mutating func bool(_ field: Int, _ value: Bool, isMember: Bool = false) {
        self.int(field, value ? 1 : 0, isMember: isMember)
    }

    /// `fixed64` and `sfixed64`; written even if zero, for members of a `oneof`.
    mutating func fixed64(_ field: Int, _ value: UInt64) {
        self.tag(field, .fixed64)
        self.little(value, bytes: 8)
    }

    /// `fixed32`.
    mutating func fixed32(_ field: Int, _ value: UInt32) {
        guard value != 0 else { return }
        self.tag(field, .fixed32)
        self.little(UInt64(value), bytes: 4)
    }

    /// `double`; written even if zero.
    mutating func double(_ field: Int, _ value: Double) {
        self.fixed64(field, value.bitPattern)
    }

    /// `string`.
    mutating func string(_ field: Int, _ value: String, isMember: Bool = false) {
        guard !value.isEmpty || isMember else { return }
        self.tag(field, .delimited)
        self.varint(UInt64(value.utf8.count))
        self.content.append(contentsOf: value.utf8)
    }

    /// `bytes` that are whole numbers in network order.
    mutating func bytes(_ field: Int, _ words: UInt64...) {
        self.tag(field, .delimited)
        self.varint(UInt64(8 * words.count))
        for word in words { self.little(word.byteSwapped, bytes: 8) }
    }

    /// `repeated fixed64`, packed.
    mutating func packed(_ field: Int, _ values: [UInt64]) {
        guard !values.isEmpty else { return }
        self.tag(field, .delimited)
        self.varint(UInt64(8 * values.count))
        for value in values { self.little(value, bytes: 8) }
    }

    /// A message inside this one; written even if empty.
    ///
    /// Written in its place, and the length put before it when that is known: nearly all are short, and need no more than
    /// the byte that was kept for it.
    mutating func message(_ field: Int, _ write: (inout ProtobufWriter) -> Void) {
        self.tag(field, .delimited)
        let place = self.content.count
        self.content.append(0)
        write(&self)
        let length = self.content.count - place - 1
        if length < 0x80 {
            self.content[place] = UInt8(truncatingIfNeeded: length)
        } else {
            var prefix = ProtobufWriter()
            prefix.varint(UInt64(length))
            self.content.replaceSubrange(place...place, with: prefix.content)
        }
    }
}
