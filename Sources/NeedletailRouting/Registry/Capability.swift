public import NeedletailCore

/// What is wanted of a model.
public struct Capability: Sendable, Hashable {
    /// Whether a model has it.
    public enum Ability: Sendable, Hashable {
        /// It does.
        case able
        /// It does not.
        case unable
        /// Nobody has said.
        case unknown
    }

    /// What is to be asked for. Default a chat.
    public var operation: NeedletailCore.Operation
    /// What the model must understand.
    public var features: Features
    /// The tokens that it must take.
    public var inputTokens: Int
    /// The tokens that it must be able to write.
    public var outputTokens: Int

    /// Creates a capability.
    public init(
        _ features: Features = [],
        operation: NeedletailCore.Operation = .chat,
        inputTokens: Int = 0,
        outputTokens: Int = 0
    ) {
        self.features = features
        self.operation = operation
        self.inputTokens = max(0, inputTokens)
        self.outputTokens = max(0, outputTokens)
    }

    /// What a request wants.
    public init(_ request: InferenceRequest) {
        self.init(
            request.features, operation: request.operation, inputTokens: request.estimatedInputTokens,
            outputTokens: request.maxOutputTokens ?? 0)
    }
}
