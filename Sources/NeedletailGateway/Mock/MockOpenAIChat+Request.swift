import NeedletailCore

extension MockOpenAIChat {
    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        var prompt = MockPrompt()
        guard let model = body["model"]?.string, !model.isEmpty else {
            throw MockRefusal(400, "you must provide a model parameter")
        }
        prompt.model = model
        guard let messages = body["messages"], messages.kind == .array else {
            throw MockRefusal(400, "Missing required parameter: 'messages'.", parameter: "messages")
        }
        prompt.isStreaming = body["stream"]?.bool ?? false
        prompt.includesUsage = body["stream_options"]?["include_usage"]?.bool ?? false
        let older = try Self.maximum(body, "max_tokens")
        prompt.maximumTokens = try Self.maximum(body, "max_completion_tokens") ?? older
        prompt.choices = body.present("n")?.int ?? 1
        guard (1...128).contains(prompt.choices) else {
            throw MockRefusal(400, "Invalid 'n': must be between 1 and 128.", parameter: "n")
        }
        if let stop = body.present("stop") {
            prompt.stopSequences = stop.string.map { [$0] } ?? stop.elements.compactMap(\.string)
        }
        try Self.messages(messages, into: &prompt)
        Self.tools(body, into: &prompt)
        switch body["response_format"]?["type"]?.string {
        case "json_object":
            prompt.output = .object
        case "json_schema":
            guard let schema = body["response_format"]?["json_schema"]?["schema"] else {
                throw MockRefusal(
                    400, "Missing required parameter: 'response_format.json_schema.schema'.",
                    parameter: "response_format.json_schema.schema")
            }
            prompt.output = .schema(schema)
        default:
            break
        }
        // `reasoning_effort` is OpenAI's; `thinking` and `reasoning` are what compatible servers take.
        let effort = body["reasoning_effort"]?.string ?? body["reasoning"]?["effort"]?.string
        let type = body["thinking"]?["type"]?.string
        prompt.isThinking = (effort.map { $0 != "none" } ?? false) || type == "enabled" || type == "adaptive"
        return prompt
    }

    private static func maximum(_ body: JSONView, _ key: StaticString) throws(MockRefusal) -> Int? {
        guard let value = body.present(key) else { return nil }
        guard let maximum = value.int, maximum >= 1 else {
            throw MockRefusal(
                400, "Invalid '\(key)': integer below minimum value. Expected a value >= 1.",
                parameter: key.description)
        }
        return maximum
    }

    private static func messages(_ messages: JSONView, into prompt: inout MockPrompt) throws(MockRefusal) {
        var count = 0
        for message in messages.elements {
            let place = "messages[\(count)]"
            count += 1
            guard let role = message["role"]?.string else {
                throw MockRefusal(400, "Missing required parameter: '\(place).role'.", parameter: "\(place).role")
            }
            guard ["system", "developer", "user", "assistant", "tool", "function"].contains(role) else {
                throw MockRefusal(400, "Invalid value: '\(role)'.", parameter: "\(place).role")
            }
            let isResult = role == "tool" || role == "function"
            let text = try Self.content(message, place: place, into: &prompt)
            if role == "user" || isResult { prompt.lastText = text }
            prompt.answersTools = isResult
            if let calls = message.present("tool_calls") { prompt.weigh(calls) }
        }
        guard count > 0 else {
            throw MockRefusal(
                400, "Invalid 'messages': empty array. Expected an array with minimum length 1.", parameter: "messages")
        }
    }

    private static func content(
        _ message: JSONView,
        place: String,
        into prompt: inout MockPrompt
    ) throws(MockRefusal) -> String {
        guard let content = message.present("content") else { return "" }
        if let text = content.string {
            prompt.weigh(text)
            return text
        }
        guard content.kind == .array else {
            throw MockRefusal(
                400, "Invalid type for '\(place).content': expected a string or an array.",
                parameter: "\(place).content")
        }
        var whole = ""
        for part in content.elements {
            switch part["type"]?.string {
            case "text":
                let text = part["text"]?.string ?? ""
                prompt.weigh(text)
                whole += text
            case "image_url":
                guard part["image_url"]?["url"]?.string != nil else {
                    throw MockRefusal(
                        400, "Missing required parameter: '\(place).content.image_url.url'.",
                        parameter: "\(place).content")
                }
                prompt.imageCount += 1
            case "file", "input_audio":
                prompt.documentCount += 1
            case "refusal":
                prompt.weigh(part)
            default:
                throw MockRefusal(
                    400, "Invalid value for '\(place).content': unknown type of part.", parameter: "\(place).content")
            }
        }
        return whole
    }

    private static func tools(_ body: JSONView, into prompt: inout MockPrompt) {
        if let tools = body.present("tools") {
            prompt.weigh(tools)
            for tool in tools.elements {
                if let function = tool["function"], let name = function["name"]?.string {
                    prompt.tools.append(.init(name: name, schema: function.present("parameters")))
                } else if let name = tool["custom"]?["name"]?.string {
                    prompt.tools.append(.init(name: name, isCustom: true))
                }
            }
        } else if let functions = body.present("functions") {
            prompt.weigh(functions)
            prompt.usesLegacyFunctions = true
            for function in functions.elements {
                guard let name = function["name"]?.string else { continue }
                prompt.tools.append(.init(name: name, schema: function.present("parameters")))
            }
        }
        guard let choice = body.present("tool_choice") ?? body.present("function_call") else { return }
        let name = choice["function"]?["name"]?.string ?? choice["custom"]?["name"]?.string ?? choice["name"]?.string
        let mode = choice.string ?? choice["allowed_tools"]?["mode"]?.string
        prompt.toolChoice =
            switch mode {
            case "none": .none
            case "required": .required
            default: name.map { .named($0) } ?? .auto
            }
    }
}
