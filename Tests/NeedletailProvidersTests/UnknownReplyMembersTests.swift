import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Translation of replies loses nothing in silence")
struct UnknownReplyMembersTests {
    /// A reply of each dialect with all that it usually holds.
    private static let replies: [DialectID: String] = [
        .openAIChat: #"""
        {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"tool_calls",
        "message":{"role":"assistant","content":[{"type":"text","text":"hi"}],"refusal":null,
        "images":[{"type":"image_url","index":0,"image_url":{"url":"data:image/png;base64,QUJD"}}],
        "thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"}],
        "audio":{"id":"a","data":"QUJD","transcript":"t","expires_at":5},
        "tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}},
        {"id":"t2","type":"custom","custom":{"name":"g","input":"x"}}]}}],
        "usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10,
        "prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":1}}}
        """#,
        .anthropicMessages: #"""
        {"id":"m","type":"message","role":"assistant","model":"m","stop_reason":"tool_use","stop_sequence":null,
        "content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"hi"},
        {"type":"tool_use","id":"t1","name":"f","input":{}}],
        "usage":{"input_tokens":5,"output_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":1},
        "output_tokens_details":{"thinking_tokens":1}}}
        """#,
        .openAIResponses: #"""
        {"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","output":[
        {"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"s"},
        {"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[
        {"type":"output_text","text":"hi","annotations":[]},{"type":"refusal","refusal":"no"}]},
        {"id":"fc_1","type":"function_call","status":"completed","call_id":"t1","name":"f","arguments":"{}"}],
        "usage":{"input_tokens":5,"output_tokens":5,"total_tokens":10,
        "input_tokens_details":{"cached_tokens":1},"output_tokens_details":{"reasoning_tokens":1}}}
        """#,
        .gemini: #"""
        {"responseId":"r","modelVersion":"m","candidates":[{"index":0,"finishReason":"STOP","content":{"role":"model",
        "parts":[{"text":"hm","thought":true},{"text":"hi"},{"inlineData":{"mimeType":"image/png","data":"QUJD"}},
        {"functionCall":{"name":"f","args":{}}}]}}],
        "usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":5,"totalTokenCount":10}}
        """#,
        .bedrockConverse: #"""
        {"output":{"message":{"role":"assistant","content":[
        {"reasoningContent":{"reasoningText":{"text":"hm","signature":"s"}}},{"text":"hi"},
        {"image":{"format":"png","source":{"bytes":"QUJD"}}},
        {"toolUse":{"toolUseId":"t1","name":"f","input":{}}}]}},"stopReason":"tool_use",
        "usage":{"inputTokens":5,"outputTokens":5,"totalTokens":10},"serviceTier":{"type":"default"}}
        """#,
        .ollamaChat: #"""
        {"model":"m","created_at":"2025-01-01T00:00:00Z","done":true,"done_reason":"stop",
        "message":{"role":"assistant","content":"hi","thinking":"hm",
        "tool_calls":[{"id":"t1","function":{"index":0,"name":"f","arguments":{}}}]},
        "prompt_eval_count":5,"eval_count":5}
        """#,
        .ollamaGenerate: #"""
        {"model":"m","created_at":"2025-01-01T00:00:00Z","done":true,"done_reason":"stop","response":"hi",
        "thinking":"hm","prompt_eval_count":5,"eval_count":5}
        """#,
        .cohereChat: #"""
        {"id":"c","finish_reason":"TOOL_CALL","message":{"role":"assistant","tool_plan":"plan",
        "content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"hi"}],
        "tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}]},
        "usage":{"tokens":{"input_tokens":5,"output_tokens":5},"cached_tokens":1}}
        """#,
        .openAICompletions: #"""
        {"id":"c","object":"text_completion","created":1,"model":"m",
        "choices":[{"text":"hi","index":0,"finish_reason":"stop","logprobs":null}],
        "usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10}}
        """#,
    ]

    @Test("an unknown member of any object of a reply is carried or told as lost", arguments: DialectID.allCases)
    func unknown(_ upstream: DialectID) throws {
        let members = UnknownMember.cases(upstream, try #require(Self.replies[upstream]))
        #expect(!members.isEmpty)
        for member in members {
            let reply = try upstream.dialect.decodeReply(ByteBuffer(string: member.body))
            for client in DialectID.allCases where client != upstream {
                var out = ByteBuffer()
                let losses = try client.dialect.encodeReply(reply, created: 1, into: &out).map(\.field)
                // Of what is named as a whole its members need no names of their own.
                let isNamed = losses.contains { $0 == member.path || member.path.hasPrefix($0 + ".") }
                // Completions share the usage object of chat.
                let isCarried = String(buffer: out).contains("Q8")
                #expect(isNamed || isCarried, "\(member.path) to \(client.rawValue): \(losses)")
            }
        }
    }
}
