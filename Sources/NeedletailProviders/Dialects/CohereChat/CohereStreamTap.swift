import NIOCore
import NeedletailCore

/// Watches a stream that passes through: one scan an event, and a closer look at the last one.
struct CohereStreamTap: StreamTap {
    private(set) var usage: Usage?
    private(set) var isTerminated = false
    private var hasEnded = false

    var isComplete: Bool { self.isTerminated || self.hasEnded }

    mutating func observe(name: ByteBuffer, data: ByteBuffer) throws(NeedletailError) -> TapVerdict {
        if OpenAIChatStreamTap.isEndMarker(data) {
            self.isTerminated = true
            return .forward
        }
        guard data.readableBytes > 0 else { return .forward }
        let isTelling: Bool
        do throws(JSONError) {
            isTelling = try Self.isTelling(data.readableBytesUInt8Span)
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds an event that is no JSON object.", cause: error,
                mayHaveBeenProcessed: true)
        }
        guard isTelling, let document = try? JSONDocument(data) else { return .forward }
        if let failure = CohereStreamDecoder.failure(document.root) { throw failure }
        guard document.root.present("type")?.string == "message-end" else { return .forward }
        self.hasEnded = true
        self.usage = CohereUsage.read(document.root.present("delta")?.present("usage")) ?? self.usage
        return .forward
    }

    func writeEnd(into out: inout ByteBuffer) { out.writeStaticString("data: [DONE]\n\n") }

    /// Whether the event ends the message or is none of its events.
    private static func isTelling(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
        let start = JSONScanner.skipWhitespace(bytes, 0)
        guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else {
            throw JSONError(.unexpectedByte, at: start)
        }
        var cursor = JSONObjectCursor(at: start)
        var isOrdinary = false
        while let key = try cursor.next(bytes) {
            let value = cursor.valueStart
            let end = try JSONScanner.value(bytes, value)
            cursor.valueEnded(at: end)
            guard JSONScanner.isKey(bytes, key, "type") else { continue }
            isOrdinary = !OpenAIChatMembers.equals(bytes, value..<end, "\"message-end\"")
        }
        let end = JSONScanner.skipWhitespace(bytes, cursor.end)
        guard end == bytes.count else { throw JSONError(.trailingBytes, at: end) }
        return !isOrdinary
    }
}
