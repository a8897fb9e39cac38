import NIOCore
import NeedletailCore

/// Holds a stream back until it has content, then passes it on as it comes.
final class HeldBackReader: ReplyReader {
    private var chunks: ReplyStream.Iterator
    private var decoder: any StreamDecoder
    private var held: [ByteBuffer] = []
    private var next = 0

    init(_ stream: ReplyStream, decoder: any StreamDecoder) {
        self.chunks = stream.makeAsyncIterator()
        self.decoder = decoder
    }

    /// Reads up to the first content.
    ///
    /// - Parameter limit: Bytes after which it does not wait any longer.
    /// - Returns: Whether there is any.
    /// - Throws: What broke the stream before.
    func commit(limit: Int) async throws(NeedletailError) -> Bool {
        var size = 0
        var events: [ChatEvent] = []
        while size <= limit {
            guard let chunk = try await self.chunks.next() else { return false }
            self.held.append(chunk)
            size += chunk.readableBytes
            // What breaks in the middle of a chunk is told by who reads the bytes; here only content is looked for.
            try? self.decoder.decode(chunk, into: &events)
            if events.contains(where: \.isContent) { return true }
            events.removeAll(keepingCapacity: true)
        }
        return true
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        guard self.next < self.held.count else {
            self.held = []
            self.next = 0
            return try await self.chunks.next()
        }
        defer { self.next += 1 }
        return self.held[self.next]
    }
}

extension ChatEvent {
    /// Whether a client is shown more by it than that an answer has begun.
    var isContent: Bool {
        switch self {
        case .text(let text, _), .refusal(let text, _), .reasoning(let text, _), .redactedReasoning(let text, _):
            !text.isEmpty
        case .toolCallStarted, .toolCallArguments, .opaque, .audio, .image: true
        case .started, .citation, .reasoningSignature, .blockEnded, .logprobs, .finished, .usage: false
        }
    }
}
