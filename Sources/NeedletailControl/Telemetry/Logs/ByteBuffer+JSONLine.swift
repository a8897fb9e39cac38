import NIOCore
import NeedletailCore

extension ByteBuffer {
    /// Appends one JSON value and the end of the line.
    mutating func writeJSONLine(_ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter(appendingTo: self)
        // So that the writer owns the storage alone.
        self = ByteBuffer()
        body(&json)
        self = json.bytes
        self.writeInteger(UInt8(ascii: "\n"))
    }
}
