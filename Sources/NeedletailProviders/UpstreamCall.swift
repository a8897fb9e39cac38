import NIOCore
import NeedletailCore

/// What is to be sent upstream for one request.
struct UpstreamCall {
    /// The dialect of ``body``.
    var dialect: DialectID
    /// Whether the client speaks the same dialect, so that bytes go through.
    var isPassthrough: Bool
    /// The bytes to send.
    var body: ByteBuffer
    /// What the request lost in translation.
    var losses: [Loss] = []
    /// Whether the gateway asked for a usage chunk that the client did not ask for.
    var withholdsUsage = false
    /// Whether the client asked with OpenAI's legacy `functions`, so that it reads a call only as a `function_call`.
    var usesLegacyFunctions = false
    /// The tools of the client's that were rewritten for the upstream.
    var customTools: CustomToolEmulation?
    /// Members of the client's request that its reply repeats.
    var echo: [Extension] = []
    /// A reply that needs no upstream.
    var answer: InferenceReply?
}

extension HTTPProvider {
    /// Prepares the call for a request: spliced if the dialect is the client's own, translated otherwise.
    func call(for request: InferenceRequest, context: RequestContext) async throws(NeedletailError) -> UpstreamCall {
        if case .wire(let wire, let landmarks) = request.body, request.replyDialect == wire.dialect,
            self.options.dialect ?? self.spec.dialect(for: wire.dialect) == wire.dialect,
            !self.mayHaveToInline(request, wire.dialect)
        {
            return self.spliced(wire, landmarks, request)
        }
        return try await self.rewritten(request, context)
    }

    /// Prepares a call that is written anew. Never inlined: a typed request is large, and a passthrough's task would keep
    /// the room for it as long as its stream runs.
    @inline(never)
    private func rewritten(
        _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> UpstreamCall {
        switch request.body {
        case .wire(let wire, let landmarks):
            let dialect = self.options.dialect ?? self.spec.dialect(for: wire.dialect)
            let model = try Self.decoded(wire, request.operation)
            guard dialect == wire.dialect, request.replyDialect == dialect else {
                return try await self.translated(model, request, to: dialect, context)
            }
            guard model.namesMedia else { return self.spliced(wire, landmarks, request) }
            return try await self.inlined(model, request, dialect, context)
        case .model(let model):
            let dialect = self.options.dialect ?? self.spec.dialect(for: request.replyDialect)
            return try await self.translated(model, request, to: dialect, context)
        }
    }

    private static func decoded(
        _ wire: WireBody, _ operation: NeedletailCore.Operation
    ) throws(NeedletailError) -> ChatRequest {
        if operation == .countTokens, let counter = wire.dialect.dialect as? any TokenCountingDialect.Type {
            return try counter.decodeCountRequest(wire.bytes)
        }
        return try wire.dialect.dialect.decodeRequest(wire.bytes)
    }

    private func mayHaveToInline(_ request: InferenceRequest, _ dialect: DialectID) -> Bool {
        // Ollama's requests have no place for a URL.
        !dialect.isOllama && self.quirks.contains(.takesOnlyInlineMedia)
            && !request.features.isDisjoint(with: [.images, .documents])
    }

    /// The one request that is written anew for an upstream of the client's own dialect; all else is as in a passthrough.
    private func inlined(
        _ model: ChatRequest,
        _ request: InferenceRequest,
        _ dialect: DialectID,
        _ context: RequestContext
    ) async throws(NeedletailError) -> UpstreamCall {
        var call = try await self.translated(model, request, to: dialect, context)
        call.isPassthrough = true
        call.withholdsUsage =
            dialect.hasStreamUsageOption && request.isStreaming && !request.asksForStreamUsage
            && !self.quirks.contains(.refusesStreamOptions)
        return call
    }

    /// The client's bytes with `model`, and for a stream the wish for usage, spliced.
    private func spliced(_ wire: WireBody, _ landmarks: BodyLandmarks, _ request: InferenceRequest) -> UpstreamCall {
        var splice = JSONSplice()
        if let range = landmarks.model {
            let name = JSONText(string: request.model).bytes
            let old = wire.bytes.getSlice(at: wire.bytes.readerIndex + range.lowerBound, length: range.count)
            if old != name { splice.replace(range, with: name) }
        }
        let asksForUsage =
            wire.dialect.hasStreamUsageOption && request.isStreaming && !landmarks.asksForStreamUsage
            && !self.quirks.contains(.refusesStreamOptions)
        if asksForUsage { StreamUsageOption.turnOn(in: wire.bytes, landmarks, &splice) }
        return UpstreamCall(
            dialect: wire.dialect,
            isPassthrough: true,
            body: splice.applied(to: wire.bytes),
            withholdsUsage: asksForUsage
        )
    }

    private func translated(
        _ model: ChatRequest,
        _ request: InferenceRequest,
        to dialect: DialectID,
        _ context: RequestContext
    ) async throws(NeedletailError) -> UpstreamCall {
        if let answer = OllamaLoading.answer(model, created: self.time.wallSeconds()) {
            return self.answered(answer, request, dialect)
        }
        try CompletionFields.check(model, for: dialect)
        var model = model
        model.model = request.model
        model.isStreaming = request.isStreaming
        if dialect != model.source, let need = model.essentials.first {
            throw NeedletailError(.unsupported, need.reason, parameter: need.field)
        }
        if self.quirks.contains(.takesOnlyInlineMedia) {
            model = try await model.inliningMedia(with: self.options.mediaFetcher, deadline: context.deadline)
        }
        var body = ByteBuffer()
        var losses: [Loss] = []
        let customTools =
            self.takesCustomTools(dialect, of: model)
            ? nil : CustomToolEmulation(rewriting: &model, losses: &losses)
        if request.operation == .countTokens {
            guard let counter = dialect.dialect as? any TokenCountingDialect.Type else {
                return try self.estimated(model, request, dialect)
            }
            losses += try counter.encodeCountRequest(model, into: &body)
        } else {
            losses += try dialect.dialect.encodeRequest(model, into: &body)
            try self.adaptRequest(&body, dialect)
        }
        guard !context.request.isStrict || losses.isEmpty else {
            let names = losses.map(\.field).joined(separator: ", ")
            throw NeedletailError(
                .unsupported,
                "The chosen provider cannot be told these fields: \(names). "
                    + "They were refused because the request is strict (x-needletail-strict).",
                parameter: losses.first?.field
            )
        }
        return UpstreamCall(
            dialect: dialect,
            isPassthrough: false,
            body: body,
            losses: losses,
            usesLegacyFunctions: model.usesLegacyFunctions,
            customTools: customTools,
            echo: request.replyDialect == model.source ? model.echo + request.echo : []
        )
    }

    /// Whether the upstream knows tools that take free text. Many servers of chat completions do not.
    private func takesCustomTools(_ dialect: DialectID, of request: ChatRequest) -> Bool {
        switch dialect {
        case .openAIResponses: true
        case .openAIChat: request.source == .openAIChat || self.quirks.contains(.takesCustomTools)
        default: false
        }
    }

    /// Applies the quirks that concern bytes this library wrote itself.
    private func adaptRequest(_ body: inout ByteBuffer, _ dialect: DialectID) throws(NeedletailError) {
        // Legacy completions know the old name alone.
        let renames = self.quirks.contains(.wantsMaxCompletionTokens) && dialect == .openAIChat
        let dropsOptions = self.quirks.contains(.refusesStreamOptions) && dialect.hasStreamUsageOption
        guard renames || dropsOptions else { return }
        do {
            let root = try JSONDocument(body).root
            var json = JSONWriter()
            json.beginObject()
            for member in root.members {
                if dropsOptions, member.hasKey("stream_options") { continue }
                if renames, member.hasKey("max_tokens") {
                    json.key("max_completion_tokens")
                } else {
                    json.key(member.key)
                }
                json.raw(member.value.text)
            }
            json.endObject()
            body = json.bytes
        } catch {
            throw NeedletailError(.internalFailure, "A translated request is not JSON.", cause: error)
        }
    }

    /// The stated estimate, where the upstream has no operation that counts.
    private func estimated(
        _ model: ChatRequest, _ request: InferenceRequest, _ dialect: DialectID
    ) throws(NeedletailError) -> UpstreamCall {
        let client = request.replyDialect ?? dialect
        guard let counter = client.dialect as? any TokenCountingDialect.Type else {
            throw NeedletailError(.unsupported, "Tokens cannot be counted in the dialect '\(client.rawValue)'.")
        }
        return self.answered(
            counter.encodeTokenCount(TokenEstimate.count(model)), request, dialect,
            losses: [Loss("input_tokens", "an estimate: the provider cannot count")])
    }

    /// A call that the gateway answers itself.
    private func answered(
        _ bytes: ByteBuffer, _ request: InferenceRequest, _ dialect: DialectID, losses: [Loss] = []
    ) -> UpstreamCall {
        var call = UpstreamCall(dialect: dialect, isPassthrough: false, body: ByteBuffer())
        call.answer = InferenceReply(
            provider: self.id,
            model: request.model,
            losses: losses,
            body: .complete(WireBody(dialect: request.replyDialect ?? dialect, bytes: bytes), nil)
        )
        return call
    }
}

extension DialectID {
    /// Whether a stream tells its usage only if `stream_options` ask for it.
    var hasStreamUsageOption: Bool { self == .openAIChat || self == .openAICompletions }
}
