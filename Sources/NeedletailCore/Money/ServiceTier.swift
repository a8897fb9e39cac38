/// How urgently a provider works, which it bills differently.
public enum ServiceTier: String, Sendable, Hashable, CaseIterable {
    /// As usual.
    case standard
    /// Later, within a day.
    case batch
    /// At once, for more.
    case priority
    /// When there is room, for less.
    case flex

    /// The tier behind the word in a reply; `nil` for a word that says nothing of the price (`auto`).
    public init?(reply word: String) {
        switch word {
        case "default", "standard", "on_demand": self = .standard
        case "batch": self = .batch
        case "priority", "fast": self = .priority
        case "flex": self = .flex
        default: return nil
        }
    }
}
