import NeedletailCore

extension GeminiRequestReader {
    /// Reads `tools`: each element may hold functions, and tools that Google runs under a key of their own.
    mutating func readTools(_ tools: JSONView) throws(GeminiFieldError) {
        try GeminiField.array(tools, "")
        var index = 0
        for tool in tools.elements {
            do { try self.readTool(tool) } catch { throw error.inside("[\(index)]") }
            index += 1
        }
    }

    private mutating func readTool(_ tool: JSONView) throws(GeminiFieldError) {
        try GeminiField.object(tool, "")
        for member in tool.members where !member.value.isNull {
            let key = GeminiField.camel(member.key)
            guard key == "functionDeclarations" else {
                var definition = JSONWriter()
                definition.beginObject()
                definition.key(member.key)
                definition.raw(member.value.text)
                definition.endObject()
                let kind = Tool.Kind.provider(
                    type: key, definition: JSONText(unchecked: definition.bytes), dialect: .gemini)
                self.request.tools.append(Tool(name: key, kind: kind))
                continue
            }
            try GeminiField.array(member.value, key)
            var index = 0
            for function in member.value.elements {
                do { try self.readFunction(function) } catch { throw error.inside("\(key)[\(index)]") }
                index += 1
            }
        }
    }

    private mutating func readFunction(_ view: JSONView) throws(GeminiFieldError) {
        try GeminiField.object(view, "")
        var name: String?
        var description: String?
        var parameters: JSONText?
        for member in view.members where !member.value.isNull {
            let key = GeminiField.camel(member.key)
            switch key {
            case "name": name = try GeminiField.string(member.value, key)
            case "description": description = try GeminiField.string(member.value, key)
            case "parameters":
                try GeminiField.object(member.value, key)
                parameters = GeminiSchema.jsonSchema(member.value)
            case "parametersJsonSchema":
                try GeminiField.object(member.value, key)
                parameters = member.value.text
            default: self.keep(member, "tools.functionDeclarations")
            }
        }
        guard let name else { throw GeminiFieldError("name", "it is missing.") }
        self.request.tools.append(
            Tool(name: name, description: description, kind: .function(parameters: parameters)))
    }

    /// Reads `toolConfig`.
    mutating func readToolConfig(_ config: JSONView) throws(GeminiFieldError) {
        try GeminiField.object(config, "")
        for member in config.members where !member.value.isNull {
            guard GeminiField.camel(member.key) == "functionCallingConfig" else {
                self.keep(member, "toolConfig")
                continue
            }
            do { try self.readCalling(member.value) } catch { throw error.inside("functionCallingConfig") }
        }
    }

    private mutating func readCalling(_ config: JSONView) throws(GeminiFieldError) {
        try GeminiField.object(config, "")
        let path = "toolConfig.functionCallingConfig"
        var mode: JSONView.Member?
        var names: [String] = []
        for member in config.members where !member.value.isNull {
            let key = GeminiField.camel(member.key)
            switch key {
            case "mode": mode = member
            case "allowedFunctionNames": names = try GeminiField.strings(member.value, key)
            default: self.keep(member, path)
            }
        }
        switch try mode.map({ (member) throws(GeminiFieldError) in
            try GeminiField.string(member.value, "mode").uppercased()
        }) {
        case "ANY" where names.count == 1: self.request.toolChoice = .tool(names[0])
        case "ANY": self.request.toolChoice = names.isEmpty ? .required : .allowed(names, isRequired: true)
        case "NONE": self.request.toolChoice = ToolChoice.none
        case "AUTO": self.request.toolChoice = names.isEmpty ? .auto : .allowed(names, isRequired: false)
        case nil, "MODE_UNSPECIFIED": if !names.isEmpty { self.request.toolChoice = .allowed(names, isRequired: false) }
        default:
            // `VALIDATED` is a choice of the model whose arguments are held to the schema.
            self.request.toolChoice = names.isEmpty ? .auto : .allowed(names, isRequired: false)
            if let mode { self.keep(mode, path) }
        }
    }
}
