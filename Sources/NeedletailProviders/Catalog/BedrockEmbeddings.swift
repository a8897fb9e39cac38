import NIOCore
import NeedletailCore

/// Vectors of Amazon's Titan on Bedrock, one text at a time:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html>.
enum TitanEmbeddings: EmbeddingFormat {
    static func encodeEmbeddingRequest(
        _ request: EmbeddingRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        guard request.inputs.count == 1, case .text(let text)? = request.inputs.first else {
            throw request.refusesMedia()
        }
        var json = JSONWriter()
        json.beginObject()
        json.member("inputText", text)
        // The second version alone; the first refuses it with an error that names it.
        json.member("dimensions", request.dimensions)
        json.endObject()
        out.writeImmutableBuffer(json.bytes)
        return request.losses(keeping: [], "Titan has no such field")
    }

    static func decodeEmbeddingReply(_ body: ByteBuffer) throws(NeedletailError) -> EmbeddingReply {
        let root = try OperationField.reply(body)
        guard let values = root["embedding"], values.kind == .array else {
            throw NeedletailError(.malformedReply, "The provider's reply has no `embedding`.")
        }
        return EmbeddingReply(
            vectors: [.numbers(values.text)],
            usage: root["inputTextTokenCount"]?.int.map { Usage(inputTokens: max(0, $0)) })
    }
}

/// Vectors of Cohere's models on Bedrock, which have fields of Cohere's first version:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html>.
enum BedrockCohereEmbeddings: EmbeddingFormat {
    static func encodeEmbeddingRequest(
        _ request: EmbeddingRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in
            json.beginObject()
            json.key("texts")
            json.beginArray()
            for input in request.inputs {
                guard case .text(let text) = input else { throw request.refusesMedia() }
                json.string(text)
            }
            json.endArray()
            json.member("input_type", CohereChat.inputType(request.purpose))
            json.member("truncate", request.truncation?.uppercased())
            // Of the fourth version alone.
            json.member("output_dimension", request.dimensions)
            json.endObject()
        }
        return request.losses(keeping: ["purpose", "truncation"], "Cohere has no such field on Bedrock")
    }

    static func decodeEmbeddingReply(_ body: ByteBuffer) throws(NeedletailError) -> EmbeddingReply {
        try CohereChat.decodeEmbeddingReply(body)
    }
}

extension EmbeddingRequest {
    /// What a format with no more than texts and a length leaves out.
    fileprivate func losses(keeping kept: Set<String>, _ reason: String) -> [Loss] {
        var losses: [Loss] = []
        if self.purpose != nil, !kept.contains("purpose") { losses.add("input_type", reason) }
        if self.truncation != nil, !kept.contains("truncation") { losses.add(self.truncationName, reason) }
        if self.title != nil { losses.add("title", reason) }
        if self.endUser != nil { losses.add("user", reason) }
        for field in self.extensions { losses.add(field.path, reason) }
        return losses
    }
}
