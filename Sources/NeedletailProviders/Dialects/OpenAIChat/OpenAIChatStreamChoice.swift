import NeedletailCore

/// One choice of an upstream's stream.
struct OpenAIChatStreamChoice {
    private struct Call {
        var key: Int
        var id: String
        var name: String
        var isCustom: Bool
        var hasStarted: Bool
        /// Fragments that came before the name.
        var early: String
        /// How far its arguments are, where the server gave no id.
        var progress: OpenAIChatCallProgress?
    }

    let index: Int
    private let replyID: String
    private var calls: [Call] = []
    /// Signatures of calls that have not started, and of what has.
    private var callSignatures: [(callID: String, state: String)] = []
    private var hasRefusal = false
    /// Whether text of the reasoning block in progress has been handed on.
    private var hasReasoned = false
    /// Whether a seal that comes now is that of the reasoning before it: nothing else has come since.
    private var isUnsealed = false
    private var hasText = false
    /// Whether it names pages itself.
    private var hasCited = false
    private var earlyCitations: [JSONText] = []
    private(set) var hasEnded = false

    /// More calls than any reply has; a lying server cannot make the list grow.
    private static let maximumCalls = 1024
    /// The same for sources that wait for the text.
    private static let maximumCitations = 1024
    /// Bytes of arguments that may come before the call's name, which every known server sends first.
    private static let maximumEarly = 1 << 20

    init(index: Int, replyID: String) {
        self.index = index
        self.replyID = replyID
    }

    /// - Parameter sources: Pages that are named beside the choices, see ``OpenAIChatSources``.
    mutating func take(
        _ view: JSONView, sources: [JSONText], into events: inout [ChatEvent]
    ) throws(NeedletailError) {
        guard !self.hasEnded else { return }
        if let delta = view.present("delta") ?? view.present("message") {
            guard delta.kind == .object else {
                throw NeedletailError(.malformedReply, "The provider's stream holds a delta that is no object.")
            }
            try self.delta(delta, into: &events)
        }
        if let logprobs = view.present("logprobs"), logprobs.kind == .object, Self.saysSomething(logprobs) {
            events.append(.logprobs(logprobs.text, choice: self.index))
        }
        if let spelled = view.present("finish_reason")?.string, !spelled.isEmpty {
            let sequence = (view.present("stop_reason") ?? view.present("matched_stop"))?.string
            self.end(spelled, sequence, sources: sources, into: &events)
        }
    }

    /// Ends the choice, with the reason that its content suggests where the server gave none.
    mutating func end(
        _ spelled: String?, _ sequence: String?, sources: [JSONText], into events: inout [ChatEvent]
    ) {
        for place in self.calls.indices where !self.calls[place].hasStarted {
            self.startCall(place, into: &events)
        }
        self.citeEarly(into: &events)
        if self.hasText, !self.hasCited {
            for page in sources { events.append(.citation(page, dialect: .openAIChat, choice: self.index)) }
        }
        for signature in self.callSignatures { self.sign(signature.state, into: &events) }
        self.callSignatures = []
        let hasCalls = !self.calls.isEmpty
        var reason =
            OpenAIChat.stopReason(spelled, hasCalls: hasCalls, hasRefusal: self.hasRefusal)
            ?? OpenAIChat.naturalEnd(hasCalls: hasCalls, hasRefusal: self.hasRefusal)
        var stopSequence: String?
        if reason == .endTurn, let sequence {
            reason = .stopSequence
            stopSequence = sequence
        }
        self.hasEnded = true
        events.append(.finished(reason, stopSequence: stopSequence, choice: self.index))
    }

    private static func saysSomething(_ logprobs: JSONView) -> Bool {
        for member in logprobs.members {
            switch member.value.kind {
            case .null: continue
            case .array:
                var elements = member.value.elements
                if elements.next() != nil { return true }
            default: return true
            }
        }
        return false
    }

    private mutating func delta(_ delta: JSONView, into events: inout [ChatEvent]) throws(NeedletailError) {
        self.reasoning(delta, into: &events)
        if let content = delta.present("content") {
            if let text = content.string {
                self.text(text, into: &events)
            } else if let parts = OpenAIChatContent.parts(content) {
                for part in parts { self.part(part, into: &events) }
            } else {
                throw NeedletailError(.malformedReply, "The provider's stream holds content that is no text.")
            }
        }
        for part in OpenAIChatContent.images(delta) { self.part(part, into: &events) }
        if let refusal = delta.present("refusal")?.string, !refusal.isEmpty {
            self.hasRefusal = true
            events.append(.refusal(refusal, choice: self.index))
        }
        if let annotations = delta.present("annotations") { self.cite(annotations, into: &events) }
        if let audio = delta.present("audio"), audio.kind == .object {
            events.append(.audio(audio.text, choice: self.index))
        }
        if let signature = OpenAIChatCallSignature.read(delta) { self.sign(signature, into: &events) }
        if let calls = delta.present("tool_calls") {
            // TGI streams each without a list around it.
            if calls.kind == .object {
                try self.fragment(calls, into: &events)
            } else {
                for call in calls.elements { try self.fragment(call, into: &events) }
            }
        } else if let call = delta.present("function_call"), call.kind == .object,
            !self.calls.isEmpty || OpenAIChat.nonEmpty(call["name"]) != nil
        {
            try self.fragment(key: 0, id: nil, call, isCustom: false, into: &events)
        }
    }

    private mutating func text(_ text: String, into events: inout [ChatEvent]) {
        guard !text.isEmpty else { return }
        (self.hasText, self.isUnsealed) = (true, false)
        events.append(.text(text, choice: self.index))
        self.citeEarly(into: &events)
    }

    /// Sources that come before the text (OpenRouter tells what its search found first) wait for it.
    private mutating func cite(_ annotations: JSONView, into events: inout [ChatEvent]) {
        for annotation in annotations.elements where annotation.kind == .object {
            self.hasCited = true
            if self.hasText {
                events.append(.citation(annotation.text, dialect: .openAIChat, choice: self.index))
            } else if self.earlyCitations.count < Self.maximumCitations {
                self.earlyCitations.append(annotation.text)
            }
        }
    }

    private mutating func citeEarly(into events: inout [ChatEvent]) {
        for citation in self.earlyCitations {
            events.append(.citation(citation, dialect: .openAIChat, choice: self.index))
        }
        self.earlyCitations = []
    }

    private mutating func part(_ part: ContentPart, into events: inout [ChatEvent]) {
        switch part {
        case .text(let part): self.text(part.text, into: &events)
        case .reasoning(let part):
            if !part.text.isEmpty { events.append(.reasoning(part.text, choice: self.index)) }
            if let signature = part.signature {
                events.append(.reasoningSignature(signature, choice: self.index))
            }
        case .refusal(let text):
            self.hasRefusal = true
            events.append(.refusal(text, choice: self.index))
        case .opaque(let part): events.append(.opaque(part, choice: self.index))
        case .image(let part): events.append(.image(part, choice: self.index))
        default: break
        }
    }

    /// The text comes from one place only, signatures and redacted blocks from wherever they are.
    private mutating func reasoning(_ delta: JSONView, into events: inout [ChatEvent]) {
        let plain = OpenAIChatReasoning.text(delta)
        if let plain {
            (self.hasReasoned, self.isUnsealed) = (true, true)
            events.append(.reasoning(plain, choice: self.index))
        }
        let blocks = delta.present("thinking_blocks").map(OpenAIChatReasoning.blocks) ?? []
        if !blocks.isEmpty {
            for part in blocks {
                switch part {
                case .reasoning(let part): self.reasoning(part, isTold: plain != nil, into: &events)
                case .redactedReasoning(let data): events.append(.redactedReasoning(data, choice: self.index))
                default: break
                }
            }
        } else if let details = delta.present("reasoning_details") {
            for detail in details.elements {
                guard let detail = OpenAIChatReasoningDetail(detail) else { continue }
                self.reasoning(detail, isTold: plain != nil, into: &events)
            }
        }
    }

    /// - Parameter isTold: Whether the text has been handed on from another member.
    private mutating func reasoning(_ part: ReasoningPart, isTold: Bool, into events: inout [ChatEvent]) {
        // A block with its signature may repeat the text that has been streamed before it.
        if !isTold, !part.text.isEmpty, part.signature == nil || !self.hasReasoned {
            (self.hasReasoned, self.isUnsealed) = (true, true)
            events.append(.reasoning(part.text, choice: self.index))
        }
        if let signature = part.signature {
            (self.hasReasoned, self.isUnsealed) = (false, false)
            events.append(.reasoningSignature(signature, choice: self.index))
        }
    }

    private mutating func reasoning(
        _ detail: OpenAIChatReasoningDetail, isTold: Bool, into events: inout [ChatEvent]
    ) {
        switch detail {
        case .text(let part): self.reasoning(part, isTold: isTold, into: &events)
        case .redacted(let data): events.append(.redactedReasoning(data, choice: self.index))
        case .seal(let data):
            events.append(
                self.isUnsealed
                    ? .reasoningSignature(data, choice: self.index) : .redactedReasoning(data, choice: self.index))
            (self.hasReasoned, self.isUnsealed) = (false, false)
        case .signature(let state, let callID):
            // A call that has begun may have arguments to come: what belongs to it waits for the end.
            let waits = callID != nil || !self.calls.isEmpty
            if waits, self.callSignatures.count < Self.maximumCalls {
                self.callSignatures.append((callID ?? "", state))
            } else {
                self.sign(state, into: &events)
            }
        }
    }

    /// Gives the signature of a call that starts next, or of the message.
    private func sign(_ state: String, into events: inout [ChatEvent]) {
        events.append(.blockEnded(choice: self.index))
        events.append(.reasoningSignature(state, choice: self.index))
    }

    private mutating func fragment(_ view: JSONView, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard view.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's stream holds a tool call that is no object.")
        }
        var id = view.present("id")?.string
        if id?.isEmpty == true { id = nil }
        var key = view.present("index")?.int
        if key == nil, let id, let known = self.calls.first(where: { $0.id == id }) { key = known.key }
        if key == nil { key = id == nil ? self.calls.last?.key : nil }
        guard let (function, isCustom) = OpenAIChat.callBody(view) else { return }
        // Comes with the call's first fragment, and goes before its start.
        if let signature = OpenAIChatCallSignature.read(view) { self.sign(signature, into: &events) }
        try self.fragment(
            key: key ?? ((self.calls.map(\.key).max() ?? -1) &+ 1), id: id, function, isCustom: isCustom,
            into: &events)
    }

    private mutating func fragment(
        key: Int,
        id: String?,
        _ function: JSONView,
        isCustom: Bool,
        into events: inout [ChatEvent]
    ) throws(NeedletailError) {
        var name = function.present("name")?.string
        if name?.isEmpty == true { name = nil }
        var place = self.calls.lastIndex { $0.key == key }
        // Servers that number every call 0 tell them apart by id, or give none (Google's layer) and only name them, each
        // call with all of its arguments.
        if let found = place, let name, self.calls[found].hasStarted,
            id.map({ $0 != self.calls[found].id })
                ?? (name != self.calls[found].name
                    || self.calls[found].progress?.isOver(before: function.present("arguments")?.string) == true)
        {
            place = nil
        }
        if place == nil {
            guard self.calls.count < Self.maximumCalls else {
                throw NeedletailError(.malformedReply, "The provider's stream holds too many tool calls.")
            }
            let made = OpenAIChat.callID(self.replyID, self.index, self.calls.count)
            self.calls.append(
                Call(
                    key: key, id: id ?? made, name: "", isCustom: isCustom, hasStarted: false, early: "",
                    progress: id == nil ? OpenAIChatCallProgress() : nil))
            place = self.calls.count - 1
        }
        guard let place else { return }
        if !self.calls[place].hasStarted {
            if let id { self.calls[place].id = id }
            if let name { self.calls[place].name = name }
        }
        let isCustom = self.calls[place].isCustom
        let fragment = OpenAIChatRequestDecoder.arguments(function.present(isCustom ? "input" : "arguments"))
        self.calls[place].progress?.take(fragment)
        if !self.calls[place].hasStarted {
            self.calls[place].early += fragment
            let isNamed = !self.calls[place].name.isEmpty
            guard isNamed || self.calls[place].early.utf8.count <= Self.maximumEarly else {
                throw NeedletailError(.malformedReply, "The provider's stream holds a tool call without a name.")
            }
            if isNamed { self.startCall(place, into: &events) }
        } else if !fragment.isEmpty {
            events.append(.toolCallArguments(index: place, fragment: fragment, choice: self.index))
        }
    }

    private mutating func startCall(_ place: Int, into events: inout [ChatEvent]) {
        let call = self.calls[place]
        self.calls[place].hasStarted = true
        self.isUnsealed = false
        self.calls[place].early = ""
        if let known = self.callSignatures.firstIndex(where: { $0.callID == call.id }) {
            self.sign(self.callSignatures.remove(at: known).state, into: &events)
        }
        events.append(
            .toolCallStarted(
                index: place, id: call.id, name: call.name, isCustom: call.isCustom, choice: self.index))
        if !call.early.isEmpty {
            events.append(.toolCallArguments(index: place, fragment: call.early, choice: self.index))
        }
    }
}
