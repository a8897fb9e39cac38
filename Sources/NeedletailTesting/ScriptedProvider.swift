import NIOCore
public import NeedletailCore
import Synchronization

/// Answers from a script, then with `{"ok":true}`.
public final class ScriptedProvider: Provider {
    /// One answer.
    public enum Step: Sendable {
        /// A whole reply with these bytes.
        case reply(String)
        /// A stream of these chunks, which then ends properly.
        case stream([String])
        /// A stream of these chunks, which then breaks.
        case broken([String], NeedletailError)
        /// A failure before the commit.
        case failure(NeedletailError)
    }

    /// The name.
    public let id: ProviderID
    private let script: Mutex<ArraySlice<Step>>
    private let seen = Mutex<[InferenceRequest]>([])

    /// Creates a provider that gives `steps` in order.
    public init(_ id: ProviderID, _ steps: [Step] = []) {
        self.id = id
        self.script = Mutex(steps[...])
    }

    /// What was asked so far.
    public var requests: [InferenceRequest] { self.seen.withLock { $0 } }
    /// How often it was asked.
    public var callCount: Int { self.seen.withLock { $0.count } }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        self.seen.withLock { $0.append(request) }
        let dialect = request.replyDialect ?? .openAIChat
        let body: InferenceReply.Body
        switch self.script.withLock({ $0.popFirst() }) ?? .reply(#"{"ok":true}"#) {
        case .failure(let error): throw error
        case .reply(let text):
            body = .complete(WireBody(dialect: dialect, bytes: ByteBuffer(string: text)), Usage(outputTokens: 1))
        case .stream(let chunks):
            body = .stream(ReplyStream(dialect: dialect, reader: ScriptedReader(chunks, failure: nil)))
        case .broken(let chunks, let error):
            body = .stream(ReplyStream(dialect: dialect, reader: ScriptedReader(chunks, failure: error)))
        }
        return InferenceReply(provider: self.id, model: request.model, body: body)
    }
}

/// Reads chunks that are all there.
final class ScriptedReader: ReplyReader {
    private var chunks: ArraySlice<String>
    private let failure: NeedletailError?

    init(_ chunks: [String], failure: NeedletailError?) {
        self.chunks = chunks[...]
        self.failure = failure
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        if let chunk = self.chunks.popFirst() { return ByteBuffer(string: chunk) }
        if let failure = self.failure { throw failure }
        return nil
    }
}
