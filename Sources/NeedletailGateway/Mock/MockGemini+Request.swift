import NeedletailCore

extension MockGemini {
    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        var prompt = MockPrompt()
        prompt.signer = .google
        let target = Self.target(path: path)
        prompt.model = target?.model ?? ""
        prompt.isStreaming = target?.isStreaming ?? false
        let body = body.present("generateContentRequest") ?? body
        guard let contents = body["contents"], contents.kind == .array else {
            throw MockRefusal(
                400, "* GenerateContentRequest.contents: contents is not specified", parameter: "contents")
        }
        if let system = body.present("systemInstruction") ?? body.present("system_instruction") { prompt.weigh(system) }
        try Self.contents(contents, into: &prompt)
        Self.tools(body, into: &prompt)
        try Self.config(body.present("generationConfig") ?? body.present("generation_config"), into: &prompt)
        return prompt
    }

    private static func contents(_ contents: JSONView, into prompt: inout MockPrompt) throws(MockRefusal) {
        var count = 0
        for content in contents.elements {
            count += 1
            let role = content["role"]?.string ?? "user"
            guard ["user", "model", "function"].contains(role) else {
                throw MockRefusal(
                    400, "Please use a valid role: user, model.", parameter: "contents[\(count - 1)].role")
            }
            var text = ""
            prompt.answersTools = false
            guard let parts = content["parts"], parts.kind == .array else {
                throw MockRefusal(
                    400, "* GenerateContentRequest.contents[\(count - 1)].parts: contents.parts must not be empty.",
                    parameter: "contents[\(count - 1)].parts")
            }
            if role == "model" { try Self.signatures(parts, in: count - 1, demanded: Self.signsCalls(prompt.model)) }
            for part in parts.elements {
                if let said = part["text"]?.string {
                    prompt.weigh(said)
                    text += said
                } else if let media = part["inlineData"] ?? part["inline_data"] ?? part["fileData"] ?? part["file_data"]
                {
                    let type = (media["mimeType"] ?? media["mime_type"])?.string ?? ""
                    if type.hasPrefix("image/") { prompt.imageCount += 1 } else { prompt.documentCount += 1 }
                } else {
                    prompt.weigh(part)
                    if let answer = part["functionResponse"] ?? part["function_response"] {
                        prompt.answersTools = true
                        text += answer["response"].map { "\($0.text)" } ?? ""
                    }
                }
            }
            if role != "model" { prompt.lastText = text }
        }
        guard count > 0 else {
            throw MockRefusal(
                400, "* GenerateContentRequest.contents: contents is not specified", parameter: "contents")
        }
    }

    /// Checks what the model is to have signed: <https://ai.google.dev/gemini-api/docs/thought-signatures>.
    private static func signatures(_ parts: JSONView, in content: Int, demanded: Bool) throws(MockRefusal) {
        var hasCall = false
        for part in parts.elements {
            let call = part["functionCall"] ?? part["function_call"]
            let signature = (part["thoughtSignature"] ?? part["thought_signature"])?.string
            if let signature {
                let text = call.map(Self.signedText) ?? part["text"]?.string ?? ""
                let isValid = MockSigner.google.isValid(signature, for: text)
                guard isValid || (call != nil && signature == MockSigner.foreignCall) else {
                    throw MockRefusal(400, "Corrupted thought signature.")
                }
            } else if demanded, !hasCall, call != nil {
                throw MockRefusal(
                    400,
                    "Unable to submit request because a function call in the \(content). content block is missing a "
                        + "`thought_signature`.")
            }
            if call != nil { hasCall = true }
        }
    }

    private static func tools(_ body: JSONView, into prompt: inout MockPrompt) {
        if let tools = body.present("tools") {
            prompt.weigh(tools)
            for tool in tools.elements {
                let functions = tool["functionDeclarations"] ?? tool["function_declarations"]
                for function in (functions ?? body).elements {
                    guard let name = function["name"]?.string else { continue }
                    let schema = function.present("parametersJsonSchema") ?? function.present("parameters")
                    prompt.tools.append(.init(name: name, schema: schema))
                }
            }
        }
        let config = (body["toolConfig"] ?? body["tool_config"])?["functionCallingConfig"]
        let names = config?["allowedFunctionNames"]?.elements.compactMap(\.string) ?? []
        switch config?["mode"]?.string {
        case "NONE": prompt.toolChoice = .none
        case "ANY": prompt.toolChoice = names.first.map { .named($0) } ?? .required
        default: prompt.toolChoice = .auto
        }
    }

    private static func config(_ config: JSONView?, into prompt: inout MockPrompt) throws(MockRefusal) {
        guard let config else { return }
        if let limit = config.present("maxOutputTokens") {
            guard let tokens = limit.int, tokens >= 1 else {
                throw MockRefusal(
                    400, "maxOutputTokens must be in the range 1 or more.",
                    parameter: "generationConfig.maxOutputTokens")
            }
            prompt.maximumTokens = tokens
        }
        prompt.choices = config.present("candidateCount")?.int ?? 1
        guard (1...8).contains(prompt.choices) else {
            throw MockRefusal(
                400, "candidateCount must be in the range 1 to 8.", parameter: "generationConfig.candidateCount")
        }
        prompt.stopSequences = config["stopSequences"]?.elements.compactMap(\.string) ?? []
        if (config["responseMimeType"] ?? config["response_mime_type"])?.string == "application/json" {
            let schema = config.present("responseJsonSchema") ?? config.present("responseSchema")
            prompt.output = schema.map { .schema($0) } ?? .object
        }
        guard let thinking = config.present("thinkingConfig") ?? config.present("thinking_config") else { return }
        let shows = thinking["includeThoughts"]?.bool ?? false
        prompt.isThinking = thinking["thinkingBudget"]?.int != 0
        prompt.hidesThinking = !shows
    }
}
