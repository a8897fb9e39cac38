import NeedletailCore

/// What is read of a stream's events; all else is told as lost, in the words of a whole response.
enum OpenAIResponsesStreamMembers {
    /// `obfuscation` is padding against those who measure the length of packets.
    private static let event: [StaticString] = [
        "type", "sequence_number", "item_id", "output_index", "content_index", "delta", "logprobs", "obfuscation",
        "item", "response", "part", "text", "summary_index", "arguments", "input", "name", "call_id", "refusal",
        "annotation", "annotation_index",
    ]
    private static let part: [StaticString] = ["type", "text", "annotations", "logprobs", "refusal"]
    private static let response: [StaticString] =
        [
            "id", "model", "output", "usage", "object", "status", "error", "incomplete_details", "completed_at",
            "output_text", "created_at", "service_tier",
        ] + OpenAIResponsesRequestDecoder.echoed

    /// Names what nobody reads of an event itself.
    static func look(at root: JSONView, _ unread: inout UnreadMembers) {
        unread.look(at: root, known: self.event, path: "")
    }

    /// The same of an event that holds the response as far as it has come.
    static func look(atStep root: JSONView, _ unread: inout UnreadMembers) {
        guard unread.isOpen else { return }
        self.look(at: root, &unread)
        guard let response = root.present("response") else { return }
        let isRead = response.present("tool_usage").map(OpenAIResponses.isRead(toolUsage:)) ?? false
        unread.look(at: response, known: isRead ? self.response + ["tool_usage"] : self.response, path: "")
        guard let output = response.present("output") else { return }
        for item in output.elements { self.look(atItem: item, &unread) }
    }

    /// The same of a part that begins or is whole.
    static func look(atPartOf root: JSONView, path: String, _ unread: inout UnreadMembers) {
        guard let part = root.present("part") else { return }
        unread.look(at: part, known: self.part, path: path)
    }

    /// The same of an item; one that only its own dialect knows is kept whole.
    static func look(atItem item: JSONView, _ unread: inout UnreadMembers) {
        guard unread.isOpen else { return }
        if item.present("type")?.string == "image_generation_call", item.present("result") != nil {
            return unread.look(at: item, known: OpaquePart.madeImageMembers, path: "output")
        }
        unread.add(OpenAIResponsesItem.read(item, position: 0, replyID: "")?.extensions ?? [])
    }

    /// Whether an event only tells how far an item or its part has come: what it says comes again when that is whole.
    static func isProgress(_ type: JSONWord) -> Bool {
        let type = type.string
        let prefixes = [
            "response.content_part.", "response.reasoning_summary_part.", "response.reasoning_part.",
            "response.function_call_arguments.", "response.custom_tool_call_input.", "response.mcp_",
        ]
        return prefixes.contains { type.hasPrefix($0) } || type.hasSuffix(".done") || type.contains("_call.")
            || type.contains("_call_code.")
    }
}
