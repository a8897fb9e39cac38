import NIOCore
import NeedletailCore

/// What all turns of a conversation have in common: the text of its first user message.
///
/// Only text counts. Clients move cache markers about from turn to turn, and some write the same JSON differently.
enum ConversationBeginning {
    /// A hash of the beginning; `nil` for a request that holds no conversation.
    static func hash(_ request: InferenceRequest) -> UInt64? {
        guard request.operation.isChat else { return nil }
        switch request.body {
        case .wire(let body, _): return Self.hash(body.bytes)
        case .model(let chat): return Self.hash(chat)
        }
    }

    private static func hash(_ chat: ChatRequest) -> UInt64? {
        guard let message = chat.messages.first(where: { $0.role == .user }) else { return nil }
        var hash = StableHash(seed: 0)
        for case .text(let part) in message.content { hash.combine(part.text) }
        return hash.value
    }

    /// Steps through the top level until the conversation, and no further.
    private static func hash(_ body: ByteBuffer) -> UInt64? {
        let bytes = body.readableBytesUInt8Span
        do {
            let start = JSONScanner.skipWhitespace(bytes, 0)
            guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else { return nil }
            var cursor = JSONObjectCursor(at: start)
            while let key = try cursor.next(bytes) {
                let value = cursor.valueStart
                if Self.isConversation(bytes, key) { return try Self.hash(bytes, value, body) }
                cursor.valueEnded(at: try JSONScanner.value(bytes, value))
            }
        } catch {
            // What is no JSON is refused further in, in the dialect's words.
            return nil
        }
        return nil
    }

    private static func isConversation(_ bytes: Span<UInt8>, _ key: JSONObjectCursor.Key) -> Bool {
        JSONScanner.isKey(bytes, key, "messages") || JSONScanner.isKey(bytes, key, "input")
            || JSONScanner.isKey(bytes, key, "contents") || JSONScanner.isKey(bytes, key, "prompt")
    }

    private static func hash(_ bytes: Span<UInt8>, _ start: Int, _ body: ByteBuffer) throws(JSONError) -> UInt64? {
        switch bytes[start] {
        case UInt8(ascii: "\""):
            var hash = StableHash(seed: 0)
            hash.combine(JSONScanner.text(bytes, start..<(try JSONScanner.value(bytes, start))))
            return hash.value
        case UInt8(ascii: "["): return try Self.firstUser(bytes, start, body)
        default: return nil
        }
    }

    /// The first element that is a user's; others before it are scanned, none after it.
    private static func firstUser(
        _ bytes: Span<UInt8>, _ start: Int, _ body: ByteBuffer
    ) throws(JSONError) -> UInt64? {
        var index = JSONScanner.skipWhitespace(bytes, start + 1)
        while index < bytes.count, bytes[index] != UInt8(ascii: "]") {
            let end = try JSONScanner.value(bytes, index)
            let slice = body.getSlice(at: body.readerIndex + index, length: end - index) ?? ByteBuffer()
            let view = try JSONDocument(slice).root
            // Gemini's may leave the role out.
            if (view["role"]?.string ?? "user") == "user" {
                var hash = StableHash(seed: 0)
                Self.combine(view.present("content") ?? view.present("parts") ?? view, into: &hash)
                return hash.value
            }
            index = JSONScanner.skipWhitespace(bytes, end)
            if index < bytes.count, bytes[index] == UInt8(ascii: ",") {
                index = JSONScanner.skipWhitespace(bytes, index + 1)
            }
        }
        return nil
    }

    private static func combine(_ content: JSONView, into hash: inout StableHash) {
        if let text = content.string { return hash.combine(text) }
        for part in content.elements {
            if let text = part.string ?? part["text"]?.string { hash.combine(text) }
        }
    }
}
