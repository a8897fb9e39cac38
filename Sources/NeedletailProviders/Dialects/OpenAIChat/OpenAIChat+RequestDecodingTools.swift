import NeedletailCore

extension OpenAIChatRequestDecoder {
    mutating func tools(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.array(value, "tools")
        for (index, tool) in value.elements.enumerated() {
            self.request.tools.append(try self.tool(tool, "tools[\(index)]"))
        }
    }

    private mutating func tool(_ value: JSONView, _ path: String) throws(NeedletailError) -> Tool {
        try OpenAIChatField.object(value, path)
        var type = "function"
        if let given = value.present("type") {
            type = try OpenAIChatField.string(given, "\(path).type")
        } else if value.present("function") == nil {
            throw OpenAIChatField.missing("\(path).type")
        }
        var tool: Tool
        var known: [StaticString] = ["type", "cache_control"]
        switch type {
        case "function":
            known.append("function")
            let function = try OpenAIChatField.required(value, "function", path)
            tool = try self.function(function, "\(path).function", prefix: "tools.function")
        case "custom":
            known.append("custom")
            let custom = try OpenAIChatField.required(value, "custom", path)
            try OpenAIChatField.object(custom, "\(path).custom")
            let name = try OpenAIChatField.required(custom, "name", "\(path).custom")
            tool = Tool(
                name: try OpenAIChatField.string(name, "\(path).custom.name"),
                description: custom.present("description")?.string,
                kind: .custom(format: custom.present("format")?.text)
            )
            self.keepUnknown(custom, known: ["name", "description", "format"], path: "tools.custom")
        default:
            return Tool(name: type, kind: .provider(type: type, definition: value.text, dialect: .openAIChat))
        }
        if let control = value.present("cache_control") {
            tool.cacheMarker = try self.cacheMarker(control, "\(path).cache_control", name: "tools.cache_control")
        }
        self.keepUnknown(value, known: known, path: "tools")
        return tool
    }

    private mutating func function(
        _ value: JSONView,
        _ path: String,
        prefix: String
    ) throws(NeedletailError) -> Tool {
        try OpenAIChatField.object(value, path)
        let name = try OpenAIChatField.required(value, "name", path)
        var tool = Tool(name: try OpenAIChatField.string(name, "\(path).name"), kind: .function(parameters: nil))
        for member in value.members where !member.value.isNull {
            switch member.key {
            case "name": break
            case "description":
                tool.description = try OpenAIChatField.string(member.value, "\(path).description")
            case "parameters":
                try OpenAIChatField.object(member.value, "\(path).parameters")
                tool.kind = .function(parameters: member.value.text)
            case "strict": tool.isStrict = try OpenAIChatField.bool(member.value, "\(path).strict")
            case "cache_control":
                tool.cacheMarker = try self.cacheMarker(
                    member.value, "\(path).cache_control", name: "\(prefix).cache_control")
            default: self.keep("\(prefix).\(member.key)", member.value)
            }
        }
        return tool
    }

    /// The legacy `functions`.
    mutating func functions(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.array(value, "functions")
        self.request.usesLegacyFunctions = true
        for (index, function) in value.elements.enumerated() {
            self.request.tools.append(try self.function(function, "functions[\(index)]", prefix: "functions"))
        }
    }

    /// The legacy `function_call`.
    mutating func functionCall(_ value: JSONView) throws(NeedletailError) -> ToolChoice {
        self.request.usesLegacyFunctions = true
        if let string = value.string {
            switch string {
            case "auto": return .auto
            case "none": return .none
            default:
                throw OpenAIChatField.invalid("function_call", "Invalid value for 'function_call': '\(string)'.")
            }
        }
        guard value.kind == .object else {
            throw OpenAIChatField.wrongType("function_call", "a string or an object", value)
        }
        let name = try OpenAIChatField.required(value, "name", "function_call")
        self.keepUnknown(value, known: ["name"], path: "function_call")
        return .tool(try OpenAIChatField.string(name, "function_call.name"))
    }

    mutating func toolChoice(_ value: JSONView) throws(NeedletailError) -> ToolChoice {
        if let string = value.string {
            switch string {
            case "auto": return .auto
            case "none": return .none
            case "required", "any": return .required
            default: throw OpenAIChatField.invalid("tool_choice", "Invalid value for 'tool_choice': '\(string)'.")
            }
        }
        guard value.kind == .object else {
            throw OpenAIChatField.wrongType("tool_choice", "a string or an object", value)
        }
        let type = value.present("type")?.string ?? "function"
        switch type {
        case "function": return .tool(try self.chosenName(value, "function", "tool_choice", name: "tool_choice"))
        case "custom": return .tool(try self.chosenName(value, "custom", "tool_choice", name: "tool_choice"))
        case "allowed_tools":
            let allowed = try OpenAIChatField.required(value, "allowed_tools", "tool_choice")
            let tools = try OpenAIChatField.required(allowed, "tools", "tool_choice.allowed_tools")
            try OpenAIChatField.array(tools, "tool_choice.allowed_tools.tools")
            self.keepUnknown(value, known: ["type", "allowed_tools"], path: "tool_choice")
            self.keepUnknown(allowed, known: ["mode", "tools"], path: "tool_choice.allowed_tools")
            var names: [String] = []
            for (index, tool) in tools.elements.enumerated() {
                let path = "tool_choice.allowed_tools.tools[\(index)]"
                let key: StaticString = tool.present("type")?.string == "custom" ? "custom" : "function"
                names.append(try self.chosenName(tool, key, path, name: "tool_choice.allowed_tools.tools"))
            }
            return .allowed(names, isRequired: allowed.present("mode")?.string == "required")
        default: throw OpenAIChatField.invalid("tool_choice.type", "Invalid value for 'tool_choice.type': '\(type)'.")
        }
    }

    /// The name under `key`; `name` is the path without the indices that `path` has.
    private mutating func chosenName(
        _ value: JSONView,
        _ key: StaticString,
        _ path: String,
        name: String
    ) throws(NeedletailError) -> String {
        let tool = try OpenAIChatField.required(value, key, path)
        let chosen = try OpenAIChatField.required(tool, "name", "\(path).\(key)")
        self.keepUnknown(value, known: ["type", key], path: name)
        self.keepUnknown(tool, known: ["name"], path: "\(name).\(key)")
        return try OpenAIChatField.string(chosen, "\(path).\(key).name")
    }
}
