import NeedletailCore
import NeedletailProviders
import NeedletailRouting

extension ModelFacts {
    /// Whether a model of which this is known has a capability.
    func ability(_ capability: Capability) -> Capability.Ability {
        var answers: [Bool?] = []
        if capability.features.contains(.images) { answers.append(self.vision) }
        if capability.features.contains(.tools) { answers.append(self.tools) }
        if capability.features.contains(.structuredOutput) { answers.append(self.structuredOutput) }
        if capability.features.contains(.reasoning) { answers.append(self.reasoning) }
        // Of these the catalogue says nothing.
        if !capability.features.isDisjoint(with: [.documents, .audio, .logprobs]) { answers.append(nil) }
        if capability.inputTokens > 0 { answers.append(self.contextWindow.map { $0 >= capability.inputTokens }) }
        if capability.outputTokens > 0 { answers.append(self.maxOutputTokens.map { $0 >= capability.outputTokens }) }
        if answers.contains(false) { return .unable }
        return answers.contains(nil) ? .unknown : .able
    }
}
