import NIOCore
import NeedletailCore

/// Reads parts, of requests and of replies alike, and collects the fields that the model has no place for.
struct GeminiContentReader {
    /// The path of the parts, for names of what is lost.
    let path: String
    /// What the model has no place for.
    var extensions: [Extension] = []

    init(path: String) {
        self.path = path
    }

    /// Reads `parts`: a list, or one part alone, which Google takes too.
    mutating func readParts(_ parts: JSONView) throws(GeminiFieldError) -> [ContentPart] {
        var content: [ContentPart] = []
        if parts.kind == .object {
            try self.read(parts, into: &content)
            return content
        }
        try GeminiField.array(parts, "")
        var index = 0
        for part in parts.elements {
            do { try self.read(part, into: &content) } catch { throw error.inside("[\(index)]") }
            index += 1
        }
        return content
    }

    /// Reads one part; a call has no id if it came without one.
    mutating func read(_ part: JSONView, into content: inout [ContentPart]) throws(GeminiFieldError) {
        try GeminiField.object(part, "")
        var signature: String?
        var isThought = false
        var payload: (key: JSONWord, value: JSONView)?
        var unknown: [JSONView.Member] = []
        for member in part.members where !member.value.isNull {
            let key = GeminiField.camel(member.word)
            switch key {
            case "thought": isThought = member.value.bool ?? false
            case "thoughtSignature": signature = member.value.string.map(GeminiSignature.read)
            case "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode",
                "codeExecutionResult", "toolCall", "toolResponse":
                payload = (key, member.value)
            default: unknown.append(member)
            }
        }
        if signature?.isEmpty == true { signature = nil }
        guard let payload else {
            // A kind that is not known stays whole; a part with nothing in it says nothing.
            if let first = unknown.first {
                content.append(.opaque(OpaquePart(dialect: .gemini, type: first.key, json: part.text)))
            } else if let signature {
                content.append(.reasoning(ReasoningPart("", signature: signature)))
            }
            return
        }
        for member in unknown { self.extensions.append(Extension("\(self.path).\(member.key)", member.value.text)) }
        switch payload.key {
        case "text":
            Self.append(try GeminiField.string(payload.value, "text"), isThought, signature, to: &content)
            return
        case "functionCall":
            if let signature { content.append(.reasoning(ReasoningPart("", signature: signature))) }
            content.append(.toolCall(try self.call(payload.value)))
            return
        case "functionResponse": content.append(.toolResult(try self.result(payload.value)))
        case "inlineData":
            content.append(try Self.inline(payload.value))
            for member in payload.value.members where !member.value.isNull {
                guard !["mimeType", "data", "displayName"].contains(GeminiField.camel(member.key)) else { continue }
                self.keep("inlineData", member)
            }
        case "fileData": content.append(try Self.file(payload.value))
        default: content.append(.opaque(OpaquePart(dialect: .gemini, type: payload.key.string, json: part.text)))
        }
        if let signature { content.append(.reasoning(ReasoningPart("", signature: signature))) }
    }

    /// Thoughts that follow each other are one, up to the signature that closes them.
    private static func append(
        _ text: String, _ isThought: Bool, _ signature: String?, to content: inout [ContentPart]
    ) {
        guard isThought else {
            if !text.isEmpty { content.append(.text(TextPart(text))) }
            if let signature { content.append(.reasoning(ReasoningPart("", signature: signature))) }
            return
        }
        if case .reasoning(let last) = content.last, last.signature == nil {
            content[content.count - 1] = .reasoning(ReasoningPart(last.text + text, signature: signature))
        } else if !text.isEmpty || signature != nil {
            content.append(.reasoning(ReasoningPart(text, signature: signature)))
        }
    }

    // MARK: Media

    private static func inline(_ blob: JSONView) throws(GeminiFieldError) -> ContentPart {
        try GeminiField.object(blob, "inlineData")
        guard let data = blob.present("data") else { throw GeminiFieldError("inlineData.data", "it is missing.") }
        return GeminiMedia.part(
            GeminiField.value(blob, "mimeType", "mime_type")?.string ?? "application/octet-stream",
            data: try GeminiField.string(data, "inlineData.data"),
            title: GeminiField.value(blob, "displayName", "display_name")?.string)
    }

    private static func file(_ file: JSONView) throws(GeminiFieldError) -> ContentPart {
        try GeminiField.object(file, "fileData")
        guard let uri = GeminiField.value(file, "fileUri", "file_uri") else {
            throw GeminiFieldError("fileData.fileUri", "it is missing.")
        }
        return GeminiMedia.part(
            GeminiField.value(file, "mimeType", "mime_type")?.string,
            uri: try GeminiField.string(uri, "fileData.fileUri"),
            title: GeminiField.value(file, "displayName", "display_name")?.string)
    }

    // MARK: Tools

    private mutating func call(_ view: JSONView) throws(GeminiFieldError) -> ToolCall {
        try GeminiField.object(view, "functionCall")
        var call = ToolCall(id: "", name: "", arguments: "{}")
        for member in view.members where !member.value.isNull {
            switch GeminiField.camel(member.key) {
            case "id": call.id = try GeminiField.string(member.value, "functionCall.id")
            case "name": call.name = try GeminiField.string(member.value, "functionCall.name")
            case "args":
                try GeminiField.object(member.value, "functionCall.args")
                call.arguments = String(buffer: member.value.raw)
            case "partialArgs":
                var tree = GeminiPartialArguments()
                for piece in member.value.elements { tree.add(piece) }
                call.arguments = tree.text
            case "willContinue": break
            default: self.keep("functionCall", member)
            }
        }
        return call
    }

    /// `output` and `error` are the keys that Google's documentation names; any other object is the result itself.
    private mutating func result(_ view: JSONView) throws(GeminiFieldError) -> ToolResult {
        try GeminiField.object(view, "functionResponse")
        var result = ToolResult(callID: "", content: [])
        for member in view.members where !member.value.isNull {
            switch GeminiField.camel(member.key) {
            case "id": result.callID = try GeminiField.string(member.value, "functionResponse.id")
            case "name": result.name = try GeminiField.string(member.value, "functionResponse.name")
            case "response":
                try GeminiField.object(member.value, "functionResponse.response")
                let text = Self.resultText(member.value, isError: &result.isError)
                result.content.insert(.text(TextPart(text)), at: 0)
            case "parts":
                for part in member.value.elements { try self.read(part, into: &result.content) }
            default: self.keep("functionResponse", member)
            }
        }
        return result
    }

    private static func resultText(_ response: JSONView, isError: inout Bool?) -> String {
        var members = response.members
        guard let first = members.next(), members.next() == nil else { return response.text.description }
        switch first.key {
        case "output": break
        case "error": isError = true
        default: return response.text.description
        }
        return first.value.string ?? first.value.text.description
    }

    private mutating func keep(_ key: String, _ member: JSONView.Member) {
        self.extensions.append(Extension("\(self.path).\(key).\(member.key)", member.value.text))
    }
}
