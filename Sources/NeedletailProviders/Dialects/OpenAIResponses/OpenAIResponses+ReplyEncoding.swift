public import NIOCore
public import NeedletailCore

extension OpenAIResponses {
    /// Writes a whole reply for a client.
    ///
    /// A refusal that the upstream gave as plain text goes into a part of its own, as OpenAI has it.
    ///
    /// - Returns: What the dialect could not carry.
    public static func encodeReply(
        _ reply: ChatResponse,
        created clock: Int64,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = OpenAIResponsesReplyEncoder(reply, clock)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            encoder.encode(into: &json)
        }
        return encoder.losses
    }
}

/// The state of writing one reply.
struct OpenAIResponsesReplyEncoder {
    private let reply: ChatResponse
    private let envelope: OpenAIResponsesEnvelope
    private let isOwn: Bool
    private(set) var losses: [Loss] = []
    private var items: [JSONText] = []
    private var message: [OpenAIResponsesMessagePart] = []
    private var thoughts: [ReasoningPart] = []
    /// Scalars of text so far: citations of other dialects do not count them.
    private var textLength = 0
    private var status = "completed"
    /// Those of the whole reply; they go to its first text.
    private var logprobs: [JSONText] = []

    init(_ reply: ChatResponse, _ clock: Int64) {
        self.reply = reply
        self.isOwn = reply.source == .openAIResponses
        let tier = ServiceTier.said(reply.serviceTier, from: reply.source, to: .openAIResponses)
        self.envelope = OpenAIResponsesEnvelope(
            id: reply.id.isEmpty ? String(clock) : reply.id, created: reply.created ?? clock, model: reply.model,
            serviceTier: tier.word, echo: reply.echo)
        if tier.isLost { self.lose(.replyServiceTier, "OpenAI has no such tier") }
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.reply.source), reason)
    }

    mutating func encode(into json: inout JSONWriter) {
        let reply = self.reply
        if reply.choices.count > 1 { self.lose(.replyChoices, "a response is one reply; the first was kept") }
        if reply.systemFingerprint != nil { self.lose(.systemFingerprint, "responses have no such field") }
        let choice = reply.choices.first ?? ChatChoice()
        let status = OpenAIResponsesEnvelope.Status(choice.stopReason)
        if case .incomplete = status { self.status = "incomplete" }
        self.content(choice)
        self.stop(choice)
        let fields = OpenAIResponsesUsage.unspoken(of: reply.usage)
        for field in fields where !self.isOwn { self.lose(field, "responses do not count it") }
        if !self.isOwn { self.losses.addCounters(of: reply.usage, reply.source) }
        let (kept, lost) = reply.extensions.divided(isOwn: self.isOwn)
        for extra in lost { self.losses.add(extra, "responses have no such field") }
        self.envelope.write(status, output: self.items, usage: reply.usage, isOwn: self.isOwn, into: &json) { json in
            kept.write(into: &json)
        }
    }

    private mutating func stop(_ choice: ChatChoice) {
        switch choice.stopReason {
        case .pauseTurn, .other: self.lose(.stopReason, "a response is completed or incomplete, no more")
        default: break
        }
        if choice.stopSequence != nil { self.lose(.stopSequence, "responses do not name the stop sequence") }
    }

    private mutating func content(_ choice: ChatChoice) {
        self.logprobs = OpenAIResponsesItemWriting.logprobs(choice.logprobs)
        var parts = choice.content
        let hasRefusal = parts.contains { if case .refusal = $0 { true } else { false } }
        if choice.stopReason == .refusal, !hasRefusal { parts = Self.refused(parts) }
        for part in parts {
            if case .reasoning(let thought) = part {
                self.endMessage()
                self.thoughts.append(thought)
                if thought.signature != nil { self.endReasoning() }
                continue
            }
            self.endReasoning()
            switch part {
            case .text(let text): self.text(text)
            case .refusal(let text): self.message.append(OpenAIResponsesMessagePart(isRefusal: true, text: text))
            case .toolCall(let call):
                self.endMessage()
                let id = self.envelope.itemID(call.isCustom ? "ctc" : "fc", self.items.count)
                let status = self.status
                self.item { OpenAIResponsesItemWriting.call(call, id: id, status: status, into: &$0) }
            case .redactedReasoning(let state):
                self.endMessage()
                let id = self.envelope.itemID("rs", self.items.count)
                self.item { OpenAIResponsesItemWriting.reasoning([], state: state, id: id, into: &$0) }
            case .opaque(let part):
                guard part.dialect == .openAIResponses else {
                    self.lose(.replyOpaque, "a part that only its own dialect knows: \(part.type)")
                    continue
                }
                self.endMessage()
                self.items.append(part.json)
            case .audio: self.lose(.replyAudio, "responses have no sound")
            case .image(let image):
                let id = self.envelope.itemID("ig", self.items.count + (self.message.isEmpty ? 0 : 1))
                guard let item = OpenAIResponsesItemWriting.image(image, id: id) else {
                    self.lose(.replyImage, "an image of a response is in it")
                    continue
                }
                self.endMessage()
                self.items.append(item)
            case .document, .toolResult: self.lose(.replyOpaque, "replies hold no such part")
            case .reasoning: break  // gathered above
            }
        }
        self.endReasoning()
        self.endMessage()
        if !self.logprobs.isEmpty { self.lose(.replyLogprobs, "log probabilities belong to text") }
    }

    /// The text of a reply that its provider calls a refusal.
    private static func refused(_ parts: [ContentPart]) -> [ContentPart] {
        var refusal = ""
        var rest: [ContentPart] = []
        for part in parts {
            if case .text(let text) = part { refusal += text.text } else { rest.append(part) }
        }
        return rest + [.refusal(refusal.isEmpty ? OpenAIChat.wordlessRefusal : refusal)]
    }

    private mutating func text(_ text: TextPart) {
        let start = self.textLength
        self.textLength += text.text.unicodeScalars.count
        var part = OpenAIResponsesMessagePart(text: text.text)
        swap(&part.logprobs, &self.logprobs)
        if let citations = try? text.citations?.view() {
            for citation in citations.elements {
                if text.citationDialect == .openAIResponses {
                    part.annotations.append(citation.text)
                } else if let page = WebCitation(
                    citation, text.citationDialect, start: start, end: self.textLength)
                {
                    part.annotations.append(page.responsesAnnotation)
                } else {
                    self.lose(.replyCitations, "annotations cite web pages and OpenAI's files only")
                }
            }
        }
        self.message.append(part)
    }

    private mutating func item(_ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        body(&json)
        self.items.append(JSONText(unchecked: json.bytes))
    }

    private mutating func endMessage() {
        guard !self.message.isEmpty else { return }
        let parts = self.message
        let id = self.envelope.itemID("msg", self.items.count)
        let status = self.status
        self.message = []
        self.textLength = 0
        self.item { OpenAIResponsesItemWriting.message(parts, id: id, status: status, into: &$0) }
    }

    private mutating func endReasoning() {
        guard let last = self.thoughts.last else { return }
        let texts = self.thoughts.map(\.text)
        let id = self.envelope.itemID("rs", self.items.count)
        self.thoughts = []
        self.item { OpenAIResponsesItemWriting.reasoning(texts, state: last.signature, id: id, into: &$0) }
    }
}
