import NIOCore
import NeedletailCore

/// Watches a stream that passes through. One scan per event; only the events that begin or end a response are decoded.
struct OpenAIResponsesStreamTap: StreamTap {
    private(set) var usage: Usage?
    private(set) var decoded: JSONView?
    /// Whether the response has ended. OpenAI sends nothing after that, some servers a `[DONE]`.
    private(set) var isComplete = false
    private(set) var isTerminated = false

    mutating func observe(name: ByteBuffer, data: ByteBuffer) throws(NeedletailError) -> TapVerdict {
        guard data.readableBytes > 0 else { return .forward }
        if OpenAIChatStreamTap.isEndMarker(data) {
            self.isTerminated = true
            return .forward
        }
        guard try Self.mayEnd(data) else { return .forward }
        try self.read(name, data)
        return self.isComplete ? .state : .forward
    }

    /// A response needs no marker beyond its last event.
    func writeEnd(into out: inout ByteBuffer) {}

    private mutating func read(_ name: ByteBuffer, _ data: ByteBuffer) throws(NeedletailError) {
        guard let root = try? JSONDocument(data).root else { return }
        let response = root.present("response")
        switch root.present("type")?.string ?? String(buffer: name) {
        case "response.completed", "response.incomplete", "response.cancelled", "response.done":
            if response?.present("status")?.string == "failed" { throw OpenAIResponses.failure(response ?? root) }
            if let response, let usage = OpenAIResponses.usage(in: response) { self.usage = usage }
            self.isComplete = true
            self.decoded = root
        case "response.failed": throw OpenAIResponses.failure(response ?? root)
        case "error": throw OpenAIResponses.failure(root)
        case let type:
            if !type.hasPrefix("response."), root.present("error") != nil { throw OpenAIResponses.failure(root) }
        }
    }

    /// Checks that an event is one JSON object, and whether its type is one that this tap reads. The type of nearly all
    /// events ends in `delta`, `added` or `done`.
    private static func mayEnd(_ data: ByteBuffer) throws(NeedletailError) -> Bool {
        let bytes = data.readableBytesUInt8Span
        do throws(JSONError) {
            var members = try OpenAIChatMembers(bytes, at: JSONScanner.skipWhitespace(bytes, 0))
            var isTold = false
            var mayEnd = false
            while try members.next(bytes) {
                let start = members.position
                members.position = try JSONScanner.value(bytes, start)
                guard members.hasKey("type", bytes) else { continue }
                let type = start..<members.position
                isTold = true
                mayEnd = !["delta\"", "added\"", "done\"", "in_progress\"", "created\""].contains {
                    (end: StaticString) in
                    let count = end.utf8CodeUnitCount
                    return type.count > count
                        && OpenAIChatMembers.equals(bytes, (type.upperBound - count)..<type.upperBound, end)
                }
                if OpenAIChatMembers.equals(bytes, type, "\"response.done\"") { mayEnd = true }
            }
            let end = JSONScanner.skipWhitespace(bytes, members.position)
            guard end == bytes.count else { throw JSONError(.trailingBytes, at: end) }
            return mayEnd || !isTold
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds an event that is no JSON object.", cause: error,
                mayHaveBeenProcessed: true)
        }
    }
}
