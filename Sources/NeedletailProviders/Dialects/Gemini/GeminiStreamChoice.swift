import NIOCore
import NeedletailCore

/// One candidate of an upstream's stream.
struct GeminiStreamChoice {
    let index: Int
    private let replyID: String
    private var calls = 0
    /// The call whose arguments are still coming, value by value.
    private var open: GeminiPartialArguments?
    private var isThinking = false
    private var text = GeminiTextOffsets()
    private var cited: [JSONText] = []
    private var word: String?
    private var blockReason: StopReason?

    /// More calls than any reply has; a lying server cannot make the list grow.
    private static let maximumCalls = 1024
    private static let maximumCitations = 1024

    private static let contentMembers: [StaticString] = ["parts", "role"]

    /// Whether the provider has said why it ended.
    var hasReason: Bool { self.word != nil || self.blockReason != nil }

    init(index: Int, replyID: String) {
        self.index = index
        self.replyID = replyID
    }

    mutating func take(
        _ candidate: JSONView, _ events: inout [ChatEvent], _ unread: inout UnreadMembers
    ) throws(NeedletailError) {
        if let content = candidate.present("content") {
            unread.look(at: content, known: Self.contentMembers, path: "candidates.content")
            if let parts = content.present("parts") {
                if parts.kind == .object { try self.part(parts, &events, &unread) }
                for part in parts.elements { try self.part(part, &events, &unread) }
            }
        }
        for member in candidate.members where !member.value.isNull {
            switch GeminiField.camel(member.word) {
            case "logprobsResult":
                if let logprobs = GeminiLogprobs.read(member.value) {
                    events.append(.logprobs(logprobs, choice: self.index))
                }
            case "finishReason": self.word = GeminiFinishReason.word(member.value) ?? self.word
            case "content", "index": break
            case "citationMetadata":
                self.cite(candidate, &events)
                if !GeminiCitations.isWhole(member.value) { Self.name(member, &unread) }
            case "groundingMetadata":
                self.cite(candidate, &events)
                self.opaque(member, &events)
                Self.name(member, &unread)
            case "urlContextMetadata":
                self.opaque(member, &events)
                Self.name(member, &unread)
            default: Self.name(member, &unread)
            }
        }
    }

    /// Names a member as lost, unless it says nothing.
    private static func name(_ member: JSONView.Member, _ unread: inout UnreadMembers) {
        guard unread.isOpen else { return }
        if member.value.saysNothing { return }
        unread.add("candidates.\(member.key)")
    }

    /// The prompt was not answered.
    mutating func block(_ reason: StopReason, _ message: String?, _ events: inout [ChatEvent]) {
        if self.blockReason == nil, let message { events.append(.refusal(message, choice: self.index)) }
        self.blockReason = reason
    }

    /// Ends the candidate.
    mutating func end(_ events: inout [ChatEvent]) {
        self.endCall(&events)
        let reason = self.blockReason ?? GeminiFinishReason.read(self.word ?? "STOP", hasCalls: self.calls > 0)
        events.append(.finished(reason, stopSequence: nil, choice: self.index))
    }

    private func opaque(_ member: JSONView.Member, _ events: inout [ChatEvent]) {
        let part = OpaquePart(dialect: .gemini, type: member.key, json: member.value.text)
        events.append(.opaque(part, choice: self.index))
    }

    private mutating func cite(_ candidate: JSONView, _ events: inout [ChatEvent]) {
        for annotation in GeminiCitations.annotations(candidate, text: self.text)
        where self.cited.count < Self.maximumCitations && !self.cited.contains(annotation) {
            self.cited.append(annotation)
            events.append(.citation(annotation, dialect: .openAIChat, choice: self.index))
        }
    }

    // MARK: Parts

    private mutating func part(
        _ part: JSONView, _ events: inout [ChatEvent], _ unread: inout UnreadMembers
    ) throws(NeedletailError) {
        if let call = GeminiField.value(part, "functionCall", "function_call"), call.kind == .object {
            if unread.isOpen { GeminiCallMembers.look(at: part, call, &unread) }
            let signature = GeminiField.value(part, "thoughtSignature", "thought_signature")?.string
            try self.call(call, signature, &events)
            return
        }
        var reader = GeminiContentReader(path: "candidates.content.parts")
        var content: [ContentPart] = []
        do {
            try reader.read(part, into: &content)
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream is wrong at candidates.content.parts.\(error.path).")
        }
        if !reader.extensions.isEmpty { unread.add(reader.extensions) }
        for piece in content {
            switch piece {
            case .text(let piece):
                self.endThoughts(&events)
                self.text.append(piece.text)
                events.append(.text(piece.text, choice: self.index))
            case .reasoning(let piece):
                self.thought(piece, isOwn: part.present("thought")?.bool == true, &events)
            case .image(let image):
                self.endThoughts(&events)
                events.append(.image(image, choice: self.index))
            default:
                self.endThoughts(&events)
                let type = part.members.first { !$0.value.isNull }?.key ?? ""
                events.append(
                    .opaque(OpaquePart(dialect: .gemini, type: type, json: part.text), choice: self.index))
            }
        }
    }

    /// A signature of thoughts goes with them; one of a text stands alone.
    private mutating func thought(_ piece: ReasoningPart, isOwn: Bool, _ events: inout [ChatEvent]) {
        if isOwn {
            if !self.isThinking {
                events.append(.blockEnded(choice: self.index))
                self.isThinking = true
            }
            if !piece.text.isEmpty { events.append(.reasoning(piece.text, choice: self.index)) }
        } else {
            events.append(.blockEnded(choice: self.index))
        }
        guard let signature = piece.signature else { return }
        events.append(.reasoningSignature(signature, choice: self.index))
        events.append(.blockEnded(choice: self.index))
        self.isThinking = false
    }

    private mutating func endThoughts(_ events: inout [ChatEvent]) {
        guard self.isThinking else { return }
        self.isThinking = false
        events.append(.blockEnded(choice: self.index))
    }

    // MARK: Calls

    private mutating func call(
        _ call: JSONView, _ signature: String?, _ events: inout [ChatEvent]
    ) throws(NeedletailError) {
        let name = call.present("name")?.string ?? ""
        let continues = GeminiField.value(call, "willContinue", "will_continue")?.bool == true
        let pieces = GeminiField.value(call, "partialArgs", "partial_args")
        if !name.isEmpty {
            self.endCall(&events)
            try self.startCall(name, call.present("id")?.string, signature, &events)
            guard continues || pieces != nil else {
                let arguments = call.present("args").map { String(buffer: $0.raw) } ?? "{}"
                self.finishCall(arguments, &events)
                return
            }
            self.open = GeminiPartialArguments()
        }
        guard self.open != nil else { return }
        for piece in (pieces ?? call).elements { self.open?.add(piece) }
        if !continues { self.endCall(&events) }
    }

    private mutating func startCall(
        _ name: String, _ id: String?, _ signature: String?, _ events: inout [ChatEvent]
    ) throws(NeedletailError) {
        guard self.calls < Self.maximumCalls else {
            throw NeedletailError(.malformedReply, "The provider's stream holds too many tool calls.")
        }
        self.isThinking = false
        events.append(.blockEnded(choice: self.index))
        if let signature, !signature.isEmpty {
            events.append(.reasoningSignature(GeminiSignature.read(signature), choice: self.index))
        }
        var id = id ?? ""
        if id.isEmpty { id = OpenAIChat.callID(self.replyID, self.index, self.calls) }
        events.append(
            .toolCallStarted(index: self.calls, id: id, name: name, isCustom: false, choice: self.index))
        self.calls += 1
    }

    private mutating func endCall(_ events: inout [ChatEvent]) {
        guard let arguments = self.open else { return }
        self.open = nil
        self.finishCall(arguments.text, &events)
    }

    private func finishCall(_ arguments: String, _ events: inout [ChatEvent]) {
        events.append(.toolCallArguments(index: self.calls - 1, fragment: arguments, choice: self.index))
        events.append(.blockEnded(choice: self.index))
    }
}
