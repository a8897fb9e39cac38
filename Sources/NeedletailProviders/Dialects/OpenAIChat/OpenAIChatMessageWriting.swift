import NeedletailCore

/// The members of an assistant's message that requests, replies and chunks share.
enum OpenAIChatMessageWriting {
    /// Writes `reasoning_content`, and `thinking_blocks` where there is something that its provider wants back.
    static func reasoning(_ parts: [ContentPart], into json: inout JSONWriter) {
        var text = ""
        var needsBlocks = false
        for part in parts {
            switch part {
            case .reasoning(let value):
                text += value.text
                if value.signature != nil { needsBlocks = true }
            case .redactedReasoning: needsBlocks = true
            default: break
            }
        }
        if !text.isEmpty { json.member("reasoning_content", text) }
        guard needsBlocks else { return }
        json.key("thinking_blocks")
        json.beginArray()
        for part in parts {
            switch part {
            case .reasoning(let value): self.thinkingBlock(value, into: &json)
            case .redactedReasoning(let data): self.redactedBlock(data, into: &json)
            default: break
            }
        }
        json.endArray()
    }

    /// Writes a block of reasoning; in a stream with its place in the list, which OpenAI's SDKs join lists by.
    static func thinkingBlock(_ value: ReasoningPart, index: Int? = nil, into json: inout JSONWriter) {
        json.beginObject()
        if let index { json.member("index", index) }
        json.member("type", "thinking")
        json.member("thinking", value.text)
        json.member("signature", value.signature)
        json.endObject()
    }

    /// Writes a block that only its provider can read.
    static func redactedBlock(_ data: String, index: Int? = nil, into json: inout JSONWriter) {
        json.beginObject()
        if let index { json.member("index", index) }
        json.member("type", "redacted_thinking")
        json.member("data", data)
        json.endObject()
    }

    static func functionCall(_ call: ToolCall, into json: inout JSONWriter) {
        json.key("function_call")
        json.beginObject()
        json.member("name", call.name)
        json.member("arguments", call.arguments.isEmpty ? "{}" : call.arguments)
        json.endObject()
    }

    static func callMembers(_ call: ToolCall, into json: inout JSONWriter) {
        json.member("id", call.id)
        json.member("type", call.isCustom ? "custom" : "function")
        json.key(call.isCustom ? "custom" : "function")
        json.beginObject()
        json.member("name", call.name)
        if call.isCustom {
            json.member("input", call.arguments)
        } else {
            json.member("arguments", call.arguments.isEmpty ? "{}" : call.arguments)
        }
        json.endObject()
    }
}
