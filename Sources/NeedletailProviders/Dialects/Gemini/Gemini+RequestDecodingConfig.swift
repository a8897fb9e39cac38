import NeedletailCore

extension GeminiRequestReader {
    /// Reads `generationConfig`.
    mutating func readConfig(_ config: JSONView) throws(GeminiFieldError) {
        try GeminiField.object(config, "")
        var schema: JSONText?
        var mediaType: JSONView.Member?
        for member in config.members where !member.value.isNull {
            let key = GeminiField.camel(member.key)
            let value = member.value
            switch key {
            case "temperature": self.request.temperature = try GeminiField.number(value, key)
            case "topP": self.request.topP = try GeminiField.number(value, key)
            case "topK": self.request.topK = try GeminiField.number(value, key)
            case "frequencyPenalty": self.request.frequencyPenalty = try GeminiField.number(value, key)
            case "presencePenalty": self.request.presencePenalty = try GeminiField.number(value, key)
            case "seed": self.request.seed = try GeminiField.number(value, key)
            case "candidateCount": self.request.choiceCount = max(1, try GeminiField.int(value, key))
            case "maxOutputTokens":
                let limit = try GeminiField.int(value, key)
                guard limit > 0 else { throw GeminiFieldError(key, "a positive number is wanted.") }
                self.request.maxOutputTokens = limit
            case "stopSequences": self.request.stopSequences = try GeminiField.strings(value, key)
            case "responseLogprobs": self.request.logprobs = try GeminiField.bool(value, key)
            case "logprobs": self.request.topLogprobs = try GeminiField.int(value, key)
            case "responseModalities":
                self.request.modalities = try GeminiField.strings(value, key).map { $0.lowercased() }
            case "responseMimeType": mediaType = member
            case "responseSchema":
                try GeminiField.object(value, key)
                schema = GeminiSchema.jsonSchema(value)
            case "responseJsonSchema": schema = value.text
            case "thinkingConfig":
                do { try self.readThinking(value) } catch { throw error.inside(key) }
            default: self.keep(member, "generationConfig")
            }
        }
        try self.readFormat(mediaType, schema)
    }

    private mutating func readFormat(_ mediaType: JSONView.Member?, _ schema: JSONText?) throws(GeminiFieldError) {
        switch try mediaType.map({ (member) throws(GeminiFieldError) in
            try GeminiField.string(member.value, "responseMimeType")
        }) {
        case "application/json":
            self.request.responseFormat =
                schema.map { .jsonSchema(name: nil, description: nil, schema: $0, isStrict: nil) } ?? .jsonObject
        case "text/plain" where schema == nil: self.request.responseFormat = .text
        case nil where schema == nil: break
        default:
            // `text/x.enum`, which is one word out of a schema's list, and whatever else may come.
            if let mediaType { self.keep(mediaType, "generationConfig") }
            guard let schema else { return }
            self.request.extensions.append(Extension("generationConfig.responseJsonSchema", schema))
        }
    }

    /// A budget of 0 is none, one of -1 is left to the model.
    private mutating func readThinking(_ config: JSONView) throws(GeminiFieldError) {
        try GeminiField.object(config, "")
        var options = ReasoningOptions()
        for member in config.members where !member.value.isNull {
            let key = GeminiField.camel(member.key)
            switch key {
            case "thinkingBudget":
                switch try GeminiField.int(member.value, key) {
                case 0: options.mode = .disabled
                case ..<0: options.mode = .adaptive
                case let tokens:
                    options.mode = .enabled
                    options.budgetTokens = tokens
                }
            case "thinkingLevel":
                let level = try GeminiField.string(member.value, key).lowercased()
                if level != "thinking_level_unspecified" { options.effort = level }
            case "includeThoughts":
                options.display = try GeminiField.bool(member.value, key) ? "summarized" : "omitted"
            default: self.keep(member, "generationConfig.thinkingConfig")
            }
        }
        // To be shown thoughts says that there are to be some; how many is left to the model.
        if options.display == "summarized", options.mode == .unspecified, options.effort == nil {
            options.mode = .adaptive
        }
        self.request.reasoning = options
    }
}
