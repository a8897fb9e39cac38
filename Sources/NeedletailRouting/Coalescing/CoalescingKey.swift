import HTTPTypes
import NIOCore
import NeedletailCore

/// What makes two requests one: the same bytes, from the same key of the same tenant, with the same wishes.
struct CoalescingKey: Sendable, Hashable {
    private let tenant: String?
    private let keyName: String?
    private let operation: NeedletailCore.Operation
    private let model: String
    private let isStreaming: Bool
    private let replyDialect: DialectID?
    private let upstreamDialect: DialectID?
    private let isStrict: Bool
    private let forwardedHeaders: HTTPFields
    private let routingHeaders: HTTPFields
    private let body: ByteBuffer

    /// The key of a request; `nil` for one that must be asked for itself, because it leaves something behind at the
    /// gateway or at its provider.
    init?(_ request: InferenceRequest, _ info: RequestInfo) {
        guard case .wire(let body, _) = request.body, request.pin == nil, request.echo.isEmpty else { return nil }
        switch request.operation {
        case .chat, .countTokens, .embeddings, .singleEmbedding, .rerank, .moderations: break
        default: return nil
        }
        // A response is kept under its id for `previous_response_id` unless the client says otherwise.
        if body.dialect == .openAIResponses, ResponseCreation(body.bytes).isStored { return nil }
        self.tenant = info.tenant
        self.keyName = info.keyName
        self.operation = request.operation
        self.model = request.model
        self.isStreaming = request.isStreaming
        self.replyDialect = request.replyDialect
        self.upstreamDialect = request.upstreamDialect
        self.isStrict = info.isStrict
        self.forwardedHeaders = info.forwardedHeaders
        self.routingHeaders = info.routingHeaders
        self.body = body.bytes
    }
}
