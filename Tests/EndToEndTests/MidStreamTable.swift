import NeedletailCore
import NeedletailGateway
import Testing

/// One cell of the table "What becomes of a broken stream" in `docs/streams.md`: the first of two targets breaks, the second
/// is well.
struct MidStreamCase: Sendable, CustomTestStringConvertible {
    /// Where the first target's stream breaks, in the order in which a reply is written.
    enum Point: String, CaseIterable, Sendable {
        case connect = "on connecting"
        case headers = "before headers"
        case firstEvent = "before the first event"
        case preamble = "after the preamble"
        case text = "mid text"
        case toolArguments = "inside tool arguments"
        case thinking = "inside thinking"
        case usage = "before usage"
        case end = "before the end marker"

        var mock: MockFault.Place {
            switch self {
            case .connect: .connect
            case .headers: .headers
            case .firstEvent: .firstEvent
            case .preamble: .chunk(1)
            case .text: .chunk(3)
            case .toolArguments: .toolArguments
            case .thinking: .thinking
            case .usage: .beforeUsage
            case .end: .beforeDone
            }
        }
    }

    /// A surface, and the dialect in which both targets are asked.
    enum Surface: String, CaseIterable, Sendable {
        case chat, responses, messages, gemini

        var dialect: DialectID {
            switch self {
            case .chat: .openAIChat
            case .responses: .openAIResponses
            case .messages: .anthropicMessages
            case .gemini: .gemini
            }
        }

        var path: String {
            switch self {
            case .chat: "/v1/chat/completions"
            case .responses: "/v1/responses"
            case .messages: "/v1/messages"
            case .gemini: "/v1beta/models/MODEL:streamGenerateContent?alt=sse"
            }
        }

        /// A provider type that speaks the dialect.
        var type: String {
            switch self {
            case .chat, .responses: "openai"
            case .messages: "anthropic"
            case .gemini: "gemini"
            }
        }
    }

    /// A group's `mid_stream`.
    enum Policy: String, CaseIterable, Sendable {
        case never, restart
        case goOn = "continue"
    }

    /// What the client gets.
    enum Outcome: String, Sendable {
        /// The whole answer, each token of it once.
        case whole
        /// What came before the fault, then an error event.
        case error = "error event"
    }

    var point: Point
    var kind: MockFault.Kind
    var surface: Surface
    var policy: Policy

    var testDescription: String {
        "\(self.kind.rawValue) \(self.point.rawValue), \(self.surface.rawValue), \(self.policy.rawValue)"
    }

    static let all = Point.allCases.flatMap { point in
        MockFault.Kind.allCases.flatMap { kind in
            Surface.allCases.flatMap { surface in
                Policy.allCases.map { Self(point: point, kind: kind, surface: surface, policy: $0) }
            }
        }
    }

    /// Whether the first target has told why the answer ended. Responses tell that with the usage and in the last event,
    /// messages with the usage.
    private var isAfterStopReason: Bool {
        switch self.surface {
        case .chat: self.point == .usage || self.point == .end
        case .messages: self.point == .end
        case .responses: false
        case .gemini: self.point == .end
        }
    }

    var outcome: Outcome {
        if self.kind == .slow { return .whole }
        switch self.point {
        case .connect, .headers, .firstEvent: return .whole
        // Gemini has no preamble, and no fragments of calls: nothing has come yet.
        case .preamble: return self.policy == .never && self.surface != .gemini ? .error : .whole
        case .toolArguments where self.surface == .gemini: return .whole
        default: break
        }
        // The mock's responses keep their reasoning to themselves, so that nothing has been shown yet.
        if self.point == .thinking, self.surface == .responses { return self.policy == .never ? .error : .whole }
        if self.isAfterStopReason, self.kind != .errorEvent || self.policy == .goOn { return .whole }
        guard self.policy == .goOn else { return .error }
        return self.point == .thinking && self.surface == .messages ? .error : .whole
    }

    // MARK: What the targets say

    static let text = "alpha beta gamma delta epsilon"
    static let reasoning = "Let us think about this for a while."
    static let arguments = #"{"city":"Paris in France","days":[1,2,3]}"#

    var reply: MockScriptedReply {
        var reply = MockScriptedReply()
        switch self.point {
        case .toolArguments: reply.toolCalls = [.init(name: "weather", arguments: Self.arguments)]
        case .thinking:
            reply.reasoning = Self.reasoning
            reply.text = Self.text
        default: reply.text = Self.text
        }
        reply.usage = MockUsage(input: 11, output: 7)
        return reply
    }

    /// The rows in `docs/streams.md`, one for each point and kind.
    static var rows: [String] {
        Point.allCases.flatMap { point in
            MockFault.Kind.allCases.map { kind in
                let cells = Policy.allCases.map { policy in
                    let whole = Surface.allCases.filter {
                        Self(point: point, kind: kind, surface: $0, policy: policy).outcome == .whole
                    }
                    if whole.isEmpty { return Outcome.error.rawValue }
                    if whole.count == Surface.allCases.count { return Outcome.whole.rawValue }
                    let words = whole.map(\.rawValue).joined(separator: ", ")
                    return "whole: \(words); else error event"
                }
                let name = kind.rawValue.replacing("_", with: " ")
                return "| " + ([point.rawValue, name] + cells).joined(separator: " | ") + " |"
            }
        }
    }
}
