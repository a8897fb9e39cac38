public import Logging
import NIOCore

/// Asks a provider, or a whole stack of them, from Swift.
///
/// ```swift
/// let openAI = try HTTPProvider.connect(to: .openAI, apiKey: key)
/// let client = ChatClient(openAI)
/// let reply = try await client.chat(ChatRequest(model: "gpt-4o-mini", messages: [.user("Hello")]))
/// print(reply.text)
/// ```
public struct ChatClient: Sendable {
    private let provider: any Provider
    private let logger: Logger
    private let random: RandomSource

    /// Creates a client.
    ///
    /// - Parameters:
    ///   - provider: Who answers: an ``HTTPProvider``, a ``Router`` over several, or what ``ProviderStackBuilder`` built.
    ///   - logger: Where attempts are logged.
    ///   - random: Where request ids come from.
    public init(
        _ provider: any Provider,
        logger: Logger = Logger(label: "needletail"),
        random: RandomSource = .live
    ) {
        self.provider = provider
        self.logger = logger
        self.random = random
    }

    /// Asks for a whole reply.
    ///
    /// - Parameters:
    ///   - request: What to ask; its ``ChatRequest/isStreaming`` is not looked at.
    ///   - isStrict: Whether to refuse rather than lose a field that the provider cannot be told. Default false.
    /// - Returns: The reply, and what the request lost in translation.
    /// - Throws: A ``NeedletailError`` once nothing more is to be tried; `.unsupported` for a strict request that would
    ///   lose a field; `.cancelled` if the task was.
    public func chat(_ request: ChatRequest, isStrict: Bool = false) async throws(NeedletailError) -> ChatReply {
        let reply = try await self.ask(request, isStreaming: false, isStrict: isStrict)
        guard case .complete(let body, _) = reply.body else {
            throw NeedletailError(.internalFailure, "A whole reply was asked for and a stream came.")
        }
        return ChatReply(
            response: try body.dialect.dialect.decodeReply(body.bytes),
            provider: reply.provider,
            losses: reply.losses
        )
    }

    /// Asks for a streamed reply.
    ///
    /// - Parameters:
    ///   - request: What to ask; its ``ChatRequest/isStreaming`` is not looked at.
    ///   - isStrict: Whether to refuse rather than lose a field that the provider cannot be told. Default false.
    /// - Returns: The events, once the provider has sent the first good one. To drop them is to cancel the request.
    /// - Throws: A ``NeedletailError``, as ``chat(_:isStrict:)``; nothing has been streamed then. What breaks the stream
    ///   later is thrown by its iterator, after every event that came before.
    public func stream(
        _ request: ChatRequest,
        isStrict: Bool = false
    ) async throws(NeedletailError) -> ChatEventStream {
        let reply = try await self.ask(request, isStreaming: true, isStrict: isStrict)
        guard case .stream(let stream) = reply.body else {
            throw NeedletailError(.internalFailure, "A stream was asked for and a whole reply came.")
        }
        return ChatEventStream(stream, provider: reply.provider, losses: reply.losses)
    }

    private func ask(
        _ request: ChatRequest,
        isStreaming: Bool,
        isStrict: Bool
    ) async throws(NeedletailError) -> InferenceReply {
        let info = RequestInfo(
            id: "req_" + String(self.random.next(), radix: 36),
            isStrict: isStrict,
            logger: self.logger
        )
        return try await self.provider.respond(
            to: InferenceRequest(
                operation: .chat,
                model: request.model,
                isStreaming: isStreaming,
                maxOutputTokens: request.maxOutputTokens,
                body: .model(request),
                replyDialect: nil
            ),
            context: RequestContext(info)
        )
    }
}

/// A whole reply and where it came from.
public struct ChatReply: Sendable {
    /// The reply.
    public var response: ChatResponse
    /// Who answered.
    public var provider: ProviderID
    /// What the request lost in translation.
    public var losses: [Loss]

    /// The text of the first choice.
    public var text: String { self.response.text }
    /// The tool calls of the first choice.
    public var toolCalls: [ToolCall] { self.response.toolCalls }
    /// The tokens spent.
    public var usage: Usage? { self.response.usage }
}
