import NIOCore
public import NeedletailCore

/// Answers a request that was answered before.
///
/// Must be inside access control, whose verdict and tenant are part of the key, and outside limits, budgets and the
/// router: a hit costs nothing. Keeps complete successes only.
public struct CacheLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let cache: ResponseCache?
    private let codec: any CacheCodec

    /// Wraps `next`.
    ///
    /// - Parameter cache: `nil` where nothing is cached; then only ``CachePolicy/onlyIfCached`` is looked at.
    public init(_ next: any Provider, cache: ResponseCache?, codec: any CacheCodec) {
        self.next = next
        self.cache = cache
        self.codec = codec
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    ///
    /// - Throws: `.timedOut` (504, RFC 9111 section 5.2.1.7) for a reply that is to come from the cache and is not there.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        // Apart, since the frame of what looks into a cache is large and most requests go past it.
        if let cache = self.cache { return try await self.respond(to: request, context: context, cache) }
        if context.request.cachePolicy == .onlyIfCached { throw Self.absent() }
        return try await self.next.respond(to: request, context: context)
    }

    private func respond(
        to request: InferenceRequest,
        context: RequestContext,
        _ cache: ResponseCache
    ) async throws(NeedletailError) -> InferenceReply {
        let policy = context.request.cachePolicy
        guard policy != .noStore, let key = self.key(request, context.request) else {
            cache.count(.bypass)
            if policy == .onlyIfCached { throw Self.absent() }
            var reply = try await self.next.respond(to: request, context: context)
            reply.cacheStatus = .bypass
            return reply
        }
        if let (kept, age) = cache.find(key),
            let replay = self.codec.replay(kept, of: key.content, for: request, id: context.id)
        {
            cache.count(.hit(age: age))
            return Self.reply(kept, replay, request, age: age)
        }
        let question = cache.archive == nil ? nil : ArchivedQuestion(key, size: request.cachedSize)
        if let question, let (kept, age) = await cache.findArchived(question),
            let replay = self.codec.replay(kept, of: key.content, for: request, id: context.id)
        {
            cache.count(.hit(age: age))
            return Self.reply(kept, replay, request, age: age)
        }
        let probe = await cache.semantic?.probe(key, context)
        if let probe, let (kept, age) = cache.semantic?.find(probe),
            let replay = self.codec.replay(kept, of: key.content, for: request, id: context.id)
        {
            cache.count(.hit(age: age), isSemantic: true)
            return Self.reply(kept, replay, request, age: age)
        }
        cache.count(.miss)
        if policy == .onlyIfCached { throw Self.absent() }
        var reply = try await self.next.respond(to: request, context: context)
        reply.cacheStatus = .miss
        // A shortened or cheaper answer is what one budget bought.
        if reply.budgetEffect == nil { self.keep(&reply, key, question, probe, request, cache) }
        return reply
    }

    private func key(_ request: InferenceRequest, _ info: RequestInfo) -> CacheKey? {
        guard request.pin == nil, let content = self.codec.content(of: request) else { return nil }
        return CacheKey(request, info, content: content)
    }

    private static func absent() -> NeedletailError {
        NeedletailError(
            .timedOut, "The reply is not in the cache, and the request allows no other (x-needletail-cache).")
    }

    private static func reply(
        _ kept: CachedReply,
        _ replay: CacheReplay,
        _ request: InferenceRequest,
        age: Int64
    ) -> InferenceReply {
        // No usage: nothing has been spent.
        let body: InferenceReply.Body =
            request.isStreaming && request.operation == .chat
            ? .stream(ReplyStream(dialect: replay.body.dialect, reader: ReplayReader(replay.body.bytes)))
            : .complete(replay.body, nil)
        var losses = kept.losses
        losses.add(replay.losses)
        var reply = InferenceReply(
            provider: kept.provider, model: kept.model, losses: losses, contentType: kept.contentType, body: body)
        reply.cacheStatus = .hit(age: age)
        return reply
    }

    private func keep(
        _ reply: inout InferenceReply,
        _ key: CacheKey,
        _ question: ArchivedQuestion?,
        _ probe: SemanticCache.Probe?,
        _ request: InferenceRequest,
        _ cache: ResponseCache
    ) {
        let limit = cache.options.maximumReplySize
        let size = request.cachedSize
        var kept = CachedReply(
            reply, includesUsage: request.includesStreamUsage, created: cache.wallSeconds())
        switch reply.body {
        case .complete(let body, let usage):
            guard body.bytes.readableBytes <= limit else { return }
            kept.dialect = body.dialect
            kept.bytes = body.bytes
            kept.usage = usage
            cache.insert(kept, for: key, requestSize: size, question: question)
            if let probe { cache.semantic?.insert(kept, for: probe, requestSize: size) }
        case .stream(let stream):
            kept.dialect = stream.dialect
            kept.isStream = true
            let (codec, ending, template) = (self.codec, stream.ending, kept)
            let reader = CachingReader(stream, maximumSize: limit) { bytes in
                guard codec.isWhole(bytes, template.dialect) else { return }
                var kept = template
                kept.bytes = bytes
                kept.usage = ending.usage
                kept.losses.add(ending.losses)
                kept.created = cache.wallSeconds()
                cache.insert(kept, for: key, requestSize: size, question: question)
                if let probe { cache.semantic?.insert(kept, for: probe, requestSize: size) }
            }
            reply.body = .stream(ReplyStream(dialect: stream.dialect, ending: ending, reader: reader))
        }
    }
}

extension InferenceRequest {
    /// About how many bytes it takes to keep the request.
    fileprivate var cachedSize: Int {
        switch self.body {
        case .wire(let body, _): body.bytes.readableBytes
        // Three bytes for a token, as in the guess that this was made by.
        case .model: max(1_024, self.estimatedInputTokens * 3)
        }
    }

    /// Whether the client wants the usage chunk of an OpenAI stream.
    fileprivate var includesStreamUsage: Bool {
        switch self.body {
        case .wire(_, let landmarks): landmarks.asksForStreamUsage
        case .model(let request): request.includesStreamUsage
        }
    }
}
