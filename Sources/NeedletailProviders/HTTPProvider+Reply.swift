import HTTPTypes
import NIOCore
import NeedletailCore

extension HTTPProvider {
    /// Makes a reply of a whole body. Never inlined: it would lie in the frame that waits for it.
    @inline(never)
    func whole(
        _ bytes: ByteBuffer,
        _ headers: HTTPFields,
        _ call: UpstreamCall,
        _ request: InferenceRequest,
        _ context: RequestContext
    ) throws(NeedletailError) -> InferenceReply {
        let client = request.replyDialect ?? call.dialect
        var reply = InferenceReply(
            provider: self.id,
            model: request.model,
            headers: UpstreamHeaders.visible(headers),
            losses: call.losses,
            body: .complete(WireBody(dialect: call.dialect, bytes: bytes), nil)
        )
        reply.upstream = call.dialect
        guard request.operation == .chat else {
            try Self.checkJSON(bytes)
            if client != call.dialect, let theirs = call.dialect.dialect as? any TokenCountingDialect.Type,
                let ours = client.dialect as? any TokenCountingDialect.Type
            {
                let count = try theirs.decodeTokenCount(bytes)
                reply.body = .complete(WireBody(dialect: client, bytes: ours.encodeTokenCount(count)), nil)
            }
            return reply
        }
        let recorder = self.stateRecorder(request, call.dialect)
        if client == call.dialect {
            let usage: Usage?
            if let recorder {
                usage = try recorder.inspect(bytes, call.dialect)
            } else {
                usage = try call.dialect.dialect.inspectReply(bytes)
            }
            reply.body = .complete(WireBody(dialect: call.dialect, bytes: bytes), usage)
            return reply
        }
        var answer = try call.dialect.dialect.decodeReply(bytes)
        if answer.model.isEmpty { answer.model = request.model }
        if answer.id.isEmpty { answer.id = context.id }
        var names = CallNames(requestID: context.id)
        names.name(in: &answer)
        recorder?.note(answer)
        if let id = request.replyID { recorder?.noteOwn(id) }
        if call.usesLegacyFunctions { answer.usesLegacyFunctions = true }
        call.customTools?.restore(&answer)
        answer.echo = call.echo
        if let id = request.replyID { answer.id = id }
        var out = ByteBuffer()
        out.reserveCapacity(bytes.readableBytes + 256)
        let losses = try client.dialect.encodeReply(answer, created: self.time.wallSeconds(), into: &out)
        reply.losses.add(losses.markingBookkeeping(of: call.dialect))
        reply.body = .complete(WireBody(dialect: client, bytes: out), answer.usage)
        return reply
    }

    /// Throws `.malformedReply` unless `bytes` are JSON.
    static func checkJSON(_ bytes: ByteBuffer) throws(NeedletailError) {
        do {
            _ = try JSONDocument(bytes)
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is not JSON.", cause: error)
        }
    }

    /// Reads a stream up to its first good event.
    func stream(
        _ response: TransportResponse,
        _ call: UpstreamCall,
        _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        // What follows waits for the provider's first event.
        let begin = self.time.now()
        defer { context.request.countWait(self.time.now().duration(since: begin)) }
        let body = try await self.streamed(response, call)
        let client = request.replyDialect ?? call.dialect
        let ending = StreamEnding()
        let limit = CommitLimit(self.timeouts(context).firstToken, time: self.time)
        var possible: [Loss] = []
        let stream: ReplyStream
        if client == call.dialect {
            let recorder = self.stateRecorder(request, call.dialect)
            if context.rewritesStream, let id = request.replyID { recorder?.noteOwn(id) }
            let reader = PassthroughReader(
                call.dialect.streamsBareJSON ? TransportBody(BareJSONBody(body)) : body,
                tap: call.dialect.dialect.makeStreamTap(),
                framing: call.dialect.dialect.framing.makeDecoder(),
                withholdsUsage: call.withholdsUsage,
                ending: ending,
                recorder: recorder
            )
            try await reader.commit(within: limit)
            stream = ReplyStream(dialect: client, ending: ending, reader: reader)
        } else {
            var options = StreamEncoderOptions(
                includesUsage: request.asksForStreamUsage,
                model: request.model,
                created: self.time.wallSeconds(),
                replyID: context.id
            )
            options.usesLegacyFunctions = call.usesLegacyFunctions
            options.source = call.dialect
            options.echo = call.echo
            options.assignedID = request.replyID
            let recorder = self.stateRecorder(request, call.dialect)
            if let id = request.replyID { recorder?.noteOwn(id) }
            let reader = TranslatingReader(
                body,
                decoder: call.dialect.dialect.makeStreamDecoder(),
                encoder: client.dialect.makeStreamEncoder(options),
                customTools: call.customTools,
                ending: ending,
                recorder: recorder,
                requestID: context.id,
                source: call.dialect
            )
            try await reader.commit(within: limit)
            possible = StreamLosses.possible(from: call.dialect, to: client, for: request)
            stream = ReplyStream(dialect: client, ending: ending, reader: reader)
        }
        var reply = InferenceReply(
            provider: self.id,
            model: request.model,
            headers: UpstreamHeaders.visible(response.headers),
            losses: call.losses,
            body: .stream(stream)
        )
        reply.possibleLosses = possible
        reply.upstream = call.dialect
        return reply
    }
}

extension InferenceRequest {
    /// Whether the client asked for the usage chunk of an OpenAI stream.
    var asksForStreamUsage: Bool {
        switch self.body {
        case .wire(_, let landmarks): landmarks.asksForStreamUsage
        case .model(let model): model.includesStreamUsage
        }
    }
}
