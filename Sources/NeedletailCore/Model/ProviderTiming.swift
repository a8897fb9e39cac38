/// How long a call took by the provider's own clock, in nanoseconds; `nil` where it does not say.
public struct ProviderTiming: Sendable, Hashable {
    /// From the request to the end of the reply.
    public var total: Int64?
    /// Before the work began: loading the model, waiting for a place.
    public var load: Int64?
    /// Reading the input.
    public var input: Int64?
    /// Writing the output.
    public var output: Int64?

    /// Creates a timing that says nothing.
    public init() {}

    /// Whether nothing is known.
    public var isEmpty: Bool { self.total == nil && self.load == nil && self.input == nil && self.output == nil }
}
