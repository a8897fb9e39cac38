/// One of the two dialects, as a client surface and as an upstream.
enum Surface: String, CaseIterable, Sendable, CustomStringConvertible {
    case openAI = "OpenAI"
    case anthropic = "Anthropic"

    var description: String { self.rawValue }
    /// The type and name of a provider that speaks it.
    var provider: String { self == .openAI ? "openai" : "anthropic" }
    var path: String { self == .openAI ? "/v1/chat/completions" : "/v1/messages" }
    /// What only a stream that went well has.
    var endMarker: String { self == .openAI ? "data: [DONE]" : "event: message_stop" }

    /// A request that both surfaces take.
    func request(_ model: String, stream: Bool = false, _ more: String = "") -> String {
        let stream = stream ? #","stream":true"# : ""
        return
            #"{"model":"\#(model)","max_tokens":200,"messages":[{"role":"user","content":"hello"}]\#(stream)\#(more)}"#
    }

    /// A whole reply as an upstream of this dialect gives it.
    var wholeReply: String {
        switch self {
        case .openAI:
            #"{"id":"c-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#
        case .anthropic:
            #"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"fine"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}"#
        }
    }

    /// What an error's `type` (and, for OpenAI, `code`) looks like in a body or an event of this dialect.
    func names(_ failure: Failure) -> [String] {
        switch self {
        case .openAI: [#""type":"\#(failure.openAIType)""#] + (failure.openAICode.map { [#""code":"\#($0)""#] } ?? [])
        case .anthropic: [#""type":"\#(failure.anthropicType)""#]
        }
    }
}

/// A class of error, as the contract's table has it.
enum Failure: String, Sendable, CaseIterable {
    case broken = "provider_error"
    case timeout
    case overloaded = "provider_unavailable"

    var openAIType: String { "server_error" }
    var openAICode: String? { self.rawValue }
    var anthropicType: String {
        switch self {
        case .broken: "api_error"
        case .timeout: "timeout_error"
        case .overloaded: "overloaded_error"
        }
    }

    func status(_ surface: Surface) -> Int {
        switch self {
        case .broken: 502
        case .timeout: 504
        case .overloaded: surface == .openAI ? 503 : 529
        }
    }
}
