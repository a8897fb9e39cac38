/// What a model's name says about how it reasons: <https://ai.google.dev/gemini-api/docs/thinking>.
enum GeminiModelVersion: Hashable {
    /// Before 2.5: no reasoning.
    case early
    /// 2.5: a budget in tokens, within the model's range; 0 where it can be turned off.
    case budgeted(ClosedRange<Int>, canBeOff: Bool)
    /// Since 3: a level. `pro` has neither `minimal` nor, as the others, a way to turn it off.
    case levelled(isPro: Bool)
    /// A name that says nothing; every generation that reasons takes a budget.
    case unknown

    init(_ model: String) {
        let name = model.lowercased()
        if name.contains("gemini-1") || name.contains("gemini-2.0") {
            self = .early
        } else if name.contains("gemini-2.5") {
            self =
                name.contains("-pro")
                ? .budgeted(128...32_768, canBeOff: false)
                : .budgeted((name.contains("lite") ? 512 : 1)...24_576, canBeOff: true)
        } else if name.contains("gemini-3") {
            self = .levelled(isPro: name.contains("-pro"))
        } else {
            self = .unknown
        }
    }

    /// Whether a call in the conversation must bring its thought signature.
    var demandsSignatures: Bool {
        if case .levelled = self { true } else { false }
    }
}
