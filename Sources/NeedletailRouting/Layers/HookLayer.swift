import Logging
import NIOCore
public import NeedletailCore

/// Asks hooks before and after each call.
///
/// Must be inside redaction, so that a hook is told what a provider is told, and outside the cache, so that a hook judges what
/// comes from there too. Hooks are asked in their order, each about what the one before has left. A reply is judged whole: a
/// stream is held back until then, unless its rule lets streams pass.
public struct HookLayer: Provider {
    /// The most bytes of a stream that are held back for a hook.
    static let longestHeldStream = 16 << 20

    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let rules: [HookRule]
    private let dialects: @Sendable (DialectID) -> any Dialect.Type
    private let time: TimeSource
    private let counts: GuardCounts

    /// Wraps `next`.
    ///
    /// - Parameter dialects: The code behind a dialect's name.
    public init(
        _ next: any Provider,
        rules: [HookRule],
        dialects: @escaping @Sendable (DialectID) -> any Dialect.Type,
        time: TimeSource,
        counts: GuardCounts = GuardCounts()
    ) {
        self.next = next
        self.rules = rules
        self.dialects = dialects
        self.time = time
        self.counts = counts
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    ///
    /// - Throws: `.invalidRequest` where a hook refuses, `.unavailable` where one that must judge cannot.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let rules =
            request.operation.isAboutResponse || request.operation == .listModels
            ? [] : self.rules.filter { $0.scope.holds(for: request, context.request) }
        guard !rules.isEmpty else { return try await self.next.respond(to: request, context: context) }
        var request = request
        for rule in rules where rule.phases.contains(.before) { try await self.before(&request, rule, context) }
        var reply = try await self.next.respond(to: request, context: context)
        guard request.operation == .chat else { return reply }
        let after = rules.filter { $0.phases.contains(.after) && (!request.isStreaming || $0.holdsStreams) }
        if !after.isEmpty { try await self.after(&reply, request, after, context) }
        return reply
    }

    // MARK: Before

    private func before(
        _ request: inout InferenceRequest, _ rule: HookRule, _ context: RequestContext
    ) async throws(NeedletailError) {
        var collector = TextCollector()
        try request.visitTexts(&collector)
        let call = self.call(.before, request, context, collector.texts)
        guard let replaced = try await self.judge(call, rule, context) else { return }
        var replacer = TextReplacer(replacements: replaced)
        try request.visitTexts(&replacer)
    }

    private func call(
        _ phase: HookCall.Phase, _ request: InferenceRequest, _ context: RequestContext, _ texts: [HookCall.Text]
    ) -> HookCall {
        HookCall(
            phase: phase, requestID: context.id, operation: request.operation, model: request.model, provider: nil,
            key: context.request.keyName, tenant: context.request.tenant, user: request.user,
            isStreaming: request.isStreaming, texts: texts)
    }

    /// Asks one hook; what is to be replaced, `nil` for nothing.
    private func judge(
        _ call: HookCall, _ rule: HookRule, _ context: RequestContext
    ) async throws(NeedletailError) -> [Int: String]? {
        let name = rule.hook.name
        let verdict: HookVerdict
        do throws(NeedletailError) {
            let size = call.texts.reduce(0) { $0 + $1.text.utf8.count }
            guard size <= rule.maximumSize else {
                throw NeedletailError(.tooLarge, "There are \(size) bytes of texts, more than the hook is told.")
            }
            let limit = self.time.now().advanced(by: rule.timeout)
            verdict = try await rule.hook.review(call, deadline: context.deadline.map { min($0, limit) } ?? limit)
        } catch {
            if error.code == .cancelled { throw error }
            self.counts.count("hook", name, rule.failsOpen ? "failed_open" : "failed_closed")
            self.log("A hook could not judge a call.", name, call, context, ["needletail.reason": "\(error.message)"])
            guard !rule.failsOpen else { return nil }
            throw NeedletailError(
                .unavailable, "The check '\(name)', which this request must pass, does not answer.", cause: error)
        }
        switch verdict {
        case .allow:
            self.counts.count("hook", name, "allowed")
            return nil
        case .replace(let texts):
            self.counts.count("hook", name, "replaced")
            return texts.isEmpty ? nil : texts
        case .refuse(let message):
            self.counts.count("hook", name, "refused")
            self.log("A hook refused a call.", name, call, context)
            throw NeedletailError(
                .invalidRequest,
                message.isEmpty ? "The check '\(name)' does not allow this." : String(message.prefix(1_000)))
        }
    }

    private func log(
        _ message: Logger.Message, _ name: String, _ call: HookCall, _ context: RequestContext,
        _ more: Logger.Metadata = [:]
    ) {
        let metadata: Logger.Metadata = [
            "needletail.request_id": "\(context.id)", "needletail.hook": "\(name)",
            "needletail.phase": "\(call.phase.rawValue)",
        ]
        context.logger.warning(message, metadata: metadata.merging(more) { first, _ in first })
    }

    // MARK: After

    private func after(
        _ reply: inout InferenceReply, _ request: InferenceRequest, _ rules: [HookRule], _ context: RequestContext
    ) async throws(NeedletailError) {
        switch reply.body {
        case .complete(var body, let usage):
            var response = try self.dialects(body.dialect).decodeReply(body.bytes)
            guard try await self.judge(&response, reply, request, rules, context) else { return }
            var out = ByteBuffer()
            let dialect = self.dialects(body.dialect)
            let losses = try dialect.encodeReply(response, created: self.time.wallSeconds(), into: &out)
            reply.losses.add(losses.markingBookkeeping(of: dialect))
            body.bytes = out
            reply.body = .complete(body, usage)
        case .stream(let stream): try await self.hold(&reply, stream, request, rules, context)
        }
    }

    /// Asks the hooks about a whole reply; whether it is another now.
    private func judge(
        _ response: inout ChatResponse, _ reply: InferenceReply, _ request: InferenceRequest, _ rules: [HookRule],
        _ context: RequestContext
    ) async throws(NeedletailError) -> Bool {
        var isChanged = false
        for rule in rules {
            var call = self.call(.after, request, context, response.hookTexts)
            call.provider = reply.provider
            call.model = reply.model
            guard let replaced = try await self.judge(call, rule, context) else { continue }
            response.replaceHookTexts(replaced)
            isChanged = true
        }
        return isChanged
    }

    /// Reads a stream to its end before any of it goes out.
    private func hold(
        _ reply: inout InferenceReply, _ stream: ReplyStream, _ request: InferenceRequest, _ rules: [HookRule],
        _ context: RequestContext
    ) async throws(NeedletailError) {
        let dialect = self.dialects(stream.dialect)
        var decoder = dialect.makeStreamDecoder()
        decoder.unread = UnreadMembers(limit: UnreadMembers.usualLimit)
        var chunks: [ByteBuffer] = []
        var size = 0
        var events: [ChatEvent] = []
        for try await chunk in stream {
            size += chunk.readableBytes
            guard size <= Self.longestHeldStream else {
                throw NeedletailError(.tooLarge, "The reply is longer than what a check can be asked about.")
            }
            chunks.append(chunk)
            try decoder.decode(chunk, into: &events)
        }
        if !decoder.isComplete { try decoder.finish(into: &events) }
        var assembler = ChatResponseAssembler()
        for event in events { assembler.add(event) }
        var response = assembler.assembled()
        let ending = StreamEnding()
        if let usage = stream.ending.usage { ending.setUsage(usage) }
        ending.addLosses(stream.ending.losses)
        if try await self.judge(&response, reply, request, rules, context) {
            guard let changed = self.encoded(response, stream.dialect, request, reply.model, context) else {
                throw NeedletailError(.internalFailure, "What a check made of the reply cannot be sent as a stream.")
            }
            chunks = [changed.bytes]
            ending.addLosses((decoder.unread.losses + changed.losses).markingBookkeeping(of: dialect))
        }
        reply.body = .stream(ReplyStream(dialect: stream.dialect, ending: ending, reader: HeldReader(chunks)))
    }

    private func encoded(
        _ response: ChatResponse, _ id: DialectID, _ request: InferenceRequest, _ model: String,
        _ context: RequestContext
    ) -> (bytes: ByteBuffer, losses: [Loss])? {
        guard let events = response.events() else { return nil }
        let dialect = self.dialects(id)
        var asked: ChatRequest?
        var wantsUsage = false
        switch request.body {
        case .wire(let wire, let landmarks):
            asked = try? self.dialects(wire.dialect).decodeRequest(wire.bytes)
            wantsUsage = landmarks.asksForStreamUsage
        case .model(let model):
            asked = model
            wantsUsage = model.includesStreamUsage
        }
        var options = StreamEncoderOptions(
            includesUsage: wantsUsage, model: model, created: self.time.wallSeconds(), replyID: context.id)
        options.usesLegacyFunctions = asked?.usesLegacyFunctions ?? false
        options.source = id
        options.echo = (asked?.echo ?? []) + request.echo
        options.assignedID = request.replyID
        var encoder = dialect.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        return (out, encoder.losses)
    }
}

/// Gives chunks that were held back.
private final class HeldReader: ReplyReader {
    private var chunks: ArraySlice<ByteBuffer>

    init(_ chunks: [ByteBuffer]) {
        self.chunks = chunks[...]
    }

    func next() async throws(NeedletailError) -> ByteBuffer? { self.chunks.popFirst() }
}
