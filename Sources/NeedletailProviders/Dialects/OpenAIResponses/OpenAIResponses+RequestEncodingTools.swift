import NIOCore
import NeedletailCore

extension OpenAIResponsesRequestEncoder {
    mutating func tools(into json: inout JSONWriter) {
        let tools = self.request.tools.filter { self.canWrite($0) }
        if tools.count < self.request.tools.count {
            self.lose(.tool, "a tool that its provider runs is unknown elsewhere")
        }
        guard !tools.isEmpty else {
            if self.request.toolChoice?.demandsTool == true { self.lose(.toolChoice, "there is no tool to choose") }
            return
        }
        json.key("tools")
        json.beginArray()
        for tool in tools { self.tool(tool, into: &json) }
        json.endArray()
        self.toolChoice(tools, into: &json)
        json.member("parallel_tool_calls", self.request.parallelToolCalls)
    }

    private func canWrite(_ tool: Tool) -> Bool {
        guard case .provider(_, _, let dialect) = tool.kind else { return true }
        return dialect == .openAIResponses
    }

    private mutating func tool(_ tool: Tool, into json: inout JSONWriter) {
        if tool.cacheMarker != nil { self.lose(.toolCacheMarker, "OpenAI caches prompts by itself") }
        switch tool.kind {
        case .provider(_, let definition, _): json.raw(definition)
        case .function(let parameters):
            json.beginObject()
            json.member("type", "function")
            json.member("name", tool.name)
            json.member("description", tool.description)
            json.member("parameters", parameters ?? (self.isOwn ? nil : Self.emptySchema))
            // Functions are strict here unless they say otherwise, and in no other dialect.
            json.member("strict", tool.isStrict ?? (self.isOwn ? nil : false))
            json.endObject()
        case .custom(let format):
            json.beginObject()
            json.member("type", "custom")
            json.member("name", tool.name)
            json.member("description", tool.description)
            json.member("format", format.map { self.format($0) })
            json.endObject()
        }
    }

    /// What a function without parameters takes.
    private static let emptySchema = JSONText(unchecked: #"{"type":"object","properties":{}}"#)

    /// Chat completions have a grammar's members one object deeper.
    private func format(_ format: JSONText) -> JSONText {
        guard self.request.source == .openAIChat, let view = try? format.view(), view["type"]?.string == "grammar",
            let grammar = view.present("grammar"), grammar.kind == .object
        else { return format }
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "grammar")
        for member in grammar.members {
            json.key(member.key)
            json.raw(member.value.text)
        }
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    private func toolChoice(_ tools: [Tool], into json: inout JSONWriter) {
        guard let choice = self.request.toolChoice else { return }
        json.key("tool_choice")
        switch choice {
        case .auto: json.string("auto")
        case .none: json.string("none")
        case .required: json.string("required")
        case .tool(let name): Self.chosen(name, tools, into: &json)
        case .allowed(let names, let isRequired):
            json.beginObject()
            json.member("type", "allowed_tools")
            json.member("mode", isRequired ? "required" : "auto")
            json.key("tools")
            json.beginArray()
            for name in names { Self.chosen(name, tools, into: &json) }
            json.endArray()
            json.endObject()
        }
    }

    private static func chosen(_ name: String, _ tools: [Tool], into json: inout JSONWriter) {
        json.beginObject()
        switch tools.first(where: { $0.name == name })?.kind {
        case .provider(let type, _, _): json.member("type", type)
        case .custom:
            json.member("type", "custom")
            json.member("name", name)
        case .function, nil:
            json.member("type", "function")
            json.member("name", name)
        }
        json.endObject()
    }
}
