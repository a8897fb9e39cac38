import NeedletailCore

extension MockBedrockConverse {
    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        var prompt = MockPrompt()
        prompt.model = try Self.model(in: path)
        prompt.isStreaming = path.hasSuffix("-stream")
        prompt.includesUsage = true
        var body = body
        if path.hasSuffix("/count-tokens") {
            guard let converse = body["input"]?["converse"] else {
                throw MockRefusal(400, "1 validation error detected: Value at 'input' failed to satisfy constraint")
            }
            body = converse
        }
        guard let messages = body["messages"], messages.kind == .array else {
            throw MockRefusal(400, "A conversation must have at least one message. Try your request again.")
        }
        try Self.messages(messages, into: &prompt)
        if let system = body.present("system") {
            _ = try Self.content(system, place: "system", into: &prompt)
        }
        if let config = body.present("inferenceConfig") {
            if let maximum = config["maxTokens"]?.int {
                guard maximum >= 1 else {
                    throw MockRefusal(400, "Value at 'inferenceConfig.maxTokens' must be greater than or equal to 1")
                }
                prompt.maximumTokens = maximum
            }
            prompt.stopSequences = config["stopSequences"].map { $0.elements.compactMap(\.string) } ?? []
        }
        try Self.tools(body.present("toolConfig"), into: &prompt)
        if let schema = body["outputConfig"]?["textFormat"]?["structure"]?["jsonSchema"]?["schema"]?.string {
            guard let view = try? JSONText(schema).view() else {
                throw MockRefusal(400, "outputConfig.textFormat.structure.jsonSchema.schema must be JSON")
            }
            prompt.output = .schema(view)
        }
        let thinking = body["additionalModelRequestFields"]?["thinking"]
        prompt.isThinking = thinking?["type"]?.string == "enabled" || thinking?["type"]?.string == "adaptive"
        prompt.hidesThinking = thinking?["display"]?.string == "omitted"
        return prompt
    }

    static func target(path: String) -> (model: String, isStreaming: Bool)? {
        guard let start = path.firstRange(of: "/model/")?.upperBound, let slash = path[start...].lastIndex(of: "/"),
            let name = PercentEncoding.decoded(path[start..<slash]), !name.isEmpty
        else { return nil }
        return (name, path.hasSuffix("-stream"))
    }

    private static func model(in path: String) throws(MockRefusal) -> String {
        guard let target = Self.target(path: path) else {
            throw MockRefusal(400, "The provided model identifier is invalid.")
        }
        return target.model
    }

    private static func messages(_ messages: JSONView, into prompt: inout MockPrompt) throws(MockRefusal) {
        var last = ""
        for message in messages.elements {
            guard let role = message["role"]?.string, role == "user" || role == "assistant" else {
                throw MockRefusal(400, "Value at 'messages.role' failed to satisfy enum [user, assistant]")
            }
            guard role != last else {
                throw MockRefusal(400, "A conversation must alternate between user and assistant roles.")
            }
            if last.isEmpty, role == "assistant" {
                throw MockRefusal(400, "A conversation must start with a user message. Try again.")
            }
            last = role
            guard let content = message["content"] else {
                throw MockRefusal(400, "The content field in the Message object is empty.")
            }
            let text = try Self.content(content, place: "messages", into: &prompt)
            prompt.answersTools = false
            guard role == "user" else { continue }
            prompt.lastText = text
            prompt.answersTools = content.elements.contains { $0.present("toolResult") != nil }
        }
        guard !last.isEmpty else {
            throw MockRefusal(400, "A conversation must have at least one message. Try your request again.")
        }
    }

    private static func content(
        _ content: JSONView, place: String, into prompt: inout MockPrompt
    ) throws(MockRefusal) -> String {
        guard content.kind == .array else { throw MockRefusal(400, "Value at '\(place)' must be a list") }
        var whole = ""
        for block in content.elements {
            guard let member = block.members.first(where: { !$0.value.isNull }) else {
                throw MockRefusal(400, "The content field in the Message object at \(place) is empty.")
            }
            whole += try Self.block(member.key, member.value, into: &prompt)
        }
        return whole
    }

    private static func block(
        _ kind: String, _ value: JSONView, into prompt: inout MockPrompt
    ) throws(MockRefusal) -> String {
        switch kind {
        case "text":
            guard let text = value.string, !text.allSatisfy(\.isWhitespace) else {
                throw MockRefusal(
                    400, "The text field in the ContentBlock object is blank. Add text to the text field.")
            }
            prompt.weigh(text)
            return text
        case "image", "document":
            guard value["format"]?.string != nil, value["source"]?.kind == .object else {
                throw MockRefusal(400, "The \(kind) field has no format or no source.")
            }
            if kind == "image" { prompt.imageCount += 1 } else { prompt.documentCount += 1 }
        case "toolResult":
            guard value["toolUseId"]?.string != nil, let content = value["content"] else {
                throw MockRefusal(400, "The toolResult field has no toolUseId or no content.")
            }
            return try Self.content(content, place: "toolResult.content", into: &prompt)
        case "reasoningContent":
            guard let reasoning = value.present("reasoningText") else { break }
            guard let text = reasoning["text"]?.string, let signature = reasoning["signature"]?.string,
                MockSigner.claude.isValid(signature, for: text)
            else { throw MockRefusal(400, "Invalid `signature` in `thinking` block") }
            prompt.weigh(text)
        default: prompt.weigh(value)
        }
        return ""
    }

    private static func tools(_ config: JSONView?, into prompt: inout MockPrompt) throws(MockRefusal) {
        guard let config else { return }
        prompt.weigh(config)
        for tool in config["tools"]?.elements ?? config.elements {
            // Tools that the provider runs have no schema; the mock runs none.
            guard let spec = tool.present("toolSpec") else { continue }
            guard let name = spec["name"]?.string, let schema = spec["inputSchema"]?["json"] else {
                throw MockRefusal(400, "The toolSpec field has no name or no inputSchema.")
            }
            prompt.tools.append(.init(name: name, schema: schema))
        }
        guard let choice = config.present("toolChoice") else { return }
        if choice.present("any") != nil {
            prompt.toolChoice = .required
        } else if let tool = choice.present("tool") {
            prompt.toolChoice = tool["name"]?.string.map { .named($0) } ?? .required
        }
    }
}
