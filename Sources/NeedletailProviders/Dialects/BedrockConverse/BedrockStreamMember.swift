import NIOCore
import NeedletailCore

/// What a frame of a stream is, by its name.
enum BedrockStreamMember {
    case messageStart, blockStart, blockDelta, blockStop, messageStop, metadata
    /// A failure, by its type.
    case failure(String)
    case other

    init(name: ByteBuffer) {
        let bytes = name.readableBytesUInt8Span
        let whole = 0..<bytes.count
        func has(_ word: StaticString) -> Bool { EventStreamHeaders.equals(bytes, whole, word) }
        let prefix = EventStreamFormat.failurePrefix
        if bytes.count >= prefix.utf8CodeUnitCount,
            EventStreamHeaders.equals(bytes, 0..<prefix.utf8CodeUnitCount, prefix)
        {
            var type = name
            type.moveReaderIndex(forwardBy: prefix.utf8CodeUnitCount)
            self = .failure(String(buffer: type))
            return
        }
        switch bytes.count {
        case 17 where has("contentBlockDelta"): self = .blockDelta
        case 17 where has("contentBlockStart"): self = .blockStart
        case 16 where has("contentBlockStop"): self = .blockStop
        case 12 where has("messageStart"): self = .messageStart
        case 11 where has("messageStop"): self = .messageStop
        case 8 where has("metadata"): self = .metadata
        default: self = .other
        }
    }

    /// The payload of a frame.
    static func payload(_ data: ByteBuffer) throws(NeedletailError) -> JSONView {
        do {
            return try JSONDocument(data).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider sent an event that is not valid JSON.", cause: error)
        }
    }

    /// What a frame that tells a failure means.
    static func error(_ type: String, _ data: ByteBuffer) -> NeedletailError {
        let root = (try? JSONDocument(data))?.root
        return BedrockConverse.failure(type: type, root, status: 200, requestID: nil)
    }
}
