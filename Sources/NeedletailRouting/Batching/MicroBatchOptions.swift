/// How long a ``MicroBatcher`` waits for others, and how much it joins.
public struct MicroBatchOptions: Sendable, Hashable {
    /// How long the first one waits for others. Default 10 ms.
    public var window: Duration
    /// Inputs with which a batch goes off at once, at least 1. Default 96, the least that a provider in the catalogue
    /// takes at a time (Cohere); one caller's inputs are never parted here.
    public var maximumInputs: Int
    /// Inputs that may wait or be under way, beyond which callers are refused. Default 10,000.
    public var maximumHeld: Int

    /// Creates options.
    public init(window: Duration = .milliseconds(10), maximumInputs: Int = 96, maximumHeld: Int = 10_000) {
        self.window = max(.zero, window)
        self.maximumInputs = max(1, maximumInputs)
        self.maximumHeld = max(1, maximumHeld)
    }
}
