import NIOCore
import NeedletailCore

/// What a prediction gets for a chat: a prompt, a system prompt and settings of sampling, under the names that language
/// models there have in common (<https://replicate.com/docs/topics/models/official-models>).
enum PredictionInput {
    /// Writes the body that creates a prediction.
    ///
    /// - Throws: `.unsupported` where leaving something out would change the meaning.
    static func encode(_ chat: ChatRequest, version: String?) throws(NeedletailError) -> ByteBuffer {
        try self.check(chat)
        var json = JSONWriter()
        json.beginObject()
        json.member("version", version)
        if chat.isStreaming { json.member("stream", true) }
        json.key("input")
        json.beginObject()
        json.member("prompt", try self.prompt(chat))
        let system = try self.system(chat)
        if !system.isEmpty { json.member("system_prompt", system) }
        json.member("max_tokens", chat.maxOutputTokens)
        json.member("temperature", chat.temperature)
        json.member("top_p", chat.topP)
        json.member("top_k", chat.topK)
        json.member("seed", chat.seed)
        json.member("presence_penalty", chat.presencePenalty)
        json.member("frequency_penalty", chat.frequencyPenalty)
        if !chat.stopSequences.isEmpty {
            json.member("stop_sequences", chat.stopSequences.joined(separator: ","))
        }
        json.endObject()
        json.endObject()
        return json.bytes
    }

    private static func check(_ chat: ChatRequest) throws(NeedletailError) {
        guard chat.tools.isEmpty else { throw self.unsupported("tools", "tools") }
        if let count = chat.choiceCount, count > 1 { throw self.unsupported("several replies at once", "n") }
        if chat.logprobs == true { throw self.unsupported("log probabilities", "logprobs") }
        switch chat.responseFormat {
        case nil, .text: break
        default: throw self.unsupported("structured output", "response_format")
        }
        // They are joined by commas.
        if chat.stopSequences.contains(where: { $0.utf8.contains(UInt8(ascii: ",")) }) {
            throw self.unsupported("a stop sequence with a comma", "stop")
        }
    }

    private static func unsupported(_ what: String, _ parameter: String) -> NeedletailError {
        NeedletailError(.unsupported, "Predictions have no place for \(what).", parameter: parameter)
    }

    private static func system(_ chat: ChatRequest) throws(NeedletailError) -> String {
        var texts: [String] = []
        for message in chat.messages where message.role == .system || message.role == .developer {
            texts.append(try self.text(message))
        }
        return texts.joined(separator: "\n\n")
    }

    /// The one question as it is; a longer conversation as a transcript that the model continues.
    private static func prompt(_ chat: ChatRequest) throws(NeedletailError) -> String {
        let turns = chat.messages.filter { $0.role != .system && $0.role != .developer }
        if turns.count == 1, let turn = turns.first, turn.role == .user { return try self.text(turn) }
        var lines: [String] = []
        for turn in turns { lines.append((turn.role == .user ? "User: " : "Assistant: ") + (try self.text(turn))) }
        if turns.last?.role == .user { lines.append("Assistant:") }
        return lines.joined(separator: "\n\n")
    }

    private static func text(_ message: ChatMessage) throws(NeedletailError) -> String {
        var text = ""
        for part in message.content {
            switch part {
            case .text(let part): text += part.text
            case .refusal(let refusal): text += refusal
            // What a model thought before is not said again.
            case .reasoning, .redactedReasoning: break
            case .image: throw self.unsupported("images in a conversation", "messages.content")
            case .document, .audio, .toolCall, .toolResult, .opaque:
                throw self.unsupported("anything but text", "messages.content")
            }
        }
        return text
    }
}
