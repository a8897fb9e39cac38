import NeedletailCore

/// The state of reading one request of a client.
struct CompletionsRequestDecoder {
    private var request = ChatRequest(model: "")

    mutating func decode(_ root: JSONView) throws(NeedletailError) -> ChatRequest {
        self.request.source = .openAICompletions
        guard let model = root.present("model") else { throw OpenAIChatField.missing("model") }
        self.request.model = try OpenAIChatField.string(model, "model")
        guard let prompt = root.present("prompt") else { throw OpenAIChatField.missing("prompt") }
        try self.prompt(prompt)
        for member in root.members where !member.value.isNull { try self.field(member.key, member.value) }
        return self.request
    }

    /// One text is what the user says. Several, and prompts of tokens, are kept as they are.
    private mutating func prompt(_ value: JSONView) throws(NeedletailError) {
        if let text = value.string {
            self.request.messages = [.user(text)]
            return
        }
        try OpenAIChatField.array(value, "prompt")
        let prompts = Array(value.elements)
        if prompts.count == 1, let text = prompts[0].string {
            self.request.messages = [.user(text)]
        } else if prompts.isEmpty {
            throw OpenAIChatField.invalid("prompt", "Invalid 'prompt': it must not be empty.")
        } else {
            self.request.messages = [.user("")]
            self.request.extensions.append(Extension("prompt", value.text))
        }
    }

    private mutating func field(_ key: String, _ value: JSONView) throws(NeedletailError) {
        switch key {
        case "model", "prompt": break
        case "max_tokens": self.request.maxOutputTokens = try OpenAIChatField.int(value, key, least: 0)
        case "temperature": self.request.temperature = try OpenAIChatField.number(value, key)
        case "top_p": self.request.topP = try OpenAIChatField.number(value, key)
        case "top_k": self.request.topK = try OpenAIChatField.number(value, key)
        case "frequency_penalty": self.request.frequencyPenalty = try OpenAIChatField.number(value, key)
        case "presence_penalty": self.request.presencePenalty = try OpenAIChatField.number(value, key)
        case "seed": self.request.seed = try OpenAIChatField.number(value, key)
        case "n": self.request.choiceCount = try OpenAIChatField.int(value, key, least: 1)
        case "stop": try self.stop(value)
        case "logprobs":
            self.request.logprobs = true
            self.request.topLogprobs = try OpenAIChatField.int(value, key, least: 0)
        case "logit_bias":
            try OpenAIChatField.object(value, key)
            if value.members.contains(where: { _ in true }) { self.request.logitBias = value.text }
        case "user": self.request.endUser = try OpenAIChatField.string(value, key)
        case "stream": self.request.isStreaming = try OpenAIChatField.bool(value, key)
        case "stream_options": try self.streamOptions(value)
        case "suffix":
            if !(try OpenAIChatField.string(value, key)).isEmpty { self.keep(key, value) }
        case "echo": if try OpenAIChatField.bool(value, key) { self.keep(key, value) }
        case "best_of":
            // As many as are asked for is what happens without it.
            if try OpenAIChatField.int(value, key, least: 0) > 1 { self.keep(key, value) }
        default: self.keep(key, value)
        }
    }

    private mutating func keep(_ path: String, _ value: JSONView) {
        self.request.extensions.append(Extension(path, value.text))
    }

    private mutating func stop(_ value: JSONView) throws(NeedletailError) {
        if let string = value.string {
            self.request.stopSequences = [string]
            return
        }
        guard value.kind == .array else { throw OpenAIChatField.wrongType("stop", "a string or an array", value) }
        for (index, element) in value.elements.enumerated() {
            self.request.stopSequences.append(try OpenAIChatField.string(element, "stop[\(index)]"))
        }
    }

    private mutating func streamOptions(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "stream_options")
        if let usage = value.present("include_usage") {
            self.request.includesStreamUsage = try OpenAIChatField.bool(usage, "stream_options.include_usage")
        }
        self.request.extensions.keepUnknown(value, known: ["include_usage"], path: "stream_options")
    }
}
