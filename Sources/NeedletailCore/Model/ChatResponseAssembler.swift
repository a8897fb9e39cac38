/// Puts the events of a stream together to the reply that they tell.
public struct ChatResponseAssembler: Sendable {
    private var response = ChatResponse(id: "", model: "")
    private var choices: [Int: OpenChoice] = [:]
    /// Whether something came that a whole reply has no place for.
    public private(set) var isLossy = false

    /// Creates an assembler that has seen nothing.
    public init() {}

    /// The reply so far; its choices in their order.
    public func assembled() -> ChatResponse {
        var response = self.response
        response.choices = self.choices.values.map { $0.closed() }.sorted { $0.index < $1.index }
        return response
    }

    /// Takes the next event.
    public mutating func add(_ event: ChatEvent) {
        switch event {
        case .started(let start):
            self.response.id = start.id
            self.response.model = start.model
            self.response.created = start.created
            self.response.systemFingerprint = start.systemFingerprint
            self.response.serviceTier = start.serviceTier
        case .usage(let usage): self.response.usage = usage
        case .text(let text, let index): self.change(index) { $0.append(text, as: .text) }
        case .refusal(let text, let index): self.change(index) { $0.append(text, as: .refusal) }
        case .reasoning(let text, let index): self.change(index) { $0.append(text, as: .reasoning) }
        case .reasoningSignature(let signature, let index): self.change(index) { $0.sign(signature) }
        case .citation(let citation, let dialect, let index): self.change(index) { $0.cite(citation, dialect) }
        case .redactedReasoning(let data, let index): self.change(index) { $0.add(.redactedReasoning(data)) }
        case .opaque(let part, let index): self.change(index) { $0.add(.opaque(part)) }
        case .image(let part, let index): self.change(index) { $0.add(.image(part)) }
        case .toolCallStarted(let call, let id, let name, let isCustom, let index):
            self.change(index) {
                $0.add(.toolCall(ToolCall(id: id, name: name, arguments: "", isCustom: isCustom)), call: call)
            }
        case .toolCallArguments(let call, let fragment, let index):
            self.change(index) { $0.arguments[call, default: ""] += fragment }
        case .blockEnded(let index): self.change(index) { $0.flush() }
        case .audio: self.isLossy = true
        case .logprobs(let logprobs, let index):
            // Several pieces belong to several pieces of text; only one alone can be told of the whole.
            if self.choices[index]?.choice.logprobs != nil { self.isLossy = true }
            self.change(index) { $0.choice.logprobs = logprobs }
        case .finished(let reason, let sequence, let index):
            self.change(index) { choice in
                choice.choice.stopReason = reason
                choice.choice.stopSequence = sequence
            }
        }
    }

    private mutating func change(_ index: Int, _ body: (inout OpenChoice) -> Void) {
        body(&self.choices[index, default: OpenChoice(choice: ChatChoice(index: index))])
    }
}

/// A choice that is still being told. What grows is kept apart from the content, so that a fragment costs its own length.
private struct OpenChoice: Sendable {
    enum Kind {
        case text, reasoning, refusal
    }

    var choice: ChatChoice
    private var kind: Kind?
    private var buffer = ""
    /// Where the calls stand in the content.
    private var places: [Int: Int] = [:]
    /// The arguments of the calls, so far.
    var arguments: [Int: String] = [:]

    init(choice: ChatChoice) {
        self.choice = choice
    }

    mutating func append(_ text: String, as kind: Kind) {
        if self.kind != kind { self.flush() }
        self.kind = kind
        self.buffer += text
    }

    mutating func add(_ part: ContentPart, call: Int? = nil) {
        self.flush()
        if let call { self.places[call] = self.choice.content.count }
        self.choice.content.append(part)
    }

    /// Closes the part that grows.
    mutating func flush() {
        switch self.kind {
        case .text: self.choice.content.append(.text(TextPart(self.buffer)))
        case .reasoning: self.choice.content.append(.reasoning(ReasoningPart(self.buffer)))
        case .refusal: self.choice.content.append(.refusal(self.buffer))
        case nil: return
        }
        self.kind = nil
        self.buffer = ""
    }

    mutating func sign(_ signature: String) {
        let wasOpen = self.kind == .reasoning
        self.flush()
        if case .reasoning(var part)? = self.choice.content.last, wasOpen || part.signature != nil {
            part.signature = (part.signature ?? "") + signature
            self.choice.content[self.choice.content.count - 1] = .reasoning(part)
        } else {
            self.choice.content.append(.reasoning(ReasoningPart("", signature: signature)))
        }
    }

    mutating func cite(_ citation: JSONText, _ dialect: DialectID) {
        self.flush()
        guard case .text(var part)? = self.choice.content.last else { return }
        let list = part.citations.map { String($0.description.dropLast()) + "," } ?? "["
        part.citations = JSONText(unchecked: list + citation.description + "]")
        part.citationDialect = dialect
        self.choice.content[self.choice.content.count - 1] = .text(part)
    }

    /// The choice with all that has been told.
    func closed() -> ChatChoice {
        var copy = self
        copy.flush()
        for (call, place) in copy.places {
            guard case .toolCall(var made) = copy.choice.content[place] else { continue }
            made.arguments = copy.arguments[call] ?? ""
            copy.choice.content[place] = .toolCall(made)
        }
        return copy.choice
    }
}
