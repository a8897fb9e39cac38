import NIOCore
import NeedletailCore

/// Vectors of Google's models on Vertex AI:
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>.
enum VertexPrediction: EmbeddingFormat {
    static func encodeEmbeddingRequest(
        _ request: EmbeddingRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var losses: [Loss] = []
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in
            json.beginObject()
            json.key("instances")
            json.beginArray()
            for input in request.inputs {
                guard case .text(let text) = input else { throw request.refusesMedia() }
                json.beginObject()
                json.member("content", text)
                json.member("task_type", request.purpose.map(Gemini.taskType))
                json.member("title", request.title)
                json.endObject()
            }
            json.endArray()
            json.key("parameters")
            json.beginObject()
            switch request.truncation {
            case nil: break
            case "none": json.member("autoTruncate", false)
            case "end": json.member("autoTruncate", true)
            default: losses.add(request.truncationName, "Vertex cuts a text at its end")
            }
            json.member("outputDimensionality", request.dimensions)
            json.endObject()
            json.endObject()
        }
        if request.endUser != nil { losses.add("user", "Vertex has no end user") }
        for field in request.extensions { losses.add(field.path, "Vertex has no such field") }
        return losses
    }

    static func decodeEmbeddingReply(_ body: ByteBuffer) throws(NeedletailError) -> EmbeddingReply {
        let root = try OperationField.reply(body)
        var reply = EmbeddingReply()
        var tokens: Int?
        for entry in root["predictions"].map({ Array($0.elements) }) ?? [] {
            guard let vector = entry["embeddings"], let values = vector["values"], values.kind == .array else {
                throw NeedletailError(.malformedReply, "An entry of the provider's reply has no `values`.")
            }
            reply.vectors.append(.numbers(values.text))
            if let count = vector["statistics"]?["token_count"]?.int { tokens = (tokens ?? 0).saturatingSum(count) }
        }
        guard !reply.vectors.isEmpty else {
            throw NeedletailError(.malformedReply, "The provider's reply has no `predictions`.")
        }
        reply.usage = tokens.map { Usage(inputTokens: $0) }
        return reply
    }
}

extension Int {
    /// The sum with a count that a provider told, which is neither negative nor more than fits.
    fileprivate func saturatingSum(_ count: Int) -> Int {
        let (sum, overflow) = self.addingReportingOverflow(Swift.max(0, count))
        return overflow ? .max : sum
    }
}
