import NIOCore
import NeedletailCore

/// Watches a stream that passes through: one scan a line, and a closer look at the last one.
struct OllamaStreamTap: StreamTap {
    private(set) var usage: Usage?
    private(set) var isComplete = false
    /// The line that ends the reply ends the stream.
    var isTerminated: Bool { self.isComplete }

    mutating func observe(name: ByteBuffer, data: ByteBuffer) throws(NeedletailError) -> TapVerdict {
        let isTelling: Bool
        do throws(JSONError) {
            isTelling = try Self.isTelling(data.readableBytesUInt8Span)
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds a line that is no JSON object.", cause: error,
                mayHaveBeenProcessed: true)
        }
        guard isTelling else { return .forward }
        let root = try OllamaReply.root(data)
        if root.present("done")?.bool == true {
            self.usage = OllamaUsage.read(root)
            self.isComplete = true
        }
        return .forward
    }

    /// The last line is the end, so there is none to add.
    func writeEnd(into out: inout ByteBuffer) {}

    /// Whether the line says that the reply is over or has failed.
    private static func isTelling(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
        let start = JSONScanner.skipWhitespace(bytes, 0)
        guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else {
            throw JSONError(.unexpectedByte, at: start)
        }
        var cursor = JSONObjectCursor(at: start)
        var isTelling = false
        while let key = try cursor.next(bytes) {
            let value = cursor.valueStart
            cursor.valueEnded(at: try JSONScanner.value(bytes, value))
            if JSONScanner.isKey(bytes, key, "done") {
                isTelling = isTelling || bytes[value] == UInt8(ascii: "t")
            } else if JSONScanner.isKey(bytes, key, "error") || JSONScanner.isKey(bytes, key, "object") {
                isTelling = true
            }
        }
        let end = JSONScanner.skipWhitespace(bytes, cursor.end)
        guard end == bytes.count else { throw JSONError(.trailingBytes, at: end) }
        return isTelling
    }
}
