public import NeedletailCore
import NeedletailProviders

extension ChatClient {
    /// Makes vectors of texts.
    ///
    /// More texts than the provider takes at a time are sent in parts.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - dimensions: The length of the vectors; `nil` leaves it to the model.
    ///   - purpose: What the vectors are for: `query`, `document`, `classification`, `clustering`, `similarity`; `nil`
    ///     leaves it to the provider.
    /// - Throws: As ``chat(_:isStrict:)``.
    public func embed(
        _ texts: [String], model: String, dimensions: Int? = nil, purpose: String? = nil
    ) async throws(NeedletailError) -> Embeddings {
        var request = EmbeddingRequest(model: model, inputs: texts.map { .text($0) })
        request.dimensions = dimensions
        request.purpose = purpose
        return try await self.embed(request)
    }

    /// Makes vectors of texts or tokens.
    ///
    /// - Parameter isStrict: Whether to refuse rather than lose a field that the provider cannot be told. Default false.
    /// - Throws: As ``chat(_:isStrict:)``; `.malformedReply` for another number of vectors than of inputs.
    public func embed(
        _ request: EmbeddingRequest, isStrict: Bool = false
    ) async throws(NeedletailError) -> Embeddings {
        guard !request.inputs.isEmpty else {
            throw NeedletailError(.invalidRequest, "There is nothing to make vectors of.", parameter: "input")
        }
        let (wire, losses) = try InferenceRequest.embeddings(request)
        if isStrict, let loss = losses.first {
            throw NeedletailError(
                .unsupported, "The field '\(loss.field)' would be lost: \(loss.reason).", parameter: loss.field)
        }
        let reply = try await self.respond(to: wire, isStrict: isStrict)
        guard case .complete(let body, let usage) = reply.body else {
            throw NeedletailError(.internalFailure, "Vectors were asked for and a stream came.")
        }
        let read = try EmbeddingReply(body)
        guard read.vectors.count == request.inputs.count else {
            throw NeedletailError(
                .malformedReply,
                "The provider sent \(read.vectors.count) vectors for \(request.inputs.count) inputs.",
                provider: reply.provider)
        }
        var vectors: [[Float]] = []
        for vector in read.vectors { vectors.append(try vector.floats()) }
        return Embeddings(
            vectors: vectors, provider: reply.provider, model: reply.model, usage: usage ?? read.usage,
            losses: losses + reply.losses)
    }
}
