import NIOCore
public import NeedletailCore

/// Gives responses the memory that their API promises.
///
/// A provider of the dialect keeps its responses itself: here only their ids are remembered, so that what continues one
/// or asks for it goes to the provider that issued it. For every other provider the gateway keeps the conversation, if
/// `store` allows it, and writes it out in the place of `previous_response_id`.
///
/// Must be outside the router, which the id decides about, and outside the accounting: what is answered from the store
/// has cost nothing.
public struct ResponseStoreLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let store: ResponseStore
    private let random: RandomSource

    /// Wraps `next`.
    ///
    /// - Parameter random: For ids, which must not be guessed.
    public init(_ next: any Provider, store: ResponseStore, random: RandomSource) {
        self.next = next
        self.store = store
        self.random = random
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard case .wire(let body, _) = request.body, body.dialect == .openAIResponses else {
            return try await self.next.respond(to: request, context: context)
        }
        switch request.operation {
        case .chat: return try await self.create(body.bytes, request, context)
        case .retrieveResponse, .deleteResponse, .listInputItems:
            return try await self.stored(String(buffer: body.bytes), request, context)
        default: return try await self.next.respond(to: request, context: context)
        }
    }

    private func key(_ id: String, _ context: RequestContext) -> ResponseStoreState.Key {
        ResponseStoreState.Key(tenant: Self.owner(context.request), id: id)
    }

    /// Whose responses are whose: a key's are its own, and a key of the same name in another tenant is another.
    private static func owner(_ request: RequestInfo) -> String {
        let key = request.keyName ?? ""
        // With the length before it: no two pairs read alike.
        return request.tenant.map { "\($0.utf8.count):\($0)/\(key)" } ?? "-/\(key)"
    }

    // MARK: Creating

    private func create(
        _ body: ByteBuffer,
        _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let creation = ResponseCreation(body)
        var request = request
        var previous: KeptResponse?
        if let id = creation.previousID {
            switch self.store.find(self.key(id, context)) {
            case .issued(let provider): request.pin = provider
            case .kept(let response):
                previous = response
                try Self.expand(&request, creation, id, response)
            case nil:
                // Issued before the gateway began, perhaps. Where there are keys it may be another's, and is nobody's.
                guard context.request.keyName == nil else { throw Self.unknown(id) }
            }
        }
        let id = self.newID()
        request.replyID = id
        var reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            guard let id = creation.previousID, error.code == .unsupported,
                error.parameter == "previous_response_id"
            else { throw error }
            throw Self.unknown(id)
        }
        guard creation.isStored else { return reply }
        let keeper = ResponseKeeper(
            store: self.store, tenant: Self.owner(context.request), provider: reply.provider,
            creation: reply.upstream == .openAIResponses ? nil : creation, previous: previous,
            features: request.features,
            owner: ResponseStoreState.Owner(user: request.user, tenant: context.request.tenant))
        switch reply.body {
        case .complete(let body, _): keeper.keep(body.bytes)
        case .stream(let stream):
            let reader = ResponseKeepingReader(stream, keeper)
            reply.body = .stream(ReplyStream(dialect: stream.dialect, ending: stream.ending, reader: reader))
        }
        return reply
    }

    /// Writes the conversation out.
    private static func expand(
        _ request: inout InferenceRequest,
        _ creation: ResponseCreation,
        _ id: String,
        _ response: KeptResponse
    ) throws(NeedletailError) {
        let (bytes, landmarks) = try creation.expanded(with: response.conversation)
        request.body = .wire(WireBody(dialect: .openAIResponses, bytes: bytes), landmarks)
        request.echo = [Extension("previous_response_id", JSONText(string: id))]
        request.features.formUnion(response.features)
        // Three bytes for a token, as in the first guess.
        request.estimatedInputTokens += response.size / 3
    }

    private func newID() -> String {
        var id = "resp_"
        for _ in 0..<2 {
            let digits = String(self.random.next(), radix: 16)
            id += String(repeating: "0", count: 16 - digits.count) + digits
        }
        return id
    }

    private static func unknown(_ id: String) -> NeedletailError {
        NeedletailError(
            .invalidRequest, "Previous response with id '\(id.prefix(200))' not found.",
            parameter: "previous_response_id")
    }

    // MARK: Retrieving

    /// Answers for a response that was created before; its id stands in the place of the model's name.
    private func stored(
        _ query: String,
        _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let id = request.model
        let key = self.key(id, context)
        let bytes: ByteBuffer
        switch self.store.find(key) {
        case nil: throw NeedletailError(.notFound, "Response with id '\(id.prefix(200))' not found.")
        case .issued(let provider):
            var request = request
            request.pin = provider
            let reply = try await self.next.respond(to: request, context: context)
            if request.operation == .deleteResponse { self.store.remove(key) }
            return reply
        case .kept(let response):
            switch request.operation {
            case .deleteResponse:
                self.store.remove(key)
                bytes = Self.deletion(id)
            case .listInputItems: bytes = try response.list(id: id, try ResponseListQuery(query))
            default: bytes = try Self.retrieval(response, query)
            }
        }
        let body = WireBody(dialect: .openAIResponses, bytes: bytes)
        return InferenceReply(provider: "store", model: "", body: .complete(body, nil))
    }

    private static func retrieval(_ response: KeptResponse, _ query: String) throws(NeedletailError) -> ByteBuffer {
        guard !query.split(separator: "&").contains("stream=true") else {
            throw NeedletailError(
                .unsupported, "A response that is kept is given whole, not as a stream.", parameter: "stream")
        }
        return response.response.bytes
    }

    private static func deletion(_ id: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("id", id)
        json.member("object", "response")
        json.member("deleted", true)
        json.endObject()
        return json.bytes
    }
}
