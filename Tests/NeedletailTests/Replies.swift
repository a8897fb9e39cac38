import NIOCore
import NeedletailCore
import NeedletailTesting

/// Replies as the two dialects' documents describe them: "Hi there", seven tokens in and two out.
enum Replies {
    static func whole(_ dialect: DialectID) -> LoopbackServer.Answer {
        switch dialect {
        case .openAIChat:
            .init(
                type: "application/json",
                #"{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"#
                    + #""assistant","content":"Hi there"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"#
                    + #""completion_tokens":2,"total_tokens":9}}"#)
        case .anthropicMessages:
            .init(
                type: "application/json",
                #"{"id":"msg","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"#
                    + #""Hi there"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":7,"#
                    + #""output_tokens":2}}"#)
        default: preconditionFailure("not spelled out")
        }
    }

    static let call = LoopbackServer.Answer(
        type: "application/json",
        #"{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"#
            + #""assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","#
            + #""arguments":"{\"at\":\"sea\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":7,"#
            + #""completion_tokens":2,"total_tokens":9}}"#)

    static func stream(_ dialect: DialectID) -> LoopbackServer.Answer {
        self.events(self.chunks(dialect))
    }

    /// The same, broken off after the first text.
    static func cut(_ dialect: DialectID) -> LoopbackServer.Answer {
        self.events(Array(self.chunks(dialect).prefix(dialect == .openAIChat ? 1 : 3)))
    }

    private static func events(_ events: [String]) -> LoopbackServer.Answer {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        let body = events.map { $0 + "\n\n" }.joined()
        return .init(bytes: ByteBuffer(string: head + body), closes: true)
    }

    private static func chunks(_ dialect: DialectID) -> [String] {
        switch dialect {
        case .openAIChat:
            let chunk = { (rest: String) in
                #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":"# + rest
            }
            return [
                chunk(#"[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}"#),
                chunk(#"[{"index":0,"delta":{"content":" there"},"finish_reason":null}]}"#),
                chunk(#"[{"index":0,"delta":{},"finish_reason":"stop"}]}"#),
                chunk(#"[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#), "data: [DONE]",
            ]
        case .anthropicMessages:
            let event = { (name: String, rest: String) in
                "event: \(name)\ndata: {\"type\":\"\(name)\"\(rest)}"
            }
            return [
                event(
                    "message_start",
                    #","message":{"id":"msg","type":"message","role":"assistant","model":"up","content":[],"stop_reason":"#
                        + #"null,"usage":{"input_tokens":7,"output_tokens":1}}"#),
                event("content_block_start", #","index":0,"content_block":{"type":"text","text":""}"#),
                event("content_block_delta", #","index":0,"delta":{"type":"text_delta","text":"Hi"}"#),
                event("content_block_delta", #","index":0,"delta":{"type":"text_delta","text":" there"}"#),
                event("content_block_stop", #","index":0"#),
                event("message_delta", #","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}"#),
                event("message_stop", ""),
            ]
        default: preconditionFailure("not spelled out")
        }
    }
}
