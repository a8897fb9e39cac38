import NIOCore

/// Writes [Protocol Buffers](https://protobuf.dev/programming-guides/encoding/), field by field; as much of it as OTLP
/// needs. Values that are the default are left out, as proto3 does.
struct ProtobufWriter {
    /// What has been written.
    private(set) var bytes = ByteBuffer()

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
            self.bytes.writeInteger(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        self.bytes.writeInteger(UInt8(truncatingIfNeeded: value))
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
        self.bytes.writeInteger(value, endianness: .little)
    }

    /// `fixed32`.
    mutating func fixed32(_ field: Int, _ value: UInt32) {
        guard value != 0 else { return }
        self.tag(field, .fixed32)
        self.bytes.writeInteger(value, endianness: .little)
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
        self.bytes.writeString(value)
    }

    /// `bytes` that are whole numbers in network order.
    mutating func bytes(_ field: Int, _ words: UInt64...) {
        self.tag(field, .delimited)
        self.varint(UInt64(8 * words.count))
        for word in words { self.bytes.writeInteger(word) }
    }

    /// `repeated fixed64`, packed.
    mutating func packed(_ field: Int, _ values: [UInt64]) {
        guard !values.isEmpty else { return }
        self.tag(field, .delimited)
        self.varint(UInt64(8 * values.count))
        for value in values { self.bytes.writeInteger(value, endianness: .little) }
    }

    /// A message inside this one; written even if empty.
    mutating func message(_ field: Int, _ write: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        write(&inner)
        self.tag(field, .delimited)
        self.varint(UInt64(inner.bytes.readableBytes))
        self.bytes.writeBuffer(&inner.bytes)
    }
}
