import NIOCore
import NeedletailCore

extension HTTPProvider {
    /// Where a reply's state is noted; `nil` where nobody remembers it.
    func stateRecorder(_ request: InferenceRequest, _ upstream: DialectID) -> StateRecorder? {
        self.stateIssuer?.recorder(for: request.model, upstream: upstream, client: request.replyDialect ?? upstream)
    }

    /// Edits what the upstream cannot read out of a client's own bytes. Never inlined: a request without state, which is
    /// nearly every one, has no need of the room.
    ///
    /// - Returns: What was left out.
    /// - Throws: `.unsupported` for what cannot be left out.
    @inline(never)
    func removeForeignState(
        from wire: WireBody, _ request: InferenceRequest, _ splice: inout JSONSplice
    ) throws(NeedletailError) -> [Loss] {
        guard let issuer = self.stateIssuer, let carrier = wire.dialect.stateCarrier,
            let root = try? JSONDocument(wire.bytes).root
        else { return [] }
        let filter = issuer.filter(for: request.model, client: wire.dialect, upstream: wire.dialect)
        var edit = StateEdit(filter: filter, model: request.model, splice: splice)
        try carrier.removeForeignState(from: root, &edit)
        splice = edit.splice
        return edit.losses
    }
}

extension ChatRequest {
    /// Takes out what the upstream cannot read: signatures, and reasoning that is nothing but encrypted. What is then said
    /// without proof each dialect's encoder carries or leaves out by its own rules.
    ///
    /// - Parameter takesDetails: Whether the upstream takes chat completions with `reasoning_details`.
    mutating func removeForeignState(
        _ issuer: StateIssuer, upstream: DialectID, takesDetails: Bool, losses: inout [Loss]
    ) {
        // Any other has no place for it, and reports so.
        guard upstream.stateCarrier != nil,
            upstream != .openAIChat || self.source == .openAIChat || takesDetails
        else { return }
        let filter = issuer.filter(for: self.model, client: self.source, upstream: upstream)
        let demandsSignatures = upstream == .gemini && GeminiModelVersion(self.model).demandsSignatures
        var isChanged = false
        for index in self.messages.indices where self.messages[index].content.contains(where: \.holdsState) {
            let parts = self.messages[index].content
            var kept: [ContentPart] = []
            for (place, part) in parts.enumerated() {
                switch part {
                case .reasoning(var reasoning):
                    guard filter.refuses(signature: reasoning.signature) else { break }
                    losses.add(ModelField.contentSignature.name(in: self.source), Self.foreign)
                    isChanged = true
                    let isCalls = reasoning.text.isEmpty && place + 1 < parts.count && parts[place + 1].isCall
                    reasoning.signature =
                        isCalls && demandsSignatures && self.source == .gemini
                        ? GeminiContentWriter.foreignCallSignature : nil
                    if !reasoning.text.isEmpty || reasoning.signature != nil { kept.append(.reasoning(reasoning)) }
                    continue
                case .redactedReasoning(let state):
                    guard filter.isForeign(state) else {
                        // Google signs what it does not show too, and other dialects have no other place for that.
                        guard upstream == .gemini else { break }
                        kept.append(.reasoning(ReasoningPart("", signature: state)))
                        continue
                    }
                    losses.add(ModelField.contentRedacted.name(in: self.source), Self.foreign)
                    isChanged = true
                    continue
                default: break
                }
                kept.append(part)
            }
            self.messages[index].content = kept
        }
        guard isChanged else { return }
        self.messages.removeAll { $0.role == .assistant && $0.content.isEmpty }
        self.turnReasoningOff(for: upstream, &losses)
    }

    private static let foreign = "It was issued by another provider, which alone can read it."

    /// Claude refuses to reason on a budget where the turn that the results of tools answer does not begin with reasoning.
    /// What other dialects wish the encoder weighs itself (``AnthropicThinkingPlan``).
    private mutating func turnReasoningOff(for upstream: DialectID, _ losses: inout [Loss]) {
        guard upstream == .anthropicMessages || upstream == .bedrockConverse,
            self.source == .anthropicMessages || self.source == .bedrockConverse,
            self.reasoning?.mode == .enabled, AnthropicThinkingPlan.lacksReasoning(self.messages)
        else { return }
        self.reasoning = ReasoningOptions(mode: .disabled)
        losses.add(
            ModelField.reasoning.name(in: self.source), "The reasoning that it goes on from is another provider's.")
    }
}

extension ContentPart {
    fileprivate var holdsState: Bool {
        switch self {
        case .reasoning, .redactedReasoning: true
        default: false
        }
    }

    fileprivate var isCall: Bool { if case .toolCall = self { true } else { false } }
}
