import Foundation
import NeedletailCore

/// A request with one unknown member, `"Q8": 1`, in one of its objects.
struct UnknownMember: Sendable, CustomStringConvertible {
    let client: DialectID
    let body: String
    /// The member's path without indices.
    let path: String
    /// Whether the other dialect refuses the request in any case.
    let isRefused: Bool

    var description: String { "\(self.client) \(self.path)" }

    /// Values that go through whole, whatever is in them.
    private static let opaque: Set<String> = [
        "parameters", "input_schema", "schema", "arguments", "input", "args", "logit_bias",
    ]

    /// One case for each object of `body` that a decoder takes apart.
    static func cases(_ client: DialectID, _ body: String, isRefused: Bool = false) -> [UnknownMember] {
        guard let root = try? JSONSerialization.jsonObject(with: Data(body.utf8)) else { return [] }
        return Self.variants(root, path: []).compactMap { value, path in
            guard let data = try? JSONSerialization.data(withJSONObject: value, options: .sortedKeys) else {
                return nil
            }
            let name = (path + ["Q8"]).joined(separator: ".")
            return UnknownMember(
                client: client, body: String(decoding: data, as: UTF8.self), path: name, isRefused: isRefused)
        }
    }

    private static func variants(_ value: Any, path: [String]) -> [(Any, [String])] {
        var found: [(Any, [String])] = []
        if let object = value as? [String: Any] {
            found.append((object.merging(["Q8": 1]) { $1 }, path))
            for key in object.keys.sorted() where !Self.opaque.contains(key) {
                guard let member = object[key] else { continue }
                for (variant, inner) in Self.variants(member, path: path + [key]) {
                    found.append((object.merging([key: variant]) { $1 }, inner))
                }
            }
        } else if let array = value as? [Any] {
            for (index, element) in array.enumerated() {
                for (variant, inner) in Self.variants(element, path: path) {
                    var copy = array
                    copy[index] = variant
                    found.append((copy, inner))
                }
            }
        }
        return found
    }

    static let openAI =
        Self.cases(.openAIChat, Self.openAIBody)
        + Self.cases(.openAIChat, Self.openAILegacyBody)
        + Self.openAIOptions.flatMap {
            Self.cases(
                .openAIChat, #"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"x"}],"# + $0 + "}")
        }
        + Self.cases(.openAIChat, Self.openAIRefusedBody, isRefused: true)

    static let anthropic =
        Self.cases(.anthropicMessages, Self.anthropicBody)
        + Self.anthropicOptions.flatMap {
            Self.cases(
                .anthropicMessages,
                #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"# + $0 + "}")
        }
        + Self.cases(.anthropicMessages, Self.anthropicRefusedBody, isRefused: true)

    private static let openAIBody = #"""
        {"model":"claude-sonnet-4-5","max_completion_tokens":4000,"logit_bias":{"1":2},"stream":true,
        "stream_options":{"include_usage":true},"thinking":{"type":"enabled","budget_tokens":2000},
        "messages":[
          {"role":"system","name":"s","content":[
            {"type":"text","text":"be brief","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
          {"role":"developer","content":"and kind","cache_control":{"type":"ephemeral"}},
          {"role":"user","content":[
            {"type":"text","text":"look"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD","detail":"low"}},
            {"type":"image_url","image_url":"https://example.com/a.png","detail":"high"},
            {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,QUJD"}}]},
          {"role":"assistant","content":[
            {"type":"thinking","thinking":[{"type":"text","text":"hm"}],"signature":"s"},
            {"type":"text","text":"wait"},{"type":"refusal","refusal":"no"}],
            "thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"},
              {"type":"redacted_thinking","data":"d"}],
            "tool_calls":[{"id":"t1","type":"function","index":0,"cache_control":{"type":"ephemeral"},
                "function":{"name":"look","arguments":"{}"}},
              {"id":"t2","type":"custom","custom":{"name":"free","input":"x"}}]},
          {"role":"tool","tool_call_id":"t1","cache_control":{"type":"ephemeral"},
            "content":[{"type":"text","text":"wet"}]},
          {"role":"tool","tool_call_id":"t2","content":"dry"},
          {"role":"assistant","content":"so","reasoning_details":[
            {"type":"reasoning.text","text":"a","signature":"s","format":"anthropic-claude-v1","index":0},
            {"type":"reasoning.summary","summary":"b"},
            {"type":"reasoning.encrypted","data":"c","format":"anthropic-claude-v1"}]},
          {"role":"user","content":"go on"}],
        "tools":[{"type":"function","cache_control":{"type":"ephemeral"},
          "function":{"name":"look","description":"d","parameters":{"type":"object"},"strict":true,
            "cache_control":{"type":"ephemeral"}}}],
        "tool_choice":{"type":"function","function":{"name":"look"}},
        "response_format":{"type":"json_schema",
          "json_schema":{"name":"a","description":"b","strict":true,"schema":{"type":"object"}}}}
        """#

    private static let openAILegacyBody = #"""
        {"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"x"},
          {"role":"assistant","content":null,"function_call":{"name":"look","arguments":"{}"}},
          {"role":"function","name":"look","content":"wet"}],
        "functions":[{"name":"look","parameters":{"type":"object"}}],"function_call":{"name":"look"}}
        """#

    private static let openAIOptions = [
        #""response_format":{"type":"text"}"#,
        #""response_format":{"type":"json_object"}"#,
        #""reasoning":{"effort":"low","max_tokens":2000,"enabled":true}"#,
        #""tool_choice":{"type":"custom","custom":{"name":"look"}}"#,
        #""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":["#
            + #"{"type":"function","function":{"name":"look"}},{"type":"custom","custom":{"name":"free"}}]}}"#,
    ]

    /// Sound, and tools that take free text.
    private static let openAIRefusedBody = #"""
        {"model":"claude-sonnet-4-5","messages":[
          {"role":"user","content":[{"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}}]},
          {"role":"assistant","content":"hm","audio":{"id":"a1"}},{"role":"user","content":"x"}],
        "tools":[{"type":"custom","custom":{"name":"free","description":"d"}}]}
        """#

    private static let anthropicBody = #"""
        {"model":"m","max_tokens":4000,"metadata":{"user_id":"u"},"thinking":{"type":"enabled","budget_tokens":2000},
        "system":[{"type":"text","text":"be brief","cache_control":{"type":"ephemeral","ttl":"1h"}}],
        "messages":[
          {"role":"user","content":[
            {"type":"text","text":"look"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"},
              "cache_control":{"type":"ephemeral"}},
            {"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},
            {"type":"document","title":"a.pdf","context":"c","citations":{"enabled":true},
              "source":{"type":"base64","media_type":"application/pdf","data":"QUJD"}},
            {"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello"}}]},
          {"role":"assistant","content":[
            {"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"d"},
            {"type":"text","text":"wait"},
            {"type":"tool_use","id":"t1","name":"look","input":{"a":1},"cache_control":{"type":"ephemeral"}}]},
          {"role":"user","content":[
            {"type":"tool_result","tool_use_id":"t1","is_error":false,"cache_control":{"type":"ephemeral"},"content":[
              {"type":"text","text":"wet"},
              {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}}]}]}],
        "tools":[{"type":"custom","name":"look","description":"d","input_schema":{"type":"object"},"strict":true,
          "cache_control":{"type":"ephemeral"}}],
        "tool_choice":{"type":"tool","name":"look","disable_parallel_tool_use":true},
        "output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}}
        """#

    private static let anthropicOptions = [
        #""output_format":{"type":"json_schema","schema":{"type":"object"}}"#,
        #""thinking":{"type":"disabled"}"#,
        #""tool_choice":{"type":"auto"}"#,
    ]

    /// A document by its file's id, which means nothing elsewhere.
    private static let anthropicRefusedBody = #"""
        {"model":"m","max_tokens":9,"messages":[{"role":"user","content":[
          {"type":"document","source":{"type":"file","file_id":"f"}}]}]}
        """#
}
