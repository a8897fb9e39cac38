import NIOCore
public import NeedletailCore

/// Checks what a target delivers before its reply counts; a reply that breaks the contract is a failure of the target.
///
/// Must be inside the router, around one target, since what it throws is tried again elsewhere.
public struct ReplyContractLayer: Provider {
    /// The most that is held back of a stream while it has no content; then it counts as it is. 256 KiB: the preamble of
    /// OpenAI's responses repeats instructions and tools.
    static let maximumPreamble = 256 << 10

    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let contract: ReplyContract
    private let dialects: @Sendable (DialectID) -> any Dialect.Type

    /// Wraps `next`.
    ///
    /// - Parameter dialects: The code behind a dialect's name.
    public init(
        _ next: any Provider, _ contract: ReplyContract, dialects: @escaping @Sendable (DialectID) -> any Dialect.Type
    ) {
        self.next = next
        self.contract = contract
        self.dialects = dialects
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        var reply = try await self.next.respond(to: request, context: context)
        guard request.operation == .chat else { return reply }
        switch reply.body {
        case .complete(let body, _):
            if self.contract.concernsWholeReplies { try self.check(body, request, reply.provider) }
        case .stream(let stream):
            guard self.contract.concernsStreams else { return reply }
            let reader = HeldBackReader(stream, decoder: self.dialects(stream.dialect).makeStreamDecoder())
            try await self.commit(reader, reply.provider)
            reply.body = .stream(ReplyStream(dialect: stream.dialect, ending: stream.ending, reader: reader))
        }
        return reply
    }

    private func commit(_ reader: HeldBackReader, _ provider: ProviderID) async throws(NeedletailError) {
        do throws(NeedletailError) {
            let hasContent = try await reader.commit(limit: Self.maximumPreamble)
            if !hasContent, self.contract.refusesEmpty { throw ReplyCheck.empty }
        } catch {
            var error = error
            if error.provider == nil { error.provider = provider }
            throw error
        }
    }

    private func check(
        _ body: WireBody, _ request: InferenceRequest, _ provider: ProviderID
    ) throws(NeedletailError) {
        let reply = try self.dialects(body.dialect).decodeReply(body.bytes)
        do throws(NeedletailError) {
            if self.contract.refusesEmpty { try ReplyCheck.checkContent(reply) }
            guard request.features.contains(.structuredOutput),
                self.contract.refusesInvalidJSON || self.contract.refusesTruncated
            else { return }
            try ReplyCheck.checkJSON(reply, self.format(of: request), self.contract)
        } catch {
            var error = error
            error.provider = provider
            throw error
        }
    }

    private func format(of request: InferenceRequest) -> ResponseFormat? {
        switch request.body {
        case .wire(let wire, _): (try? self.dialects(wire.dialect).decodeRequest(wire.bytes))?.responseFormat
        case .model(let model): model.responseFormat
        }
    }
}
