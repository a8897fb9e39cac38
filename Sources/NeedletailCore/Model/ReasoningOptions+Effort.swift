extension ReasoningOptions {
    /// The words for how hard to reason that one or another dialect has.
    public static let efforts: Set<String> = ["minimal", "low", "medium", "high", "xhigh", "max"]

    /// The effort that stands for a budget, where a dialect counts no tokens of reasoning.
    ///
    /// The steps are those that LiteLLM's users know: 10,000 tokens and more are `high`, 5,000 `medium`, less is `low`.
    public static func effort(forBudget tokens: Int) -> String {
        switch tokens {
        case 10_000...: "high"
        case 5_000...: "medium"
        default: "low"
        }
    }
}
