import NIOCore
import NeedletailCore

extension OpenAIResponsesRequestDecoder {
    mutating func tools(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.array(value, "tools")
        for (index, tool) in value.elements.enumerated() {
            self.request.tools.append(try self.tool(tool, "tools[\(index)]"))
        }
    }

    private mutating func tool(_ value: JSONView, _ path: String) throws(NeedletailError) -> Tool {
        try OpenAIChatField.object(value, path)
        let type = try OpenAIChatField.string(try OpenAIChatField.required(value, "type", path), "\(path).type")
        switch type {
        case "function":
            let name = try OpenAIChatField.required(value, "name", path)
            var tool = Tool(name: try OpenAIChatField.string(name, "\(path).name"), kind: .function(parameters: nil))
            for member in value.members where !member.value.isNull {
                switch member.key {
                case "type", "name": break
                case "description":
                    tool.description = try OpenAIChatField.string(member.value, "\(path).description")
                case "parameters":
                    try OpenAIChatField.object(member.value, "\(path).parameters")
                    tool.kind = .function(parameters: member.value.text)
                case "strict": tool.isStrict = try OpenAIChatField.bool(member.value, "\(path).strict")
                default: self.keep("tools.\(member.key)", member.value)
                }
            }
            return tool
        case "custom":
            let name = try OpenAIChatField.required(value, "name", path)
            self.keepUnknown(value, known: ["type", "name", "description", "format"], path: "tools")
            return Tool(
                name: try OpenAIChatField.string(name, "\(path).name"),
                description: value.present("description")?.string,
                kind: .custom(format: value.present("format")?.text)
            )
        default:
            return Tool(
                name: type, kind: .provider(type: type, definition: value.text, dialect: .openAIResponses))
        }
    }

    mutating func toolChoice(_ value: JSONView) throws(NeedletailError) {
        if let string = value.string {
            switch string {
            case "auto": self.request.toolChoice = .auto
            case "none": self.request.toolChoice = ToolChoice.none
            case "required": self.request.toolChoice = .required
            default:
                throw OpenAIChatField.invalid(
                    "tool_choice",
                    "Invalid value: '\(string)'. Supported values are: 'none', 'auto', and 'required'.")
            }
            return
        }
        guard value.kind == .object else {
            throw OpenAIChatField.wrongType("tool_choice", "a string or an object", value)
        }
        let type = try OpenAIChatField.required(value, "type", "tool_choice")
        switch try OpenAIChatField.string(type, "tool_choice.type") {
        case "function", "custom":
            let name = try OpenAIChatField.required(value, "name", "tool_choice")
            self.keepUnknown(value, known: ["type", "name"], path: "tool_choice")
            self.request.toolChoice = .tool(try OpenAIChatField.string(name, "tool_choice.name"))
        case "allowed_tools":
            let tools = try OpenAIChatField.required(value, "tools", "tool_choice")
            try OpenAIChatField.array(tools, "tool_choice.tools")
            self.keepUnknown(value, known: ["type", "mode", "tools"], path: "tool_choice")
            var names: [String] = []
            for (index, tool) in tools.elements.enumerated() {
                let path = "tool_choice.tools[\(index)]"
                // A tool of the provider goes by its type.
                if let name = tool.present("name") ?? tool.present("type") {
                    names.append(try OpenAIChatField.string(name, path))
                }
            }
            self.request.toolChoice = .allowed(names, isRequired: value.present("mode")?.string == "required")
        case let tool:
            self.keep("tool_choice", value)
            self.need("tool_choice", "Only a provider that has the tool can be told to use '\(tool)'.")
        }
    }
}
