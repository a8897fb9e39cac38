import NeedletailCore

extension MockOllamaDialect {
    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        var prompt = MockPrompt()
        guard let model = body["model"]?.string, !model.isEmpty else { throw MockRefusal(400, "model is required") }
        prompt.model = model
        prompt.isStreaming = body["stream"]?.bool ?? true
        let options = body["options"]
        if let limit = options?["num_predict"]?.int, limit > 0 { prompt.maximumTokens = limit }
        if let stop = options?.present("stop") {
            prompt.stopSequences = stop.string.map { [$0] } ?? stop.elements.compactMap(\.string)
        }
        if let think = body.present("think") { prompt.isThinking = think.bool ?? (think.string != nil) }
        if let format = body.present("format") {
            switch format.string {
            case "json": prompt.output = .object
            case "": break
            case nil where format.kind == .object: prompt.output = .schema(format)
            default: throw MockRefusal(400, "invalid format")
            }
        }
        if Self.hasMessages {
            try Self.messages(body, into: &prompt)
        } else {
            for key: StaticString in ["system", "prompt", "suffix"] {
                guard let text = body.present(key)?.string else { continue }
                prompt.weigh(text)
                if key.description == "prompt" { prompt.lastText = text }
            }
            try Self.images(body, into: &prompt)
        }
        return prompt
    }

    private static func images(_ view: JSONView, into prompt: inout MockPrompt) throws(MockRefusal) {
        guard let images = view.present("images") else { return }
        for image in images.elements {
            guard let data = image.string, !data.hasPrefix("http"), !data.hasPrefix("data:") else {
                throw MockRefusal(400, "illegal base64 data at input byte 4")
            }
            prompt.imageCount += 1
        }
    }

    private static func messages(_ body: JSONView, into prompt: inout MockPrompt) throws(MockRefusal) {
        for message in (body.present("messages") ?? body).elements {
            guard let role = message["role"]?.string, ["system", "user", "assistant", "tool"].contains(role) else {
                throw MockRefusal(400, "invalid role: \(message["role"]?.string ?? "")")
            }
            guard message.present("content") == nil || message["content"]?.string != nil else {
                throw MockRefusal(400, "json: cannot unmarshal array into Go struct field ChatRequest.messages.content")
            }
            let text = message["content"]?.string ?? ""
            prompt.weigh(text)
            if role == "user" || role == "tool" { prompt.lastText = text }
            prompt.answersTools = role == "tool"
            for call in (message.present("tool_calls") ?? body).elements {
                guard call["function"]?["arguments"]?.kind == .object else {
                    throw MockRefusal(400, "json: cannot unmarshal string into Go struct field arguments")
                }
                prompt.weigh(call)
            }
            try Self.images(message, into: &prompt)
        }
        guard let tools = body.present("tools") else { return }
        prompt.weigh(tools)
        for tool in tools.elements {
            guard let name = tool["function"]?["name"]?.string else { continue }
            prompt.tools.append(.init(name: name, schema: tool["function"]?.present("parameters")))
        }
    }
}
