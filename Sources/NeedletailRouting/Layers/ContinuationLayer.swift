public import NeedletailCore

/// Lets a stream that breaks after the commit go on elsewhere, in the same reply.
///
/// Must be directly outside the router, whose remaining attempts and deadline the further parts use. A stream is read as
/// events and written anew, so that what follows a break has the ids and numbers of what came before. A whole reply, and a
/// stream of several choices or of sound, passes through.
public struct ContinuationLayer: Provider {
    /// The wrapped router's name.
    public var id: ProviderID { self.next.id }

    let next: any Provider
    private let dialects: @Sendable (DialectID) -> any Dialect.Type
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameter dialects: The code behind a dialect's name.
    public init(
        _ next: any Provider, dialects: @escaping @Sendable (DialectID) -> any Dialect.Type, time: TimeSource
    ) {
        self.next = next
        self.dialects = dialects
        self.time = time
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard request.operation == .chat, request.isStreaming, !request.features.contains(.audio),
            let model = self.model(of: request), model.choiceCount ?? 1 == 1
        else { return try await self.next.respond(to: request, context: context) }
        var context = context
        context.rewritesStream = true
        var reply = try await self.next.respond(to: request, context: context)
        guard case .stream(let stream) = reply.body else { return reply }
        let dialect = self.dialects(stream.dialect)
        var options = StreamEncoderOptions(
            includesUsage: model.includesStreamUsage, model: reply.model, created: self.time.wallSeconds(),
            replyID: context.id)
        options.usesLegacyFunctions = model.usesLegacyFunctions
        options.source = stream.dialect
        options.echo = model.echo + request.echo
        options.assignedID = request.replyID
        let ending = StreamEnding()
        let reader = ContinuationReader(
            stream, from: BrokenTarget(provider: reply.provider, model: reply.model), dialect: dialect,
            encoder: dialect.makeStreamEncoder(options),
            state: ContinuationState(
                MidStreamPolicy(continuing: request).rescue, repeatsReasoning: !dialect.demandsSignedReasoning),
            ending: ending, request: request, context: context, next: self.next, time: self.time)
        reply.body = .stream(ReplyStream(dialect: stream.dialect, ending: ending, reader: reader))
        // The client's reply is the gateway's own writing: no provider keeps it under its id.
        reply.upstream = nil
        return reply
    }

    /// The request as a model; `nil` for one that cannot be read, which its provider judges.
    private func model(of request: InferenceRequest) -> ChatRequest? {
        switch request.body {
        case .wire(let wire, let landmarks):
            guard wire.dialect == request.replyDialect,
                var model = try? self.dialects(wire.dialect).decodeRequest(wire.bytes)
            else { return nil }
            model.includesStreamUsage = landmarks.asksForStreamUsage
            return model
        case .model(let model): return request.replyDialect == nil ? nil : model
        }
    }
}
