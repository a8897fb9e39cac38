import NIOCore
import NeedletailCore

extension OpenAIChatRequestDecoder {
    mutating func messages(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.array(value, "messages")
        for (index, message) in value.elements.enumerated() {
            let path = "messages[\(index)]"
            try OpenAIChatField.object(message, path)
            let role = try OpenAIChatField.required(message, "role", path)
            switch try OpenAIChatField.string(role, "\(path).role") {
            case "system": try self.plain(message, .system, path)
            case "developer": try self.plain(message, .developer, path)
            case "user": try self.plain(message, .user, path)
            case "assistant": try self.assistant(message, index, path)
            case "tool": try self.tool(message, path)
            case "function": try self.functionResult(message, path)
            case let other:
                throw OpenAIChatField.invalid(
                    "\(path).role",
                    "Invalid value for '\(path).role': '\(other)'. Supported values are: 'system', 'developer', "
                        + "'user', 'assistant', 'tool' and 'function'."
                )
            }
        }
        guard !self.request.messages.isEmpty else {
            throw OpenAIChatField.invalid(
                "messages", "Invalid 'messages': empty array. Expected an array with minimum length 1.")
        }
    }

    private mutating func plain(
        _ message: JSONView,
        _ role: ChatMessage.Role,
        _ path: String
    ) throws(NeedletailError) {
        guard let content = message["content"] else { throw OpenAIChatField.missing("\(path).content") }
        guard !content.isNull else {
            throw OpenAIChatField.wrongType("\(path).content", "one of a string or array of objects", content)
        }
        var result = ChatMessage(role, try self.content(content, "\(path).content"))
        for member in message.members where !member.value.isNull {
            switch member.key {
            case "role", "content": break
            case "name": result.name = try OpenAIChatField.string(member.value, "\(path).name")
            case "cache_control":
                let name = "messages.cache_control"
                let marker = try self.cacheMarker(member.value, "\(path).cache_control", name: name)
                self.mark(&result.content, marker, member.value, name: name)
            default: self.keep("messages.\(member.key)", member.value)
            }
        }
        self.request.messages.append(result)
    }

    private mutating func tool(_ message: JSONView, _ path: String) throws(NeedletailError) {
        let id = try OpenAIChatField.required(message, "tool_call_id", path)
        var result = ToolResult(callID: try OpenAIChatField.string(id, "\(path).tool_call_id"), content: [])
        for member in message.members where !member.value.isNull {
            switch member.key {
            case "role", "tool_call_id": break
            case "content": result.content = try self.content(member.value, "\(path).content")
            case "name": result.name = try OpenAIChatField.string(member.value, "\(path).name")
            case "is_error": result.isError = try OpenAIChatField.bool(member.value, "\(path).is_error")
            case "cache_control":
                result.cacheMarker = try self.cacheMarker(
                    member.value, "\(path).cache_control", name: "messages.cache_control")
            default: self.keep("messages.\(member.key)", member.value)
            }
        }
        self.request.messages.append(ChatMessage(.tool, [.toolResult(result)]))
    }

    /// The legacy answer, which names the function instead of the call.
    private mutating func functionResult(_ message: JSONView, _ path: String) throws(NeedletailError) {
        self.request.usesLegacyFunctions = true
        let given = try OpenAIChatField.required(message, "name", path)
        let name = try OpenAIChatField.string(given, "\(path).name")
        var result = ToolResult(callID: self.legacyCallIDs[name] ?? "call_\(name)", content: [])
        result.name = name
        if let content = message.present("content") { result.content = try self.content(content, "\(path).content") }
        self.keepUnknown(message, known: ["role", "name", "content"], path: "messages")
        self.request.messages.append(ChatMessage(.tool, [.toolResult(result)]))
    }

    private mutating func assistant(_ message: JSONView, _ index: Int, _ path: String) throws(NeedletailError) {
        var result = ChatMessage(.assistant, OpenAIChatReasoning.parts(message))
        if let content = message.present("content") {
            result.content += try self.content(content, "\(path).content")
        }
        self.keepUnknownReasoning(message)
        let signatures = OpenAIChatMessageSignatures(message)
        if message.present("tool_calls") == nil {
            for state in signatures.loose(beside: []) {
                result.content.append(.reasoning(ReasoningPart("", signature: state)))
            }
        }
        var marker: (value: CacheMarker, view: JSONView)?
        for member in message.members where !member.value.isNull {
            switch member.key {
            case "role", "content", "thinking_blocks", "reasoning_details", "reasoning_content", "reasoning": break
            case "name": result.name = try OpenAIChatField.string(member.value, "\(path).name")
            case "refusal":
                result.content.append(.refusal(try OpenAIChatField.string(member.value, "\(path).refusal")))
            case "audio":
                let id = try OpenAIChatField.required(member.value, "id", "\(path).audio")
                let audio = AudioPart(data: "", id: try OpenAIChatField.string(id, "\(path).audio.id"))
                self.keepUnknown(member.value, known: ["id"], path: "messages.audio")
                result.content.append(.audio(audio))
            case "tool_calls":
                try OpenAIChatField.array(member.value, "\(path).tool_calls")
                var calls: [(call: ToolCall, signature: String?)] = []
                for (number, view) in member.value.elements.enumerated() {
                    let call = try self.call(view, "\(path).tool_calls[\(number)]")
                    calls.append((call, signatures.signature(of: view, id: call.id)))
                }
                for state in signatures.loose(beside: calls.map { ($0.call.id, $0.signature) }) {
                    result.content.append(.reasoning(ReasoningPart("", signature: state)))
                }
                for (call, signature) in calls {
                    if let signature { result.content.append(.reasoning(ReasoningPart("", signature: signature))) }
                    result.content.append(.toolCall(call))
                }
            case "function_call":
                let name = try OpenAIChatField.required(member.value, "name", "\(path).function_call")
                let call = ToolCall(
                    id: "call_legacy_\(index)",
                    name: try OpenAIChatField.string(name, "\(path).function_call.name"),
                    arguments: Self.arguments(member.value.present("arguments"))
                )
                self.keepUnknown(member.value, known: ["name", "arguments"], path: "messages.function_call")
                self.request.usesLegacyFunctions = true
                self.legacyCallIDs[call.name] = call.id
                result.content.append(.toolCall(call))
            case "cache_control":
                let value = try self.cacheMarker(
                    member.value, "\(path).cache_control", name: "messages.cache_control")
                marker = (value, member.value)
            default: self.keep("messages.\(member.key)", member.value)
            }
        }
        if let marker { self.mark(&result.content, marker.value, marker.view, name: "messages.cache_control") }
        self.request.messages.append(result)
    }

    private mutating func call(_ value: JSONView, _ path: String) throws(NeedletailError) -> ToolCall {
        try OpenAIChatField.object(value, path)
        let id = try OpenAIChatField.required(value, "id", path)
        let isCustom = value.present("type")?.string == "custom"
        let key: StaticString = isCustom ? "custom" : "function"
        let function = try OpenAIChatField.required(value, key, path)
        let name = try OpenAIChatField.required(function, "name", "\(path).\(key)")
        var call = ToolCall(
            id: try OpenAIChatField.string(id, "\(path).id"),
            name: try OpenAIChatField.string(name, "\(path).\(key).name"),
            arguments: Self.arguments(function.present(isCustom ? "input" : "arguments")),
            isCustom: isCustom
        )
        if let control = value.present("cache_control") {
            call.cacheMarker = try self.cacheMarker(
                control, "\(path).cache_control", name: "messages.tool_calls.cache_control")
        }
        var members: [StaticString] = ["id", "type", key, "index", "cache_control"]
        if OpenAIChatCallSignature.read(value) != nil { members.append("extra_content") }
        self.keepUnknown(value, known: members, path: "messages.tool_calls")
        let known: [StaticString] = ["name", isCustom ? "input" : "arguments"]
        self.keepUnknown(function, known: known, path: "messages.tool_calls.\(key)")
        return call
    }

    /// Arguments are JSON in a string; some servers give the object itself.
    static func arguments(_ value: JSONView?) -> String {
        guard let value else { return "" }
        return value.string ?? value.text.description
    }

    /// Puts a marker on the last part, if that can hold one.
    static func mark(_ content: inout [ContentPart], _ marker: CacheMarker) -> Bool {
        guard let last = content.indices.last else { return false }
        switch content[last] {
        case .text(var part):
            part.cacheMarker = marker
            content[last] = .text(part)
        case .image(var part):
            part.cacheMarker = marker
            content[last] = .image(part)
        case .document(var part):
            part.cacheMarker = marker
            content[last] = .document(part)
        case .toolCall(var part):
            part.cacheMarker = marker
            content[last] = .toolCall(part)
        case .toolResult(var part):
            part.cacheMarker = marker
            content[last] = .toolResult(part)
        default: return false
        }
        return true
    }
}
