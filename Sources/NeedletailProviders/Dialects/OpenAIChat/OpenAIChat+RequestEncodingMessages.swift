import NeedletailCore

extension OpenAIChatRequestEncoder {
    /// Writes the conversation.
    ///
    /// Results of tools become `tool` messages, which OpenAI wants directly after the calls, before anything else that
    /// the user says. They hold text only: their images and documents follow in a message of the user.
    mutating func messages(into json: inout JSONWriter) throws(NeedletailError) {
        json.beginArray()
        var media: [ContentPart] = []
        for message in self.request.messages {
            guard !self.isForeign(message) else {
                self.lose(.contentOpaque, "a message that only its own provider knows")
                continue
            }
            var rest: [ContentPart] = []
            var hasResults = false
            for part in message.content {
                if case .toolResult(let result) = part {
                    hasResults = true
                    self.toolMessage(result, media: &media, into: &json)
                } else {
                    rest.append(part)
                }
            }
            if hasResults, rest.isEmpty { continue }
            if message.role == .user || message.role == .tool, hasResults || !media.isEmpty {
                try self.speech(.user, media + rest, message.name, into: &json)
                media = []
                continue
            }
            if !media.isEmpty {
                try self.speech(.user, media, nil, into: &json)
                media = []
            }
            switch message.role {
            case .assistant: try self.assistant(message, into: &json)
            case .tool: try self.speech(.user, rest, message.name, into: &json)
            case .system, .developer, .user: try self.speech(message.role, rest, message.name, into: &json)
            }
        }
        if !media.isEmpty { try self.speech(.user, media, nil, into: &json) }
        json.endArray()
    }

    /// Whether there is nothing in a message but what other dialects' providers know.
    private func isForeign(_ message: ChatMessage) -> Bool {
        !message.content.isEmpty
            && message.content.allSatisfy { part in
                if case .opaque(let part) = part { part.dialect != .openAIChat } else { false }
            }
    }

    private mutating func toolMessage(_ result: ToolResult, media: inout [ContentPart], into json: inout JSONWriter) {
        var text = ""
        var others: [ContentPart] = []
        for part in result.content {
            switch part {
            case .text(let part):
                if !text.isEmpty { text += "\n" }
                text += part.text
                if part.cacheMarker != nil, !self.isOwn { self.loseContentMarker() }
            case .document(let document):
                if case .text(let body) = document.source {
                    if !text.isEmpty { text += "\n" }
                    text += body
                } else {
                    others.append(part)
                }
            case .opaque: self.lose(.toolResultContent, "a part that only its own provider knows")
            default: others.append(part)
            }
        }
        if result.isError == true {
            self.lose(.toolResultIsError, "carried as the word Error before the result")
            if !text.lowercased().utf8.starts(with: "error".utf8) { text = text.isEmpty ? "Error" : "Error: " + text }
        }
        json.beginObject()
        if self.request.usesLegacyFunctions, let name = result.name {
            json.member("role", "function")
            json.member("name", name)
        } else {
            json.member("role", "tool")
            json.member("tool_call_id", result.callID)
            if self.isOwn { json.member("name", result.name) }
        }
        json.member("content", text.isEmpty && !others.isEmpty ? "The result follows in the next message." : text)
        if let marker = result.cacheMarker {
            if self.isOwn { Self.cacheControl(marker, into: &json) } else { self.loseContentMarker() }
        }
        json.endObject()
        guard !others.isEmpty else { return }
        self.lose(.toolResultContent, "images and documents of a tool's result follow in a message of the user")
        media.append(.text(TextPart("Result of the tool call \(result.callID):")))
        media += others
    }

    mutating func loseContentMarker(_ field: ModelField = .contentCacheMarker) {
        self.lose(field, "OpenAI caches prompts by itself")
    }

    private mutating func speech(
        _ role: ChatMessage.Role,
        _ content: [ContentPart],
        _ name: String?,
        into json: inout JSONWriter
    ) throws(NeedletailError) {
        json.beginObject()
        json.member("role", role.rawValue)
        json.key("content")
        if content.count == 1, case .text(let part) = content[0], part.cacheMarker == nil || !self.isOwn {
            if part.cacheMarker != nil {
                self.loseContentMarker(role == .user ? .contentCacheMarker : .systemCacheMarker)
            }
            if part.citations != nil { self.lose(.contentCitations, "messages carry no citations") }
            json.string(part.text)
        } else {
            json.beginArray()
            for part in content { try self.part(part, role, into: &json) }
            json.endArray()
        }
        json.member("name", name)
        json.endObject()
    }

    private mutating func assistant(_ message: ChatMessage, into json: inout JSONWriter) throws(NeedletailError) {
        var text = ""
        var hasText = false
        var isMarked = false
        var parts: [ContentPart] = []
        var calls: [ToolCall] = []
        var reasoning: [ContentPart] = []
        var details: [JSONText] = []
        var refusal: String?
        var audio: AudioPart?
        var signatures: [Int: String] = [:]
        for (index, part) in message.content.enumerated() {
            if self.isOwn, let signature = OpenAIChatCallSignature.at(index, in: message.content) {
                signatures[calls.count] = signature
                continue
            }
            switch part {
            case .text(let value):
                hasText = true
                text += value.text
                parts.append(part)
                if value.cacheMarker != nil { isMarked = true }
                if value.citations != nil { self.lose(.contentCitations, "messages carry no citations") }
            case .toolCall(let call): calls.append(call)
            case .reasoning, .redactedReasoning: reasoning.append(part)
            case .refusal(let value): refusal = (refusal ?? "") + value
            case .audio(let value): audio = value
            case .opaque(let value):
                if value.dialect == .openAIChat, OpenAIChatReasoningDetail.isOne(value.type) {
                    details.append(value.json)
                } else if value.dialect == .openAIChat {
                    parts.append(part)
                    isMarked = true  // so that the content is written as an array
                } else {
                    self.lose(.contentOpaque, "a part that only its own provider knows: \(value.type)")
                }
            case .image: self.lose(.image, "messages of the assistant hold no images")
            case .document: self.lose(.document, "messages of the assistant hold no documents")
            case .toolResult: break
            }
        }
        json.beginObject()
        json.member("role", "assistant")
        json.key("content")
        if isMarked, self.isOwn {
            json.beginArray()
            for part in parts { try self.part(part, .assistant, into: &json) }
            json.endArray()
        } else if hasText || (calls.isEmpty && refusal == nil && audio == nil) {
            if isMarked { self.loseContentMarker() }
            json.string(text)
        } else {
            json.null()
        }
        json.member("refusal", refusal)
        self.reasoning(reasoning, into: &json)
        if !details.isEmpty {
            json.key("reasoning_details")
            json.beginArray()
            for detail in details { json.raw(detail) }
            json.endArray()
        }
        if let id = audio?.id {
            json.key("audio")
            json.beginObject()
            json.member("id", id)
            json.endObject()
        } else if audio != nil {
            self.lose(.audio, "sound of the assistant is referred to by its id only")
        }
        self.calls(calls, signatures, into: &json)
        json.member("name", message.name)
        json.endObject()
    }

    private mutating func reasoning(_ parts: [ContentPart], into json: inout JSONWriter) {
        guard !parts.isEmpty else { return }
        if self.isOwn {
            OpenAIChatMessageWriting.reasoning(parts, into: &json)
            return
        }
        for part in parts {
            if case .reasoning(let value) = part {
                self.lose(.contentReasoning, "OpenAI takes no reasoning back")
                if value.signature != nil { self.lose(.contentSignature, "OpenAI takes no reasoning back") }
            } else {
                self.lose(.contentRedacted, "OpenAI takes no reasoning back")
            }
        }
    }

    private mutating func calls(_ calls: [ToolCall], _ signatures: [Int: String], into json: inout JSONWriter) {
        guard let first = calls.first else { return }
        if self.request.usesLegacyFunctions, calls.count == 1 {
            OpenAIChatMessageWriting.functionCall(first, into: &json)
            return
        }
        json.key("tool_calls")
        json.beginArray()
        for (index, call) in calls.enumerated() {
            json.beginObject()
            OpenAIChatMessageWriting.callMembers(call, into: &json)
            OpenAIChatCallSignature.write(signatures[index], into: &json)
            if let marker = call.cacheMarker {
                if self.isOwn { Self.cacheControl(marker, into: &json) } else { self.loseContentMarker() }
            }
            json.endObject()
        }
        json.endArray()
    }
}
