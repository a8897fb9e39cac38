package import NIOCore

/// Writes pieces of text one behind the other into a buffer's free space.
///
/// A head is some fifty pieces of ten bytes. ``ByteBuffer`` looks at its room and at who shares it for every one, which took
/// more than the copying.
@safe
package struct TextWriter: ~Copyable {
    private let start: UnsafeMutableRawPointer?
    private let room: Int
    /// Bytes of all pieces, also of those for which there was no room.
    private(set) var count = 0

    fileprivate init(_ space: UnsafeMutableRawBufferPointer) {
        unsafe self.start = space.baseAddress
        self.room = space.count
    }

    /// Appends a text.
    package mutating func write(_ text: String) {
        let isCopied: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
            unsafe self.copy(UnsafeRawBufferPointer($0))
        }
        if isCopied == nil { for unit in text.utf8 { self.write(unit) } }
    }

    /// Appends a text that the compiler knows.
    package mutating func write(_ text: StaticString) {
        unsafe self.copy(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a byte.
    package mutating func write(_ byte: UInt8) {
        if self.count < self.room { unsafe self.start?.storeBytes(of: byte, toByteOffset: self.count, as: UInt8.self) }
        self.count += 1
    }

    /// Appends a number of at least 0 in decimal digits.
    package mutating func write(decimal value: Int) {
        if value >= 10 { self.write(decimal: value / 10) }
        self.write(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10))
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count <= self.room - self.count, let source = bytes.baseAddress {
            unsafe (self.start?.advanced(by: self.count))?.copyMemory(from: source, byteCount: bytes.count)
        }
        self.count += bytes.count
    }
}

extension ByteBuffer {
    /// Appends what `body` writes; it is called again when there was too little room, so it must write the same then.
    package mutating func writeText<Failure: Error>(
        _ body: (inout TextWriter) throws(Failure) -> Void
    ) throws(Failure) {
        while true {
            var needed = 0
            var failure: Failure?
            unsafe self.withUnsafeMutableWritableBytes { space in
                var writer = unsafe TextWriter(space)
                do throws(Failure) { try body(&writer) } catch { failure = error }
                needed = writer.count
            }
            if let failure { throw failure }
            if needed <= self.writableBytes {
                self.moveWriterIndex(forwardBy: needed)
                return
            }
            self.reserveCapacity(minimumWritableBytes: needed)
        }
    }
}
