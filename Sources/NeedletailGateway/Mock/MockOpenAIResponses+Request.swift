import NeedletailCore

extension MockOpenAIResponses {
    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        var prompt = MockPrompt()
        prompt.signer = .openAI
        guard let model = body["model"]?.string, !model.isEmpty else {
            throw MockRefusal(400, "Missing required parameter: 'model'.", parameter: "model")
        }
        prompt.model = model
        guard let input = body.present("input") else {
            throw MockRefusal(400, "Missing required parameter: 'input'.", parameter: "input")
        }
        prompt.isStreaming = body["stream"]?.bool ?? false
        prompt.includesUsage = true
        if let limit = body.present("max_output_tokens") {
            guard let limit = limit.int, limit >= 1 else {
                throw MockRefusal(
                    400, "Invalid 'max_output_tokens': integer below minimum value.", parameter: "max_output_tokens")
            }
            prompt.maximumTokens = limit
        }
        if let instructions = body.present("instructions")?.string { prompt.weigh(instructions) }
        try Self.input(input, of: body, into: &prompt)
        Self.tools(body, into: &prompt)
        let format = body["text"]?["format"]
        switch format?["type"]?.string {
        case "json_object": prompt.output = .object
        case "json_schema":
            guard let schema = format?["schema"] else {
                throw MockRefusal(
                    400, "Missing required parameter: 'text.format.schema'.", parameter: "text.format.schema")
            }
            prompt.output = .schema(schema)
        default: break
        }
        prompt.isThinking = body["reasoning"]?["effort"]?.string.map { $0 != "none" } ?? false
        prompt.hidesThinking = body["reasoning"]?.present("summary") == nil
        return prompt
    }

    private static func input(_ input: JSONView, of body: JSONView, into prompt: inout MockPrompt) throws(MockRefusal) {
        if let text = input.string {
            prompt.weigh(text)
            prompt.lastText = text
            return
        }
        guard input.kind == .array else {
            throw MockRefusal(400, "Invalid type for 'input': expected a string or an array.", parameter: "input")
        }
        // The mock keeps no responses: what a call was that an earlier one made is not known.
        let continues = body.present("previous_response_id") != nil
        var calls: Set<String> = []
        for (index, item) in input.elements.enumerated() {
            let place = "input[\(index)]"
            prompt.answersTools = false
            if let id = item["id"]?.string, !id.contains("_mock_") {
                throw MockRefusal(
                    400, "Item with id '\(id)' not found. Items are not persisted when `store` is set to false.",
                    parameter: "input")
            }
            switch item["type"]?.string ?? "message" {
            case "message":
                guard let role = item["role"]?.string, ["user", "assistant", "system", "developer"].contains(role)
                else {
                    throw MockRefusal(400, "Invalid value for '\(place).role'.", parameter: "\(place).role")
                }
                prompt.lastText = try Self.content(item["content"], role == "assistant", "\(place).content", &prompt)
            case "function_call", "custom_tool_call":
                guard let id = item["call_id"]?.string, item["name"]?.string != nil else {
                    throw MockRefusal(400, "Missing required parameter: '\(place).call_id'.", parameter: place)
                }
                calls.insert(id)
                prompt.weigh(item)
            case "function_call_output", "custom_tool_call_output":
                guard let id = item["call_id"]?.string, continues || calls.contains(id) else {
                    throw MockRefusal(
                        400,
                        "No tool call found for function call output with call_id \(item["call_id"]?.string ?? "").",
                        parameter: "input")
                }
                prompt.lastText = try Self.content(item["output"], false, "\(place).output", &prompt)
                prompt.answersTools = true
            case "reasoning":
                let text = item["summary"]?.elements.first { _ in true }?["text"]?.string ?? ""
                if let state = item.present("encrypted_content")?.string,
                    !MockSigner.openAI.isValid(state, for: text)
                {
                    throw MockRefusal(
                        400, "The encrypted content could not be verified.", parameter: "\(place).encrypted_content")
                }
                prompt.weigh(item)
            default: prompt.weigh(item)
            }
        }
    }

    private static func content(
        _ content: JSONView?,
        _ isAssistant: Bool,
        _ place: String,
        _ prompt: inout MockPrompt
    ) throws(MockRefusal) -> String {
        guard let content else { throw MockRefusal(400, "Missing required parameter: '\(place)'.", parameter: place) }
        if let text = content.string {
            prompt.weigh(text)
            return text
        }
        var whole = ""
        for part in content.elements {
            switch part["type"]?.string {
            case "input_text" where !isAssistant, "output_text" where isAssistant:
                let text = part["text"]?.string ?? ""
                prompt.weigh(text)
                whole += text
            case "refusal" where isAssistant: prompt.weigh(part)
            case "input_image" where !isAssistant: prompt.imageCount += 1
            case "input_file" where !isAssistant: prompt.documentCount += 1
            default:
                throw MockRefusal(
                    400, "Invalid value: '\(part["type"]?.string ?? "")' in '\(place)'.", parameter: place)
            }
        }
        return whole
    }

    private static func tools(_ body: JSONView, into prompt: inout MockPrompt) {
        if let tools = body.present("tools") {
            prompt.weigh(tools)
            for tool in tools.elements {
                guard let name = tool["name"]?.string else { continue }
                switch tool["type"]?.string {
                case "function": prompt.tools.append(.init(name: name, schema: tool.present("parameters")))
                case "custom": prompt.tools.append(.init(name: name, isCustom: true))
                default: break
                }
            }
        }
        guard let choice = body.present("tool_choice") else { return }
        prompt.toolChoice =
            switch choice.string ?? choice["mode"]?.string {
            case "none": .none
            case "required": .required
            default: choice["name"]?.string.map { .named($0) } ?? .auto
            }
    }
}
