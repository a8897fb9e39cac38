public import NIOCore
public import NeedletailCore

/// The cache's view of the dialects: a chat is compared as the typed request, so that clients of several dialects share
/// replies, whole and streamed; anything else byte for byte.
public struct DialectCacheCodec: CacheCodec {
    /// Creates a codec.
    public init() {}

    /// See ``CacheCodec/content(of:)``.
    public func content(of request: InferenceRequest) -> CacheContent? {
        switch request.operation {
        case .embeddings, .singleEmbedding, .rerank, .moderations:
            guard case .wire(let body, _) = request.body else { return nil }
            return .other(body.dialect, body.bytes)
        case .chat:
            var chat: ChatRequest
            switch request.body {
            case .model(let model): chat = model
            case .wire(let body, _):
                guard let read = try? body.dialect.dialect.decodeRequest(body.bytes) else { return nil }
                chat = read
            }
            // The name may stand in the path.
            chat.model = request.model
            guard !Self.isStored(chat) else { return nil }
            chat.isStreaming = false
            chat.includesStreamUsage = false
            // Who says all of it in the model's own fields has said the same in every dialect.
            if chat.extensions.isEmpty, chat.essentials.isEmpty, chat.echo.isEmpty { chat.source = nil }
            return .chat(chat)
        default: return nil
        }
    }

    /// Whether the provider is to keep the reply under its id: a second one would not be there.
    private static func isStored(_ chat: ChatRequest) -> Bool {
        let store = (chat.extensions + chat.echo).first { $0.path == "store" }?.value.description
        return chat.source == .openAIResponses ? store != "false" : store == "true"
    }

    /// See ``CacheCodec/isWhole(_:_:)``.
    public func isWhole(_ stream: ByteBuffer, _ dialect: DialectID) -> Bool {
        Self.events(of: stream, dialect) != nil
    }

    /// See ``CacheCodec/replay(_:of:for:id:)``.
    public func replay(
        _ reply: CachedReply,
        of content: CacheContent,
        for request: InferenceRequest,
        id: String
    ) -> CacheReplay? {
        let wanted = request.replyDialect ?? reply.dialect
        let isStream = request.isStreaming && request.operation == .chat
        if reply.dialect == wanted, reply.isStream == isStream,
            !isStream || reply.includesUsage == request.asksForStreamUsage
        {
            return CacheReplay(body: WireBody(dialect: wanted, bytes: reply.bytes))
        }
        guard case .chat(let chat) = content else { return nil }
        return isStream
            ? self.stream(reply, chat, request, wanted, id: id) : self.whole(reply, chat, request, wanted, id: id)
    }

    // MARK: Translating

    private func whole(
        _ reply: CachedReply,
        _ chat: ChatRequest,
        _ request: InferenceRequest,
        _ wanted: DialectID,
        id: String
    ) -> CacheReplay? {
        guard var (answer, unread) = Self.answer(reply) else { return nil }
        if answer.model.isEmpty { answer.model = reply.model }
        if answer.id.isEmpty { answer.id = id }
        if answer.usage == nil { answer.usage = reply.usage }
        var names = CallNames(requestID: id)
        names.name(in: &answer)
        answer.usesLegacyFunctions = chat.usesLegacyFunctions
        answer.echo = chat.echo + request.echo
        var out = ByteBuffer()
        guard let losses = try? wanted.dialect.encodeReply(answer, created: reply.created, into: &out) else {
            return nil
        }
        unread.add(losses)
        return CacheReplay(
            body: WireBody(dialect: wanted, bytes: out), losses: unread.markingBookkeeping(of: reply.dialect))
    }

    private func stream(
        _ reply: CachedReply,
        _ chat: ChatRequest,
        _ request: InferenceRequest,
        _ wanted: DialectID,
        id: String
    ) -> CacheReplay? {
        let kept: (events: [ChatEvent], unread: [Loss])?
        if reply.isStream {
            kept = Self.events(of: reply.bytes, reply.dialect)
        } else if let whole = try? reply.dialect.dialect.decodeReply(reply.bytes), let events = whole.events() {
            kept = (
                events, whole.extensions.filter { !$0.isRead }.map { Loss($0.path, "no dialect has such a member") }
            )
        } else {
            kept = nil
        }
        guard var (events, losses) = kept else { return nil }
        if let usage = reply.usage, !events.contains(where: \.isUsage) { events.append(.usage(usage)) }
        var options = StreamEncoderOptions(
            includesUsage: request.asksForStreamUsage, model: reply.model, created: reply.created, replyID: id)
        options.usesLegacyFunctions = chat.usesLegacyFunctions
        options.source = reply.dialect
        options.echo = chat.echo + request.echo
        options.assignedID = request.replyID
        var encoder = wanted.dialect.makeStreamEncoder(options)
        var out = ByteBuffer()
        var names = CallNames(requestID: id)
        for var event in events {
            names.name(&event)
            encoder.encode(event, into: &out)
        }
        encoder.finish(into: &out)
        losses.add(encoder.losses)
        return CacheReplay(
            body: WireBody(dialect: wanted, bytes: out), losses: losses.markingBookkeeping(of: reply.dialect))
    }

    /// The answer, and what of a stream it does not tell.
    private static func answer(_ reply: CachedReply) -> (answer: ChatResponse, unread: [Loss])? {
        guard reply.isStream else { return (try? reply.dialect.dialect.decodeReply(reply.bytes)).map { ($0, []) } }
        guard let (events, unread) = self.events(of: reply.bytes, reply.dialect) else { return nil }
        var assembler = ChatResponseAssembler()
        for event in events { assembler.add(event) }
        return assembler.isLossy ? nil : (assembler.assembled(), unread)
    }

    /// The events of a stream, and what they do not tell; `nil` if it is none or ends before its reply does.
    private static func events(of stream: ByteBuffer, _ dialect: DialectID) -> (events: [ChatEvent], unread: [Loss])? {
        var decoder = dialect.dialect.makeStreamDecoder()
        decoder.unread = UnreadMembers(limit: UnreadMembers.usualLimit)
        var events: [ChatEvent] = []
        do {
            try decoder.decode(stream, into: &events)
            if !decoder.isComplete { try decoder.finish(into: &events) }
        } catch {
            return nil
        }
        return (events, decoder.unread.losses)
    }
}

extension ChatEvent {
    fileprivate var isUsage: Bool {
        if case .usage = self { true } else { false }
    }
}
