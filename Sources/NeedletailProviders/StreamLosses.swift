import NeedletailCore

/// What a translated stream may be unable to carry. Its headers go first, so all that this request and this pair of
/// dialects can lose is named there; what was really lost goes to the log.
enum StreamLosses {
    static func possible(from upstream: DialectID, to client: DialectID, for request: InferenceRequest) -> [Loss] {
        let missing = ModelField.reply.subtracting(client.dialect.replyFields)
        return missing.filter { upstream.dialect.upstreamFields.contains($0) && Self.mayOccur($0, request) }
            .map { $0.name(in: upstream) }
            .sorted()
            .map { Loss($0, "the client's dialect has no place for it") }
            .markingBookkeeping(of: upstream)
    }

    /// Whether an answer to this request can hold the field. Many models reason and some cite without being
    /// asked to; any may refuse, stop for a reason of its provider's own, or say what no other dialect knows.
    private static func mayOccur(_ field: ModelField, _ request: InferenceRequest) -> Bool {
        switch field {
        case .replyLogprobs: request.features.contains(.logprobs)
        case .replyAudio, .usageAudio: request.features.contains(.audio)
        case .usageWebSearches, .replyToolCalls, .replyToolArguments: request.features.contains(.tools)
        // Several choices are refused on the way in where the upstream gives one.
        case .replyChoices: false
        default: true
        }
    }
}
