import NIOCore
import NeedletailCore

/// The items of a reply, whole or at the end of their stream.
enum OpenAIResponsesItem {
    /// What an item says.
    struct Content {
        var parts: [ContentPart] = []
        /// Log probabilities in the form of chat completions.
        var logprobs: [JSONText] = []
        var extensions: [Extension] = []
    }

    /// Reads an item; `nil` for what is none.
    static func read(_ item: JSONView, position: Int, replyID: String) -> Content? {
        guard item.kind == .object, let type = item.present("type")?.string else { return nil }
        var content = Content()
        func keep(_ known: [StaticString]) {
            content.extensions.keepUnknown(
                item, known: ["type", "id", "status"] + known, path: "output", ignoresEmptyArrays: true)
        }
        switch type {
        case "message":
            keep(["role", "content"])
            if let list = item.present("content") {
                for part in list.elements { self.part(part, into: &content) }
            }
        case "function_call", "custom_tool_call":
            let isCustom = type == "custom_tool_call"
            keep(["call_id", "name", isCustom ? "input" : "arguments"])
            content.parts = [.toolCall(self.call(item, isCustom: isCustom, position: position, replyID: replyID))]
        case "reasoning":
            keep(["summary", "content", "encrypted_content"])
            content.parts = OpenAIResponsesReasoning.parts(item)
            for key: StaticString in ["summary", "content"] {
                for text in item.present(key)?.elements ?? item.elements {
                    content.extensions.keepUnknown(text, known: ["type", "text"], path: "output.\(key)")
                }
            }
        default: content.parts = [.opaque(OpaquePart(dialect: .openAIResponses, type: type, json: item.text))]
        }
        return content
    }

    /// A call of the client's; one without an id gets one.
    static func call(_ item: JSONView, isCustom: Bool, position: Int, replyID: String) -> ToolCall {
        ToolCall(
            id: OpenAIChat.nonEmpty(item["call_id"]) ?? OpenAIChat.nonEmpty(item["id"])
                ?? OpenAIChat.callID(replyID, 0, position),
            name: item.present("name")?.string ?? "",
            arguments: OpenAIChatRequestDecoder.arguments(item.present(isCustom ? "input" : "arguments")),
            isCustom: isCustom
        )
    }

    private static func part(_ part: JSONView, into content: inout Content) {
        switch part.present("type")?.string {
        case "output_text", "text":
            var text = TextPart(part.present("text")?.string ?? "")
            self.cite(part, in: &text)
            if !text.text.isEmpty || text.citations != nil { content.parts.append(.text(text)) }
            if let logprobs = part.present("logprobs") {
                for logprob in logprobs.elements { content.logprobs.append(logprob.text) }
            }
            content.extensions.keepUnknown(
                part, known: ["type", "text", "annotations", "logprobs"], path: "output.content",
                ignoresEmptyArrays: true)
        case "refusal":
            if let text = OpenAIChat.nonEmpty(part["refusal"]) { content.parts.append(.refusal(text)) }
            content.extensions.keepUnknown(part, known: ["type", "refusal"], path: "output.content")
        case let type?:
            content.parts.append(.opaque(OpaquePart(dialect: .openAIResponses, type: type, json: part.text)))
        case nil: break
        }
    }

    /// Takes over a part's annotations.
    static func cite(_ part: JSONView, in text: inout TextPart) {
        guard let annotations = part.present("annotations"), annotations.kind == .array else { return }
        var elements = annotations.elements
        guard elements.next() != nil else { return }
        text.citations = annotations.text
        text.citationDialect = .openAIResponses
    }

    /// Log probabilities as chat completions have them.
    static func chatLogprobs(_ logprobs: [JSONText]) -> JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.key("content")
        json.beginArray()
        for logprob in logprobs { json.raw(logprob) }
        json.endArray()
        json.key("refusal")
        json.null()
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }
}

/// Items of reasoning.
enum OpenAIResponsesReasoning {
    /// One part per text, the last one with the signature; redacted reasoning where there is no text at all.
    ///
    /// Servers that show the reasoning itself put it into `content`; then the summary says nothing more.
    static func parts(_ item: JSONView) -> [ContentPart] {
        var texts = self.texts(item.present("content"))
        if texts.isEmpty { texts = self.texts(item.present("summary")) }
        let state = OpenAIChat.nonEmpty(item["encrypted_content"])
        guard let last = texts.indices.last else { return state.map { [.redactedReasoning($0)] } ?? [] }
        return texts.indices.map { index in
            .reasoning(ReasoningPart(texts[index], signature: index == last ? state : nil))
        }
    }

    static func texts(_ list: JSONView?) -> [String] {
        guard let list else { return [] }
        return list.elements.compactMap { $0.present("text")?.string }
    }
}
