import NeedletailCore

extension MockAnthropicMessages {
    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        guard let model = body["model"]?.string, !model.isEmpty else {
            throw MockRefusal(400, "model: Field required")
        }
        return try Self.read(
            body, model: model, isStreaming: body["stream"]?.bool ?? false,
            countsTokens: path.hasSuffix("/count_tokens"))
    }

    /// Reads what is the same wherever these messages are asked for.
    static func read(
        _ body: JSONView,
        model: String,
        isStreaming: Bool,
        countsTokens: Bool = false
    ) throws(MockRefusal) -> MockPrompt {
        var prompt = MockPrompt()
        prompt.model = model
        prompt.isStreaming = isStreaming
        if !countsTokens {
            guard let field = body["max_tokens"] else { throw MockRefusal(400, "max_tokens: Field required") }
            guard let maximum = field.int, maximum >= 1 else {
                throw MockRefusal(400, "max_tokens: Input should be greater than or equal to 1")
            }
            prompt.maximumTokens = maximum
        }
        guard let messages = body["messages"] else { throw MockRefusal(400, "messages: Field required") }
        guard messages.kind == .array else { throw MockRefusal(400, "messages: Input should be a valid array") }
        prompt.includesUsage = true
        prompt.stopSequences = body["stop_sequences"].map { $0.elements.compactMap(\.string) } ?? []
        if let system = body.present("system") { _ = try Self.content(system, place: "system", into: &prompt) }
        try Self.messages(messages, into: &prompt)
        Self.tools(body, into: &prompt)
        let format = body["output_config"]?["format"] ?? body["output_format"]
        if format?["type"]?.string == "json_schema" {
            guard let schema = format?["schema"] else {
                throw MockRefusal(400, "output_config.format.schema: Field required")
            }
            prompt.output = .schema(schema)
        }
        let thinking = body.present("thinking")
        let type = thinking?["type"]?.string
        prompt.isThinking = type == "enabled" || type == "adaptive"
        prompt.hidesThinking = thinking?["display"]?.string == "omitted"
        if type == "enabled" {
            guard let budget = thinking?["budget_tokens"]?.int, budget >= 1_024 else {
                throw MockRefusal(
                    400, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
            }
            guard budget < prompt.maximumTokens ?? .max else {
                throw MockRefusal(400, "`max_tokens` must be greater than `thinking.budget_tokens`.")
            }
            if prompt.answersTools { try Self.checkReasoning(before: messages) }
        }
        return prompt
    }

    /// Where reasoning is on with a budget, the turn that the results of tools answer must begin with it.
    private static func checkReasoning(before messages: JSONView) throws(MockRefusal) {
        let turn = messages.elements.reversed().first { $0["role"]?.string == "assistant" }
        let type = turn?["content"]?.elements.first { _ in true }?["type"]?.string
        guard type == "thinking" || type == "redacted_thinking" else {
            throw MockRefusal(
                400,
                "messages: Expected `thinking` or `redacted_thinking`, but found `\(type ?? "text")`. When `thinking` is "
                    + "enabled, a final `assistant` message must start with a thinking block.")
        }
    }

    private static func messages(_ messages: JSONView, into prompt: inout MockPrompt) throws(MockRefusal) {
        var count = 0
        for message in messages.elements {
            let place = "messages.\(count)"
            count += 1
            guard let role = message["role"]?.string, role == "user" || role == "assistant" || role == "system" else {
                throw MockRefusal(400, "\(place).role: Input should be 'user' or 'assistant'")
            }
            guard let content = message["content"] else {
                throw MockRefusal(400, "\(place).content: Field required")
            }
            let text = try Self.content(content, place: "\(place).content", into: &prompt)
            prompt.answersTools = false
            guard role == "user" else { continue }
            prompt.lastText = text
            prompt.answersTools = content.elements.contains { $0["type"]?.string == "tool_result" }
        }
        guard count > 0 else { throw MockRefusal(400, "messages: at least one message is required") }
    }

    private static func content(
        _ content: JSONView,
        place: String,
        into prompt: inout MockPrompt
    ) throws(MockRefusal) -> String {
        if let text = content.string {
            prompt.weigh(text)
            return text
        }
        guard content.kind == .array else {
            throw MockRefusal(400, "\(place): Input should be a valid string or a list of blocks")
        }
        var whole = ""
        var index = 0
        for block in content.elements {
            whole += try Self.block(block, place: "\(place).\(index)", into: &prompt)
            index += 1
        }
        return whole
    }

    private static func block(
        _ block: JSONView,
        place: String,
        into prompt: inout MockPrompt
    ) throws(MockRefusal) -> String {
        switch block["type"]?.string {
        case "text":
            guard let text = block["text"]?.string else { throw MockRefusal(400, "\(place).text.text: Field required") }
            prompt.weigh(text)
            return text
        case "image":
            guard block["source"]?["type"]?.string != nil else {
                throw MockRefusal(400, "\(place).image.source: Field required")
            }
            prompt.imageCount += 1
        case "document":
            prompt.documentCount += 1
        case "tool_result":
            guard block["tool_use_id"]?.string != nil else {
                throw MockRefusal(400, "\(place).tool_result.tool_use_id: Field required")
            }
            guard let content = block.present("content") else { return "" }
            return try Self.content(content, place: "\(place).tool_result.content", into: &prompt)
        case "thinking":
            guard let text = block["thinking"]?.string, let signature = block["signature"]?.string,
                MockSigner.claude.isValid(signature, for: text)
            else {
                throw MockRefusal(400, "\(place): Invalid `signature` in `thinking` block")
            }
            prompt.weigh(text)
        case nil:
            throw MockRefusal(400, "\(place).type: Field required")
        default:
            prompt.weigh(block)
        }
        return ""
    }

    private static func tools(_ body: JSONView, into prompt: inout MockPrompt) {
        if let tools = body.present("tools") {
            prompt.weigh(tools)
            for tool in tools.elements {
                // Tools that the provider runs have no schema; the mock runs none.
                guard let name = tool["name"]?.string, let schema = tool.present("input_schema") else { continue }
                prompt.tools.append(.init(name: name, schema: schema))
            }
        }
        let choice = body["tool_choice"]
        prompt.toolChoice =
            switch choice?["type"]?.string {
            case "any": .required
            case "tool": choice?["name"]?.string.map { .named($0) } ?? .required
            case "none": .none
            default: .auto
            }
    }
}
