public import Logging
public import NeedletailCore
import NeedletailProviders
import NeedletailRouting

/// Asks a provider, or a whole stack of them, from Swift.
///
/// ```swift
/// let openAI = try HTTPProvider.connect(to: .openAI, apiKey: key)
/// let client = ChatClient(openAI)
/// let reply = try await client.chat(ChatRequest(model: "gpt-4o-mini", messages: [.user("Hello")]))
/// print(reply.text)
/// await client.close()
/// ```
///
/// Where the app has a tracer (`InstrumentationSystem` of swift-distributed-tracing), every request has a span there, below the
/// one of the code that asks, and every call to a provider one below that; the provider is told of it. Otherwise nothing is
/// spent on spans.
public struct ChatClient: Sendable {
    /// Who answers.
    public let provider: any Provider
    private let logger: Logger
    private let random: RandomSource
    private let time: TimeSource
    /// The calls that run, of all copies of the client.
    private let calls = RunningCalls()

    /// Creates a client.
    ///
    /// - Parameters:
    ///   - provider: Who answers: an ``HTTPProvider``, a ``Router`` over several, or what ``ProviderStackBuilder`` built.
    ///   - logger: Where attempts are logged.
    ///   - random: Where request ids come from.
    ///   - time: The clock that ``close(within:)`` waits by.
    public init(
        _ provider: any Provider,
        logger: Logger = Logger(label: "needletail"),
        random: RandomSource = .live,
        time: TimeSource = .live
    ) {
        self.provider = provider
        self.logger = logger
        self.random = random
        self.time = time
    }

    /// Lets no call begin any more, waits for those that run, and closes what they were made with: connections and all.
    /// Calls made afterwards fail with `.unavailable`. May be called twice.
    ///
    /// - Parameter limit: How long to wait for calls and streams that run; what runs then is cut. Default 30 s.
    public func close(within limit: Duration = .seconds(30)) async {
        self.calls.close()
        _ = await self.calls.untilIdle(within: limit, time: self.time)
        await self.provider.close()
    }

    /// Calls that run, streams to their end.
    public var inFlight: Int { self.calls.count }

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
        try await self.respond(to: InferenceRequest(chat: request, isStreaming: isStreaming), isStrict: isStrict)
    }

    /// Asks for anything that a provider can be asked for.
    ///
    /// - Throws: A ``NeedletailError`` once nothing more is to be tried; `.unavailable` after ``close(within:)``.
    public func respond(
        to request: InferenceRequest, isStrict: Bool = false
    ) async throws(NeedletailError) -> InferenceReply {
        guard self.calls.begin() else {
            throw NeedletailError(.unavailable, "The client has been closed; make a new one.")
        }
        let info = RequestInfo(
            id: "req_" + String(self.random.next(), radix: 36), isStrict: isStrict, start: self.time.now(),
            logger: self.logger)
        let reply: InferenceReply
        do {
            if let spans = TracerSpans.current {
                let traced = ObservationLayer(self.provider, Observation(spans: spans), time: self.time)
                reply = try await traced.respond(to: request, context: RequestContext(info))
            } else {
                reply = try await self.provider.respond(to: request, context: RequestContext(info))
            }
        } catch {
            self.calls.end()
            throw error
        }
        reply.onEnd { [calls = self.calls] _ in calls.end() }
        return reply
    }
}
