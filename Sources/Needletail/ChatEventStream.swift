/// A streamed reply as typed events, in the order of ``ChatEvent``'s rules.
///
/// Pulling the next event is what reads from the provider; dropping the stream cancels it. It can be iterated once.
public struct ChatEventStream: AsyncSequence, Sendable {
    /// An event.
    public typealias Element = ChatEvent
    /// What may break the stream.
    public typealias Failure = NeedletailError

    /// Who answers.
    public let provider: ProviderID
    /// What the request lost in translation.
    public let losses: [Loss]
    private let stream: ReplyStream

    init(_ stream: ReplyStream, provider: ProviderID, losses: [Loss]) {
        self.stream = stream
        self.provider = provider
        self.losses = losses
    }

    /// The one iterator.
    public func makeAsyncIterator() -> Iterator {
        Iterator(chunks: self.stream.makeAsyncIterator(), decoder: self.stream.dialect.dialect.makeStreamDecoder())
    }

    /// Steps through the events.
    public struct Iterator: AsyncIteratorProtocol {
        private var chunks: ReplyStream.Iterator
        private var decoder: any StreamDecoder
        private var events: [ChatEvent] = []
        private var position = 0
        private var failure: NeedletailError?
        private var isOver = false

        fileprivate init(chunks: ReplyStream.Iterator, decoder: any StreamDecoder) {
            self.chunks = chunks
            self.decoder = decoder
        }

        /// The next event, or `nil` at the end.
        public mutating func next() async throws(NeedletailError) -> ChatEvent? {
            while self.position == self.events.count {
                if let failure = self.failure { throw failure }
                guard !self.isOver else { return nil }
                try await self.fill()
            }
            defer { self.position += 1 }
            return self.events[self.position]
        }

        /// Decodes the next chunk; what came before a failure is handed out first.
        private mutating func fill() async throws(NeedletailError) {
            self.events.removeAll(keepingCapacity: true)
            self.position = 0
            do {
                if let chunk = try await self.chunks.next() {
                    try self.decoder.decode(chunk, into: &self.events)
                } else {
                    self.isOver = true
                    try self.decoder.finish(into: &self.events)
                }
            } catch {
                self.failure = error
            }
        }
    }
}
