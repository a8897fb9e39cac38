import HTTPTypes
import NIOCore
import NeedletailCore

/// What a request asks for.
enum MockOperation: Sendable, Hashable {
    /// A chat; `count` if only its tokens are to be counted.
    case chat, countTokens, listModels
    case model(String)
}

/// A dialect as the mock speaks it: one file each, written from the provider's documentation and not with Needletail's
/// own codecs, so that a fault in one of them meets an honest peer.
protocol MockDialect: Sendable {
    /// What is asked for, if the path is one of the dialect's.
    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation?
    /// The model and whether a stream is wanted, for dialects that have them in the path.
    static func target(path: String) -> (model: String, isStreaming: Bool)?
    /// Reads a chat.
    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt
    /// Writes a whole answer.
    static func whole(_ answer: MockAnswer) -> MockWhole
    /// What writes a stream.
    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter
    /// The body of a count of tokens.
    static func tokenCount(_ tokens: Int) -> ByteBuffer
    /// The body of the models list.
    static func modelList(_ names: [String]) -> ByteBuffer
    /// The body of one model.
    static func model(_ name: String) -> ByteBuffer
    /// The body of an error.
    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer
    /// The event that ends a stream in failure.
    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer
    /// Bytes that are no event.
    static var garbage: ByteBuffer { get }
    /// The header that carries the request's id.
    static var requestIDHeader: String { get }
    /// The `content-type` of a stream.
    static var streamContentType: String { get }
    /// The status of a failure that nobody has described.
    static var failureStatus: Int { get }
}

extension MockDialect {
    static var garbage: ByteBuffer { ByteBuffer(string: "data: {\"mock garbage\": [}\n\n") }
    static var streamContentType: String { "text/event-stream; charset=utf-8" }
    static func target(path: String) -> (model: String, isStreaming: Bool)? { nil }
}

/// Writes a stream, piece by piece.
protocol MockStreamWriter: Sendable {
    /// Appends the bytes of `piece`, which may be none.
    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer)
}

/// A whole answer, and where in it faults strike.
struct MockWhole: Sendable {
    var bytes = ByteBuffer()
    /// The middle of the reasoning.
    var thinking: Int?
    /// The middle of the first call's arguments.
    var toolArguments: Int?
    /// Where the first text lies.
    var text: Range<Int>?
    /// The start of the usage.
    var usage: Int?

    /// The middle of what was written from `start` to here.
    static func middle(_ start: Int, _ json: JSONWriter) -> Int {
        start + max(1, (json.bytes.readableBytes - start) / 2)
    }
}

/// All dialects, and which of them a path belongs to.
enum MockDialects {
    /// The order matters where two claim a path: the first that does is asked.
    static let all: [any MockDialect.Type] = [
        MockGemini.self, MockAnthropicMessages.self, MockOpenAIResponses.self, MockOpenAIChat.self,
        MockBedrockConverse.self, MockBedrockInvoke.self, MockCompletions.self, MockOllamaChat.self,
        MockOllamaGenerate.self, MockCohere.self,
    ]

    /// The dialect of a path that none claims.
    static func fallback(path: String, headers: HTTPFields) -> any MockDialect.Type {
        headers.contains { $0.name.canonicalName == "anthropic-version" } || path.contains("/messages")
            ? MockAnthropicMessages.self : MockOpenAIChat.self
    }
}
