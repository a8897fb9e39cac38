public import NIOCore
public import NeedletailCore

extension Gemini {
    /// Reads a client's request. The model is left empty unless the body names it: it stands in the path.
    ///
    /// - Throws: `.invalidRequest` with the path of the field at fault, as Google spells it (`contents[0].parts[1].text`).
    public static func decodeRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        let root = try self.requestRoot(body)
        var reader = GeminiRequestReader()
        do {
            return try reader.read(root)
        } catch {
            throw error.error
        }
    }

    /// The object of a request.
    static func requestRoot(_ body: ByteBuffer) throws(NeedletailError) -> JSONView {
        let root: JSONView
        do {
            root = try JSONDocument(body).root
        } catch {
            throw NeedletailError(.invalidRequest, "Invalid JSON payload received: \(error).")
        }
        guard root.kind == .object else {
            throw NeedletailError(.invalidRequest, "Invalid JSON payload received: an object is wanted.")
        }
        return root
    }
}

/// Fills a request from Google's JSON.
struct GeminiRequestReader {
    var request = ChatRequest(model: "")
    private var content = GeminiContentReader(path: "contents.parts")
    private var system: [ChatMessage] = []
    private var calls = GeminiCallIDs()

    mutating func read(_ root: JSONView) throws(GeminiFieldError) -> ChatRequest {
        self.request.source = .gemini
        guard let contents = root.present("contents") else { throw GeminiFieldError("contents", "it is missing.") }
        for member in root.members where !member.value.isNull {
            try self.field(GeminiField.camel(member.key), member)
        }
        do { try self.readContents(contents) } catch { throw error.inside("contents") }
        self.request.messages = self.system + self.request.messages
        self.request.extensions += self.content.extensions
        return self.request
    }

    private mutating func field(_ key: String, _ member: JSONView.Member) throws(GeminiFieldError) {
        let value = member.value
        switch key {
        case "contents": break
        case "model":
            let name = try GeminiField.string(value, key)
            self.request.model = name.hasPrefix("models/") ? String(name.dropFirst(7)) : name
        case "systemInstruction":
            do { try self.readSystem(value) } catch { throw error.inside(key) }
        case "tools":
            do { try self.readTools(value) } catch { throw error.inside(key) }
        case "toolConfig":
            do { try self.readToolConfig(value) } catch { throw error.inside(key) }
        case "generationConfig":
            do { try self.readConfig(value) } catch { throw error.inside(key) }
        case "serviceTier": self.request.serviceTier = try GeminiField.string(value, key).lowercased()
        default: self.keep(member, "")
        }
    }

    /// Keeps what the model has no place for. `[]` says nothing.
    mutating func keep(_ member: JSONView.Member, _ path: String) {
        if member.value.kind == .array {
            var elements = member.value.elements
            guard elements.next() != nil else { return }
        }
        self.request.extensions.append(
            Extension(path.isEmpty ? member.key : "\(path).\(member.key)", member.value.text))
    }

    // MARK: Messages

    private mutating func readSystem(_ system: JSONView) throws(GeminiFieldError) {
        if let text = system.string {
            if !text.isEmpty { self.system = [ChatMessage(.system, text)] }
            return
        }
        try GeminiField.object(system, "")
        var reader = GeminiContentReader(path: "systemInstruction.parts")
        for member in system.members where !member.value.isNull {
            switch member.key {
            case "role": break
            case "parts":
                do {
                    let parts = try reader.readParts(member.value)
                    if !parts.isEmpty { self.system = [ChatMessage(.system, parts)] }
                } catch {
                    throw error.inside("parts")
                }
            default: self.keep(member, "systemInstruction")
            }
        }
        self.request.extensions += reader.extensions
    }

    private mutating func readContents(_ contents: JSONView) throws(GeminiFieldError) {
        try GeminiField.array(contents, "")
        var index = 0
        for content in contents.elements {
            do { try self.readContent(content) } catch { throw error.inside("[\(index)]") }
            index += 1
        }
        guard !self.request.messages.isEmpty else { throw GeminiFieldError("", "it is empty.") }
    }

    private mutating func readContent(_ content: JSONView) throws(GeminiFieldError) {
        try GeminiField.object(content, "")
        var role = "user"
        var parts: [ContentPart] = []
        for member in content.members where !member.value.isNull {
            switch member.key {
            case "role": role = try GeminiField.string(member.value, "role")
            case "parts":
                do { parts = try self.content.readParts(member.value) } catch { throw error.inside("parts") }
            default: self.keep(member, "contents")
            }
        }
        switch role {
        case "model":
            self.calls.name(&parts)
            self.request.messages.append(ChatMessage(.assistant, parts))
        case "user", "function", "tool", "":
            self.calls.match(&parts)
            self.appendUserTurn(parts)
        case "system": self.request.messages.append(ChatMessage(.system, parts))
        default: throw GeminiFieldError("role", "please use a valid role: user, model.")
        }
    }

    /// Results of tools become messages of their own.
    private mutating func appendUserTurn(_ parts: [ContentPart]) {
        var rest: [ContentPart] = []
        var hasResults = false
        for part in parts {
            guard case .toolResult = part else {
                rest.append(part)
                continue
            }
            hasResults = true
            if !rest.isEmpty { self.request.messages.append(ChatMessage(.user, rest)) }
            rest = []
            self.request.messages.append(ChatMessage(.tool, [part]))
        }
        if !rest.isEmpty || !hasResults { self.request.messages.append(ChatMessage(.user, rest)) }
    }
}

/// The ids of a conversation's calls, which Google leaves out where order and name tell enough.
struct GeminiCallIDs {
    private var count = 0
    /// The calls of the last turn that have no result yet.
    private var open: [(id: String, name: String)] = []

    /// Gives every call of a turn an id: the same for the same conversation.
    mutating func name(_ parts: inout [ContentPart]) {
        self.open = []
        for index in parts.indices {
            guard case .toolCall(var call) = parts[index] else { continue }
            self.count += 1
            if call.id.isEmpty { call.id = "call_\(self.count)" }
            parts[index] = .toolCall(call)
            self.open.append((call.id, call.name))
        }
    }

    /// Gives every result the id of its call: the first of its name that has none, else the first.
    mutating func match(_ parts: inout [ContentPart]) {
        for index in parts.indices {
            guard case .toolResult(var result) = parts[index] else { continue }
            let place =
                result.callID.isEmpty
                ? self.open.firstIndex { $0.name == result.name } ?? self.open.indices.first
                : self.open.firstIndex { $0.id == result.callID }
            if let place {
                let call = self.open.remove(at: place)
                result.callID = call.id
                // The call says it already.
                if result.name == call.name { result.name = nil }
            } else if result.callID.isEmpty {
                self.count += 1
                result.callID = "call_\(self.count)"
            }
            parts[index] = .toolResult(result)
        }
    }
}
