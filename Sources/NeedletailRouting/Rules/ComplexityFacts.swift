import NIOCore
public import NeedletailCore

extension ComplexityScore.Facts {
    /// Reads the facts of a request: one more scan of its bytes, which only groups with tiers pay for.
    public init(_ request: InferenceRequest) {
        self.init(
            tokens: request.estimatedInputTokens, hasSchema: request.features.contains(.structuredOutput),
            asksForReasoning: request.features.contains(.reasoning))
        switch request.body {
        case .wire(let body, _): self.read(body.bytes)
        case .model(let chat):
            self.turns = chat.messages.count
            self.tools = chat.tools.count
            for message in chat.messages {
                for case .text(let part) in message.content { self.codeBlocks += Self.fences(in: part.text.utf8.span) }
            }
            self.codeBlocks /= 2
        }
        // Tools that are not at the top level in this dialect count as one.
        if self.tools == 0, request.features.contains(.tools) { self.tools = 1 }
    }

    private mutating func read(_ body: ByteBuffer) {
        let bytes = body.readableBytesUInt8Span
        self.codeBlocks = Self.fences(in: bytes) / 2
        do {
            let start = JSONScanner.skipWhitespace(bytes, 0)
            guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else { return }
            var cursor = JSONObjectCursor(at: start)
            while let key = try cursor.next(bytes) {
                let value = cursor.valueStart
                var end: Int?
                if Self.isConversation(bytes, key) {
                    let (count, after) = try Self.count(bytes, value)
                    (self.turns, end) = (count, after)
                } else if JSONScanner.isKey(bytes, key, "tools") || JSONScanner.isKey(bytes, key, "functions") {
                    let (count, after) = try Self.count(bytes, value)
                    (self.tools, end) = (count, after)
                }
                cursor.valueEnded(at: try end ?? JSONScanner.value(bytes, value))
            }
        } catch {
            // What is no JSON is refused further in, in the dialect's words.
            return
        }
    }

    private static func isConversation(_ bytes: Span<UInt8>, _ key: JSONObjectCursor.Key) -> Bool {
        JSONScanner.isKey(bytes, key, "messages") || JSONScanner.isKey(bytes, key, "input")
            || JSONScanner.isKey(bytes, key, "contents")
    }

    /// The elements of an array, 1 for anything else, and the offset after it.
    private static func count(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> (Int, Int) {
        guard bytes[start] == UInt8(ascii: "[") else { return (1, try JSONScanner.value(bytes, start)) }
        var index = JSONScanner.skipWhitespace(bytes, start + 1)
        var count = 0
        while index < bytes.count, bytes[index] != UInt8(ascii: "]") {
            count += 1
            index = JSONScanner.skipWhitespace(bytes, try JSONScanner.value(bytes, index))
            if index < bytes.count, bytes[index] == UInt8(ascii: ",") {
                index = JSONScanner.skipWhitespace(bytes, index + 1)
            }
        }
        return (count, index + 1)
    }

    /// Runs of three back quotes; two make a block.
    private static func fences(in bytes: Span<UInt8>) -> Int {
        var (count, run) = (0, 0)
        for index in bytes.indices {
            guard bytes[index] == UInt8(ascii: "`") else {
                run = 0
                continue
            }
            run += 1
            if run == 3 { count += 1 }
        }
        return count
    }
}
