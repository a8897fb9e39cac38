import NeedletailCore

extension OpenAIChatRequestEncoder {
    mutating func tools(into json: inout JSONWriter) {
        let request = self.request
        guard !request.usesLegacyFunctions else {
            self.functions(into: &json)
            return
        }
        let tools = request.tools.filter { self.canWrite($0) }
        if tools.count < request.tools.count {
            self.lose(.tool, "a tool that its provider runs is unknown elsewhere")
        }
        if !tools.isEmpty {
            json.key("tools")
            json.beginArray()
            for tool in tools { self.tool(tool, into: &json) }
            json.endArray()
        }
        // OpenAI refuses both of these where there are no tools.
        guard !tools.isEmpty || self.isOwn else {
            if request.toolChoice?.demandsTool == true { self.lose(.toolChoice, "there is no tool to choose") }
            return
        }
        self.toolChoice(tools, into: &json)
        json.member("parallel_tool_calls", request.parallelToolCalls)
    }

    private func canWrite(_ tool: Tool) -> Bool {
        guard case .provider(_, _, let dialect) = tool.kind else { return true }
        return dialect == .openAIChat
    }

    private mutating func tool(_ tool: Tool, into json: inout JSONWriter) {
        switch tool.kind {
        case .provider(_, let definition, _):
            json.raw(definition)
            return
        case .function(let parameters):
            json.beginObject()
            json.member("type", "function")
            json.key("function")
            Self.function(tool, parameters, into: &json)
        case .custom(let format):
            json.beginObject()
            json.member("type", "custom")
            json.key("custom")
            json.beginObject()
            json.member("name", tool.name)
            json.member("description", tool.description)
            json.member("format", format.map { self.format($0) })
            json.endObject()
        }
        if let marker = tool.cacheMarker {
            if self.isOwn {
                Self.cacheControl(marker, into: &json)
            } else {
                self.lose(.toolCacheMarker, "OpenAI caches prompts by itself")
            }
        }
        json.endObject()
    }

    /// Responses have a grammar's members one object higher.
    private func format(_ format: JSONText) -> JSONText {
        guard self.request.source == .openAIResponses, let view = try? format.view(),
            view["type"]?.string == "grammar"
        else { return format }
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "grammar")
        json.key("grammar")
        json.beginObject()
        for member in view.members where !member.hasKey("type") {
            json.key(member.key)
            json.raw(member.value.text)
        }
        json.endObject()
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    private static func function(_ tool: Tool, _ parameters: JSONText?, into json: inout JSONWriter) {
        json.beginObject()
        json.member("name", tool.name)
        json.member("description", tool.description)
        json.member("parameters", parameters)
        json.member("strict", tool.isStrict)
        json.endObject()
    }

    static func cacheControl(_ marker: CacheMarker, into json: inout JSONWriter) {
        json.key("cache_control")
        json.beginObject()
        json.member("type", "ephemeral")
        json.member("ttl", marker.lifetime)
        json.endObject()
    }

    private mutating func functions(into json: inout JSONWriter) {
        if !self.request.tools.isEmpty {
            json.key("functions")
            json.beginArray()
            for tool in self.request.tools {
                guard case .function(let parameters) = tool.kind else {
                    self.lose(.tool, "only functions can stand beside the legacy functions")
                    continue
                }
                Self.function(tool, parameters, into: &json)
            }
            json.endArray()
        }
        guard let choice = self.request.toolChoice else { return }
        json.key("function_call")
        switch choice {
        case .auto: json.string("auto")
        case .allowed, .required:
            self.lose(.toolChoice, "the legacy form can demand one function, or none")
            json.string("auto")
        case .none: json.string("none")
        case .tool(let name):
            json.beginObject()
            json.member("name", name)
            json.endObject()
        }
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
            json.key("allowed_tools")
            json.beginObject()
            json.member("mode", isRequired ? "required" : "auto")
            json.key("tools")
            json.beginArray()
            for name in names { Self.chosen(name, tools, into: &json) }
            json.endArray()
            json.endObject()
            json.endObject()
        }
    }

    private static func chosen(_ name: String, _ tools: [Tool], into json: inout JSONWriter) {
        var isCustom = false
        for tool in tools where tool.name == name {
            if case .custom = tool.kind { isCustom = true }
        }
        json.beginObject()
        json.member("type", isCustom ? "custom" : "function")
        json.key(isCustom ? "custom" : "function")
        json.beginObject()
        json.member("name", name)
        json.endObject()
        json.endObject()
    }
}
