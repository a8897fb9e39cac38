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
            request.continuation == nil, !request.isOutputClamped,
            self.dialect(for: wire.dialect, request) == wire.dialect,
            !self.mayHaveToInline(request, wire.dialect)
        {
            return try self.spliced(wire, landmarks, request, context)
        }
        return try await self.rewritten(request, context)
    }

    private func dialect(for client: DialectID?, _ request: InferenceRequest) -> DialectID {
        let dialect =
            request.upstreamDialect ?? self.options.dialect ?? self.spec.dialect(for: client, model: request.model)
        // A dialect that is only half there: counted is then in another one.
        guard request.operation == .countTokens, !self.has(.countTokens, in: dialect) else { return dialect }
        return self.spec.dialects.first { self.has(.countTokens, in: $0) } ?? dialect
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
            let dialect = self.dialect(for: wire.dialect, request)
            var model = try Self.decoded(wire, request.operation)
            if let continuation = request.continuation { model.goOn(from: continuation, request.model, in: dialect) }
            try Self.clamp(&model, request)
            guard dialect == wire.dialect, request.replyDialect == dialect else {
                return try await self.translated(model, request, to: dialect, context)
            }
            guard model.namesMedia || request.continuation != nil || request.isOutputClamped else {
                return try self.spliced(wire, landmarks, request, context)
            }
            return try await self.inlined(model, request, dialect, context)
        case .model(var model):
            let dialect = self.dialect(for: request.replyDialect, request)
            if let continuation = request.continuation { model.goOn(from: continuation, request.model, in: dialect) }
            try Self.clamp(&model, request)
            return try await self.translated(model, request, to: dialect, context)
        }
    }

    /// Writes the limit on output that a budget has set.
    private static func clamp(_ model: inout ChatRequest, _ request: InferenceRequest) throws(NeedletailError) {
        guard request.isOutputClamped, let limit = request.maxOutputTokens else { return }
        let most = min(model.maxOutputTokens ?? limit, limit)
        // A limit on output must leave room for the reasoning that it includes.
        if let reasoning = model.reasoning?.budgetTokens, reasoning >= most {
            throw NeedletailError(
                .budgetExceeded,
                "What is left of the budget buys \(most) output tokens, and the request asks for \(reasoning) of reasoning."
            )
        }
        model.maxOutputTokens = most
        // A second limit, which some upstream might take instead.
        model.extensions.removeAll { $0.path == "max_tokens" || $0.path == "max_completion_tokens" }
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

    /// A request that is written anew for an upstream of the client's own dialect; all else is as in a passthrough.
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
    private func spliced(
        _ wire: WireBody, _ landmarks: BodyLandmarks, _ request: InferenceRequest, _ context: RequestContext
    ) throws(NeedletailError) -> UpstreamCall {
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
        if self.quirks.contains(.refusesStreamOptions), let range = landmarks.streamOptions {
            splice.replace(range, with: Self.null)
        }
        let losses = landmarks.mayHoldState ? try self.removeForeignState(from: wire, request, &splice) : []
        var call = UpstreamCall(
            dialect: wire.dialect,
            isPassthrough: true,
            body: splice.applied(to: wire.bytes),
            losses: losses,
            withholdsUsage: asksForUsage
        )
        let renames = self.options.maxTokensField != nil && wire.dialect == .openAIChat && request.operation == .chat
        if renames || self.spec.requestFields[wire.dialect]?.changesPassthrough ?? false {
            try self.adaptRequest(&call, request.operation, isOurs: false)
        }
        if !call.losses.isEmpty { try Self.checkStrict(call.losses, context) }
        return call
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
        try model.checkProviderTools(for: dialect)
        var losses: [Loss] = []
        model.removeOrphanedResults(for: dialect, losses: &losses)
        guard model.isTold(in: dialect) else {
            throw NeedletailError(
                .unsupported, "The chosen provider knows nothing of what the conversation consists of.",
                parameter: ModelField.contentOpaque.name(in: model.source))
        }
        if self.quirks.contains(.takesOnlyInlineMedia) {
            model = try await model.inliningMedia(with: self.options.mediaFetcher, deadline: context.deadline)
        }
        var call = UpstreamCall(
            dialect: dialect,
            isPassthrough: false,
            body: ByteBuffer(),
            losses: losses,
            usesLegacyFunctions: model.usesLegacyFunctions
        )
        let takesDetails = dialect == .openAIChat && self.quirks.contains(.takesReasoningDetails)
        if let issuer = self.stateIssuer {
            model.removeForeignState(issuer, upstream: dialect, takesDetails: takesDetails, losses: &call.losses)
        }
        if takesDetails { model.wordReasoningAsDetails(losses: &call.losses) }
        if !self.takesCustomTools(dialect, of: model) {
            call.customTools = CustomToolEmulation(rewriting: &model, losses: &call.losses)
        }
        if request.operation == .countTokens {
            guard let counter = dialect.dialect as? any TokenCountingDialect.Type else {
                return try self.estimated(model, request, dialect)
            }
            call.losses += try counter.encodeCountRequest(model, into: &call.body)
        } else {
            call.losses += try dialect.dialect.encodeRequest(model, into: &call.body)
        }
        try self.adaptRequest(&call, request.operation, isOurs: true)
        try Self.checkStrict(call.losses, context)
        if request.replyDialect == model.source { call.echo = model.echo + request.echo }
        return call
    }

    /// Refuses losses where the client wants none.
    static func checkStrict(_ losses: [Loss], _ context: RequestContext) throws(NeedletailError) {
        guard context.request.isStrict, let first = losses.first else { return }
        let names = losses.map(\.field).joined(separator: ", ")
        throw NeedletailError(
            .unsupported,
            "The chosen provider cannot be told these fields: \(names). "
                + "They were refused because the request is strict (x-needletail-strict).",
            parameter: first.field
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

    private static let null = ByteBuffer(staticString: "null")

    /// Makes a body what the upstream takes: what its type says of members, and for bodies that this library wrote the
    /// quirks.
    private func adaptRequest(
        _ call: inout UpstreamCall, _ operation: NeedletailCore.Operation, isOurs: Bool
    ) throws(NeedletailError) {
        var fields = self.spec.requestFields[call.dialect] ?? RequestFields()
        var dropped: String?
        if isOurs, call.dialect.hasStreamUsageOption {
            // Legacy completions know the old name alone.
            if self.quirks.contains(.wantsMaxCompletionTokens), call.dialect == .openAIChat {
                fields.renamed["max_tokens"] = "max_completion_tokens"
            }
            // Nothing is lost with it: only the gateway asked.
            if self.quirks.contains(.refusesStreamOptions) { dropped = "stream_options" }
        }
        var renamed = isOurs ? fields.renamed : [:]
        if !isOurs, let field = self.options.maxTokensField, call.dialect == .openAIChat {
            renamed[field == "max_tokens" ? "max_completion_tokens" : "max_tokens"] = field
        }
        guard !fields.isEmpty || dropped != nil || !renamed.isEmpty else { return }
        do {
            call.body = try fields.applied(
                to: call.body, operation, isOurs: isOurs, renaming: renamed, dropping: dropped, losses: &call.losses)
        } catch {
            throw isOurs
                ? NeedletailError(.internalFailure, "A translated request is not JSON.", cause: error)
                : NeedletailError(.invalidRequest, "The request is not valid JSON: \(error).", cause: error)
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
