import NIOCore
import NeedletailCore

/// Watches a stream that passes through unchanged.
///
/// An ordinary delta costs one scan of its bytes: it is checked to be JSON, and its `type` is compared in place. Only
/// `message_start`, `message_delta` and errors are decoded.
struct AnthropicMessagesStreamTap: StreamTap {
    private var counters = AnthropicUsage()
    private var hasStarted = false
    private var hasStopReason = false
    private(set) var isTerminated = false

    var usage: Usage? { self.counters.usage }
    var isComplete: Bool { self.isTerminated || self.hasStopReason }

    mutating func observe(name: ByteBuffer, data: ByteBuffer) throws(NeedletailError) -> TapVerdict {
        let type = try Self.type(data)
        switch type {
        case .delta, .blockStart, .blockStop:
            guard self.hasStarted else { throw Self.noStart }
        case .state:
            guard self.hasStarted else { throw Self.noStart }
            return .state
        case .other: break
        case .messageStart: try self.read(data)
        case .messageDelta:
            guard self.hasStarted else { throw Self.noStart }
            try self.read(data)
        case .messageStop:
            guard self.hasStarted else { throw Self.noStart }
            self.isTerminated = true
        case .error: try self.read(data)
        case .unclear(let mayHoldState):
            try self.read(data)
            return mayHoldState ? .state : .forward
        }
        return .forward
    }

    func writeEnd(into out: inout ByteBuffer) {
        out.writeStaticString("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    }

    private static var noStart: NeedletailError {
        NeedletailError(.malformedReply, "The provider's stream does not begin with message_start.")
    }

    /// Decodes the rare events, and those whose type does not stand where it always stands.
    private mutating func read(_ data: ByteBuffer) throws(NeedletailError) {
        let root: JSONView
        do {
            root = try JSONDocument(data).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider sent an event that is not valid JSON.", cause: error)
        }
        switch root.present("type")?.string {
        case "message_start":
            guard let message = root.present("message"), message.kind == .object else {
                throw NeedletailError(.malformedReply, "The provider's message_start has no message.")
            }
            guard !self.hasStarted else { return }
            self.hasStarted = true
            if let usage = message.present("usage") { self.counters.merge(usage) }
            if message.present("stop_reason") != nil { self.hasStopReason = true }
        case "message_delta":
            guard self.hasStarted else { throw Self.noStart }
            if root.present("delta")?.present("stop_reason") != nil { self.hasStopReason = true }
            if let usage = root.present("usage") { self.counters.merge(usage) }
        case "message_stop":
            guard self.hasStarted else { throw Self.noStart }
            self.isTerminated = true
        case "content_block_start", "content_block_delta", "content_block_stop":
            guard self.hasStarted else { throw Self.noStart }
        case "error": throw AnthropicMessages.failure(root, status: 200, requestID: nil)
        case nil:
            if root.present("error") != nil { throw AnthropicMessages.failure(root, status: 200, requestID: nil) }
            throw NeedletailError(.malformedReply, "The provider sent an event without a type.")
        default: break
        }
    }

    // MARK: The quick look

    private enum EventType {
        case messageStart, messageDelta, messageStop, blockStart, delta, blockStop, other, error
        /// A delta or the start of a block, with a signature or redacted reasoning in it.
        case state
        /// `type` is not the first member, or is spelled unusually.
        case unclear(mayHoldState: Bool)
    }

    /// Checks that `data` is one JSON object and looks at a `type` that is its first member.
    private static func type(_ data: ByteBuffer) throws(NeedletailError) -> EventType {
        let bytes = data.readableBytesUInt8Span
        guard bytes.count > 0 else {
            throw NeedletailError(.malformedReply, "The provider sent an empty event.")
        }
        let start = JSONScanner.skipWhitespace(bytes, 0)
        var scan = JSONStateScan()
        let end: Int
        do {
            guard start < bytes.count else { throw JSONError(.empty, at: start) }
            end = JSONScanner.skipWhitespace(bytes, try scan.value(bytes, start))
            guard end == bytes.count else { throw JSONError(.trailingBytes, at: end) }
        } catch {
            if AnthropicStreamMark.isDone(data) { return .other }
            throw NeedletailError(.malformedReply, "The provider sent an event that is not valid JSON.", cause: error)
        }
        guard bytes[start] == UInt8(ascii: "{") else { return .unclear(mayHoldState: scan.mayHoldState) }
        var index = JSONScanner.skipWhitespace(bytes, start + 1)
        guard Self.matches(bytes, index, "\"type\"") else { return .unclear(mayHoldState: scan.mayHoldState) }
        index = JSONScanner.skipWhitespace(bytes, index + 6)
        guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else {
            return .unclear(mayHoldState: scan.mayHoldState)
        }
        index = JSONScanner.skipWhitespace(bytes, index + 1)
        if Self.matches(bytes, index, "\"content_block_delta\"") { return scan.mayHoldState ? .state : .delta }
        if Self.matches(bytes, index, "\"content_block_start\"") { return scan.mayHoldState ? .state : .blockStart }
        if Self.matches(bytes, index, "\"content_block_stop\"") { return .blockStop }
        if Self.matches(bytes, index, "\"ping\"") { return .other }
        if Self.matches(bytes, index, "\"message_start\"") { return .messageStart }
        if Self.matches(bytes, index, "\"message_delta\"") { return .messageDelta }
        if Self.matches(bytes, index, "\"message_stop\"") { return .messageStop }
        if Self.matches(bytes, index, "\"error\"") { return .error }
        return .unclear(mayHoldState: scan.mayHoldState)
    }

    private static func matches(_ bytes: Span<UInt8>, _ start: Int, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard start >= 0, start &+ count <= bytes.count else { return false }
        return word.withUTF8Buffer { letters in
            for offset in 0..<count where unsafe bytes[start &+ offset] != letters[offset] { return false }
            return true
        }
    }
}
