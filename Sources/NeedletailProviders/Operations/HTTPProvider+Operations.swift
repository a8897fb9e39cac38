import HTTPTypes
import NIOCore
import NeedletailCore

/// What is no conversation: vectors, the order of documents, and all that goes through as it is.
extension HTTPProvider {
    /// Answers a request whose operation is none of a chat's.
    func operate(_ request: InferenceRequest, _ context: RequestContext) async throws(NeedletailError) -> InferenceReply
    {
        guard case .wire(let wire, let landmarks) = request.body else {
            throw NeedletailError(.unsupported, "Only chats can be asked for as a typed request.")
        }
        let dialect = try self.dialect(for: request.operation, client: wire.dialect)
        switch request.operation {
        case .embeddings, .singleEmbedding:
            return try await self.embed(wire, landmarks, in: dialect, request, context)
        case .rerank: return try await self.rerank(wire, landmarks, in: dialect, request, context)
        case .moderations, .imageGeneration, .imageEdit, .speech, .transcription, .translation:
            guard dialect == wire.dialect else { throw self.hasNot(request.operation) }
            return try await self.relay(Self.spliced(wire, landmarks, request, context), dialect, request, context)
        case .chat, .countTokens, .listModels, .retrieveResponse, .deleteResponse, .listInputItems:
            throw NeedletailError(.internalFailure, "A chat was taken for another operation.")
        }
    }

    /// The dialect to ask in: the client's own if the provider has the operation there, else the first that has it.
    private func dialect(
        for operation: NeedletailCore.Operation, client: DialectID
    ) throws(NeedletailError) -> DialectID {
        let wanted = operation == .singleEmbedding ? NeedletailCore.Operation.embeddings : operation
        let able = self.spec.dialects.filter { dialect in
            let paths = (self.spec.paths[dialect] ?? dialect.paths).paths
            return paths[dialect == client ? operation : wanted] != nil
        }
        if able.contains(client) { return client }
        // In a format of its own its operations are below one of its dialects, whatever the client's asks for.
        let first =
            able.first ?? self.spec.dialects.first { self.spec.paths[$0]?.paths[wanted] != nil }
        guard let dialect = first else { throw self.hasNot(operation) }
        return dialect
    }

    private func hasNot(_ operation: NeedletailCore.Operation) -> NeedletailError {
        NeedletailError(.unsupported, "The chosen provider has no operation '\(operation.rawValue)'.")
    }

    // MARK: Vectors

    private func embed(
        _ wire: WireBody, _ landmarks: BodyLandmarks, in dialect: DialectID, _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let own = dialect.dialect as? any EmbeddingDialect.Type
        let form =
            self.spec.embeddingForms.first { request.model.hasPrefix($0.prefix) }
            ?? own.map { EmbeddingForm(prefix: "", $0, maximumInputs: $0.maximumEmbeddingInputs) }
        guard let form, let ours = wire.dialect.dialect as? any EmbeddingDialect.Type else {
            throw self.hasNot(request.operation)
        }
        if dialect == wire.dialect, self.spec.embeddingForms.isEmpty {
            let body = Self.spliced(wire, landmarks, request, context)
            guard try Self.mayBeTooMany(body, ours, request.operation) else {
                let (bytes, headers) = try await self.whole(body, dialect, request, context)
                try Self.checkJSON(bytes)
                return self.reply(
                    WireBody(dialect: dialect, bytes: bytes), ours.embeddingUsage(bytes), headers, [], request)
            }
        }
        var wanted = try ours.decodeEmbeddingRequest(wire.bytes, request.operation)
        wanted.model = request.model
        var batch = request
        batch.operation = .embeddings
        var (joined, losses, headers) = (EmbeddingReply(), [Loss](), HTTPFields())
        var rest = wanted.inputs[...]
        while !rest.isEmpty {
            var part = wanted
            part.inputs = Array(rest.prefix(form.maximumInputs))
            rest = rest.dropFirst(part.inputs.count)
            var body = ByteBuffer()
            for loss in try form.format.encodeEmbeddingRequest(part, into: &body) {
                losses.add(loss.field, loss.reason)
            }
            try Self.checkStrict(losses, context)
            let (bytes, fields) = try await self.whole(body, dialect, batch, context)
            headers = fields
            let answer = try form.format.decodeEmbeddingReply(bytes)
            guard answer.vectors.count == part.inputs.count else {
                throw NeedletailError(
                    .malformedReply,
                    "The provider sent \(answer.vectors.count) vectors for \(part.inputs.count) inputs.")
            }
            joined.vectors += answer.vectors
            joined.usage = Self.sum(joined.usage, answer.usage)
            joined.model = answer.model.isEmpty ? request.model : answer.model
        }
        var out = ByteBuffer()
        try ours.encodeEmbeddingReply(joined, for: wanted, request.operation, into: &out)
        return self.reply(WireBody(dialect: wire.dialect, bytes: out), joined.usage, headers, losses, request)
    }

    /// Whether a request that could go through holds more inputs than the servers take at once.
    private static func mayBeTooMany(
        _ body: ByteBuffer, _ dialect: any EmbeddingDialect.Type, _ operation: NeedletailCore.Operation
    ) throws(NeedletailError) -> Bool {
        // An input takes three bytes at least: a pair of quotes and a comma.
        guard operation == .embeddings, body.readableBytes > 3 * dialect.maximumEmbeddingInputs else { return false }
        return try dialect.decodeEmbeddingRequest(body, operation).inputs.count > dialect.maximumEmbeddingInputs
    }

    private static func sum(_ left: Usage?, _ right: Usage?) -> Usage? {
        guard let left, let right else { return left ?? right }
        var sum = left
        let (tokens, overflow) = left.inputTokens.addingReportingOverflow(right.inputTokens)
        sum.inputTokens = overflow ? .max : tokens
        return sum
    }

    // MARK: Documents

    private func rerank(
        _ wire: WireBody, _ landmarks: BodyLandmarks, in dialect: DialectID, _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard dialect != wire.dialect else {
            let body = Self.spliced(wire, landmarks, request, context)
            let (bytes, headers) = try await self.whole(body, dialect, request, context)
            try Self.checkJSON(bytes)
            return self.reply(
                WireBody(dialect: dialect, bytes: bytes), RerankBody.usage(bytes), headers, [], request)
        }
        var body = ByteBuffer()
        let losses = try RerankBody.translate(wire.bytes, to: dialect, model: request.model, into: &body)
        try Self.checkStrict(losses, context)
        let (bytes, headers) = try await self.whole(body, dialect, request, context)
        let out = try RerankBody.reply(bytes, for: wire.bytes, to: wire.dialect)
        return self.reply(
            WireBody(dialect: wire.dialect, bytes: out), RerankBody.usage(bytes), headers, losses, request)
    }

    // MARK: What goes through

    /// Sends bytes and hands back what comes: JSON whole, for its usage, anything else as it arrives.
    private func relay(
        _ body: ByteBuffer, _ dialect: DialectID, _ request: InferenceRequest, _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let response = try await self.waited(body, dialect, request, context)
        let type = response.headers[.contentType] ?? "application/octet-stream"
        if type.hasPrefix("application/json") {
            let bytes = try await response.body.collect(upTo: self.options.maximumReplySize)
            try Self.checkJSON(bytes)
            return self.reply(
                WireBody(dialect: dialect, bytes: bytes), Self.usage(bytes), response.headers, [], request)
        }
        let ending = StreamEnding()
        let reader = RelayReader(response.body)
        try await reader.commit()
        return InferenceReply(
            provider: self.id,
            model: request.model,
            headers: UpstreamHeaders.visible(response.headers),
            contentType: type,
            body: .stream(ReplyStream(dialect: dialect, ending: ending, reader: reader))
        )
    }

    /// The usage object of images and transcriptions.
    private static func usage(_ bytes: ByteBuffer) -> Usage? {
        guard let usage = (try? JSONDocument(bytes))?.root["usage"], usage.kind == .object else { return nil }
        let input = usage["input_tokens"]?.int ?? usage["prompt_tokens"]?.int
        let output = usage["output_tokens"]?.int ?? usage["completion_tokens"]?.int
        guard input != nil || output != nil else { return nil }
        return Usage(inputTokens: max(0, input ?? 0), outputTokens: max(0, output ?? 0))
    }

    // MARK: Parts of all of them

    /// The client's bytes with the model's name as the target has it.
    private static func spliced(
        _ wire: WireBody, _ landmarks: BodyLandmarks, _ request: InferenceRequest, _ context: RequestContext
    ) -> ByteBuffer {
        var splice = JSONSplice()
        let isForm = context.request.forwardedHeaders[.contentType]?.hasPrefix("multipart/") == true
        func replace(_ range: Range<Int>, _ name: String) {
            let new = isForm ? ByteBuffer(string: name) : JSONText(string: name).bytes
            let old = wire.bytes.getSlice(at: wire.bytes.readerIndex + range.lowerBound, length: range.count)
            if old != new { splice.replace(range, with: new) }
        }
        if let range = landmarks.model { replace(range, request.model) }
        // Gemini's batches name the model, which is in the path, once more for each text.
        if wire.dialect == .gemini, let root = (try? JSONDocument(wire.bytes))?.root {
            let entries = root["requests"].map { Array($0.elements) } ?? [root]
            for name in entries.compactMap({ $0["model"] }) { replace(name.range, "models/" + request.model) }
        }
        return splice.applied(to: wire.bytes)
    }

    private func waited(
        _ body: ByteBuffer, _ dialect: DialectID, _ request: InferenceRequest, _ context: RequestContext
    ) async throws(NeedletailError) -> TransportResponse {
        let begin = self.time.now()
        defer { context.request.countWait(self.time.now().duration(since: begin)) }
        return try await self.send(
            request, dialect, body, forwarded: context.request.forwardedHeaders, timeouts: self.timeouts(context),
            deadline: context.deadline, progress: context.call)
    }

    private func whole(
        _ body: ByteBuffer, _ dialect: DialectID, _ request: InferenceRequest, _ context: RequestContext
    ) async throws(NeedletailError) -> (ByteBuffer, HTTPFields) {
        let response = try await self.waited(body, dialect, request, context)
        return (try await response.body.collect(upTo: self.options.maximumReplySize), response.headers)
    }

    private func reply(
        _ body: WireBody, _ usage: Usage?, _ headers: HTTPFields, _ losses: [Loss], _ request: InferenceRequest
    ) -> InferenceReply {
        InferenceReply(
            provider: self.id,
            model: request.model,
            headers: UpstreamHeaders.visible(headers),
            losses: losses,
            body: .complete(body, usage))
    }
}
