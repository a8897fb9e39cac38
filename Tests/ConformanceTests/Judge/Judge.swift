import Foundation
import NeedletailCore
import NeedletailProviders

/// One dialect as its clients and servers know it: written from its documentation, with Foundation alone, so that it can
/// judge what the gateway writes in it.
protocol Judge {
    /// What a client of the dialect can be shown.
    static var shows: Set<Aspect> { get }

    /// Where a client asks.
    static func path(model: String, isStreaming: Bool) -> String
    /// Whether the path names the model and the form of the reply, and not the body.
    static var isPathBound: Bool { get }
    /// The fewest words to ask for a reply with.
    static func request(isStreaming: Bool) -> [String: Any]
    /// A tool, and the wish for reasoning.
    static var wishes: [String: Any] { get }
    /// The conversation goes on: what was seen is sent back, each call with the result `result 0`, `result 1`, …
    static func nextTurn(_ seen: SeenReply) -> [String: Any]

    /// Reads a whole reply.
    static func whole(_ json: [String: Any]) -> SeenReply
    /// Reads a stream.
    static func stream(_ data: Data) -> SeenReply
    /// Takes a stream apart.
    static func events(_ data: Data) -> [RawEvent]
    /// Whether JSON that is no error is a reply, or a piece of one.
    static func isReply(_ json: [String: Any]) -> Bool
    /// The message of an error, whole or in a stream; `nil` if it is none.
    static func failure(_ json: [String: Any]) -> String?
    /// What is wrong with the form of an error reply.
    static func failureFaults(_ reply: ClientReply) -> [String]

    /// Reads a request as its upstream does.
    static func conversation(_ body: [String: Any]) -> PlainConversation
    /// A short whole reply that says `ok`.
    static var okay: [String: Any] { get }
    /// The same as a stream.
    static var okayStream: Data { get }
}

/// What the clients of some dialects can be shown and those of others not.
enum Aspect: Hashable {
    case reasoning, signatures, calls, callIDs, usage, cachedTokens
    /// That the answer was declined or filtered.
    case refusal
    /// Arguments that are no JSON object: cut off, or free text.
    case looseArguments
    /// The conversation in messages, rather than in one prompt.
    case messages
}

/// A piece of a stream that is sent as one.
struct RawEvent {
    enum Kind: Equatable {
        /// Content, or what surrounds it.
        case good
        /// Nothing but a sign of life.
        case empty
        /// The provider reports an error.
        case failure
        /// Not of the dialect.
        case garbage
    }

    var kind: Kind
    var json: [String: Any] = [:]
    /// What the framing calls the event.
    var name = ""
    var raw: Data
    /// Whether the reply is whole once this is there.
    var makesWhole = false
    /// Whether nothing is read after this.
    var isLast = false
}

extension Judge {
    static var isPathBound: Bool { false }
    static func isReply(_ json: [String: Any]) -> Bool { true }

    /// A small request. One with `wishes` asks for all that a reply may hold: calls and reasoning.
    static func data(isStreaming: Bool, wishes: Bool = false) -> Data {
        var request = Self.request(isStreaming: isStreaming)
        if wishes { request.merge(Self.wishes) { first, _ in first } }
        return JSON.data(request)
    }

    /// Server-sent events; `[DONE]` is the last, and `judge` knows the rest.
    static func sse(_ data: Data, _ judge: (inout RawEvent) -> Void) -> [RawEvent] {
        ServerEvents(data).events.map { event in
            var raw = RawEvent(kind: .empty, name: event.name, raw: event.raw)
            guard !event.data.isEmpty else { return raw }
            if event.data == "[DONE]" {
                raw.kind = .good
                raw.makesWhole = true
                raw.isLast = true
                return raw
            }
            Self.fill(&raw, JSON.object(event.data), judge)
            return raw
        }
    }

    /// One JSON value a line.
    static func lines(_ data: Data, _ judge: (inout RawEvent) -> Void) -> [RawEvent] {
        var events: [RawEvent] = []
        var rest = data
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 10).map { rest.index(after: $0) } ?? rest.endIndex
            let line = Data(rest[..<end])
            rest = rest[end...]
            var raw = RawEvent(kind: .empty, raw: line)
            if !String(decoding: line, as: UTF8.self).allSatisfy(\.isWhitespace) {
                Self.fill(&raw, JSON.object(line), judge)
            }
            events.append(raw)
        }
        return events
    }

    static func fill(_ raw: inout RawEvent, _ json: [String: Any]?, _ judge: (inout RawEvent) -> Void) {
        guard let json else {
            raw.kind = .garbage
            return
        }
        raw.json = json
        raw.kind = Self.failure(json) == nil ? .good : .failure
        judge(&raw)
    }

    static func read(_ data: Data, isStream: Bool) -> SeenReply {
        isStream ? Self.stream(data) : Self.whole(JSON.object(data) ?? [:])
    }
}

extension DialectID {
    var judge: any Judge.Type {
        switch self {
        case .openAIChat: ChatJudge.self
        case .anthropicMessages: MessagesJudge.self
        case .openAIResponses: ResponsesJudge.self
        case .gemini: GeminiJudge.self
        case .bedrockConverse: ConverseJudge.self
        case .ollamaChat: OllamaJudge.self
        case .ollamaGenerate: GenerateJudge.self
        case .cohereChat: CohereJudge.self
        case .openAICompletions: CompletionsJudge.self
        }
    }
}
