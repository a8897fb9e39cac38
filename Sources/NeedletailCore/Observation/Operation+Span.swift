extension Operation {
    /// The operation in the words of the semantic conventions, where they have one.
    package var conventionalName: String {
        switch self {
        case .singleEmbedding: Operation.embeddings.rawValue
        default: self.rawValue
        }
    }

    /// What a span of it is called.
    package func spanName(model: String) -> String {
        model.isEmpty ? self.conventionalName : "\(self.conventionalName) \(TelemetryText.cut(model))"
    }
}
