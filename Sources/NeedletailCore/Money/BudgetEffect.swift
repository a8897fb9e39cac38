/// What a budget made of a request that it did not refuse. A class: few replies have one, and every reply has room for it.
public final class BudgetEffect: Sendable {
    /// The output tokens that were asked for in the place of the client's; `nil` if those were.
    public let maximumOutput: Int?
    /// The budget that was spent, so that a cheaper group answered; `nil` for none.
    public let downgradedBy: String?

    /// Creates an effect.
    public init(maximumOutput: Int? = nil, downgradedBy: String? = nil) {
        self.maximumOutput = maximumOutput
        self.downgradedBy = downgradedBy
    }
}
