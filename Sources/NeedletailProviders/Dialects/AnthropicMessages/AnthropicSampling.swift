import NeedletailCore

/// Which sampling fields a model of Anthropic's can be sent.
///
/// A request that came from Anthropic is repeated word for word. For all others: nothing but defaults while the model
/// reasons, a temperature of 1 at most, and what the model's generation takes.
struct AnthropicSampling {
    private(set) var temperature: JSONText?
    private(set) var topP: JSONText?
    private(set) var topK: JSONText?

    init(_ request: ChatRequest, _ plan: AnthropicThinkingPlan, losses: inout [Loss]) {
        guard request.source != .anthropicMessages else {
            self.temperature = request.temperature
            self.topP = request.topP
            self.topK = request.topK
            return
        }
        let version = AnthropicModelVersion(request.model)
        func lose(_ field: ModelField, _ reason: String) { losses.add(field.name(in: request.source), reason) }
        let reason = plan.isOn ? "Not while the model reasons." : "The model does not take it."
        let isFixed = plan.isOn || version?.takesNoSampling == true
        if let text = request.temperature, let value = Double(text.description) {
            if isFixed {
                if value != 1 { lose(.temperature, reason) }
            } else {
                if value > 1 { lose(.temperature, "The provider's scale ends at 1.") }
                self.temperature = value > 1 ? JSONText(1) : text
            }
        }
        if let text = request.topP, let value = Double(text.description) {
            // While reasoning, 0.95 to 1 is allowed.
            if plan.isOn ? value < 0.95 || version?.takesNoSampling == true : isFixed {
                if value != 1 { lose(.topP, reason) }
            } else if self.temperature != nil, version?.takesOneSamplingField == true {
                if value != 1 { lose(.topP, "The model takes temperature or top_p, not both.") }
            } else {
                self.topP = text
            }
        }
        guard let topK = request.topK else { return }
        if isFixed { lose(.topK, reason) } else { self.topK = topK }
    }
}
