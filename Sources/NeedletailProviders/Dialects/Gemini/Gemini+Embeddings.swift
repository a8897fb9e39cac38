public import NIOCore
public import NeedletailCore

/// Embeddings as Gemini has them, one (`embedContent`) or many (`batchEmbedContents`):
/// <https://ai.google.dev/api/embeddings>.
extension Gemini: EmbeddingDialect {
    /// "at most 100 requests can be in one batch", as the API's own error says.
    public static let maximumEmbeddingInputs = 100

    /// Reads a client's request.
    public static func decodeEmbeddingRequest(
        _ body: ByteBuffer, _ operation: NeedletailCore.Operation
    ) throws(NeedletailError) -> EmbeddingRequest {
        let root = try OperationField.root(body)
        var request = EmbeddingRequest(model: "")
        request.source = .gemini
        if operation == .singleEmbedding {
            try Self.read(root, into: &request, path: "")
            return request
        }
        guard let list = root.present("requests"), list.kind == .array else { throw OperationField.missing("requests") }
        for (index, entry) in list.elements.enumerated() {
            var one = EmbeddingRequest(model: "")
            try Self.read(entry, into: &one, path: "requests")
            if index > 0,
                (one.dimensions, one.purpose, one.title) != (request.dimensions, request.purpose, request.title)
            {
                throw NeedletailError(
                    .unsupported, "requests: the chosen provider takes one set of options for all texts.",
                    parameter: "requests")
            }
            request.inputs += one.inputs
            (request.dimensions, request.purpose, request.title) = (one.dimensions, one.purpose, one.title)
            if index == 0 { request.extensions = one.extensions }
        }
        guard !request.inputs.isEmpty else { throw OperationField.invalid("requests", "must not be empty") }
        return request
    }

    private static func read(
        _ entry: JSONView, into request: inout EmbeddingRequest, path: String
    ) throws(NeedletailError) {
        guard let content = entry.present("content") else { throw OperationField.missing("content") }
        var text = ""
        for part in content["parts"].map({ Array($0.elements) }) ?? [] {
            guard let piece = part["text"]?.string else {
                request.inputs.append(.opaque(content.text, dialect: .gemini))
                return
            }
            text += piece
        }
        request.inputs.append(.text(text))
        if let value = entry.present("outputDimensionality") ?? entry.present("output_dimensionality") {
            request.dimensions = try OperationField.positive(value, "outputDimensionality")
        }
        if let value = entry.present("taskType") ?? entry.present("task_type") {
            request.purpose = Self.purpose(try OperationField.string(value, "taskType"))
        }
        if let value = entry.present("title") { request.title = try OperationField.string(value, "title") }
        request.extensions.keepUnknown(
            entry,
            known: [
                "content", "model", "outputDimensionality", "output_dimensionality", "taskType", "task_type", "title",
            ], path: path)
    }

    /// Gemini's words for what the vectors are for, and ours.
    private static let purposes = [
        ("RETRIEVAL_QUERY", "query"), ("RETRIEVAL_DOCUMENT", "document"), ("CLASSIFICATION", "classification"),
        ("CLUSTERING", "clustering"), ("SEMANTIC_SIMILARITY", "similarity"),
    ]

    private static func purpose(_ word: String) -> String {
        self.purposes.first { $0.0 == word }?.1 ?? word
    }

    /// Gemini's word for what vectors are for.
    static func taskType(_ purpose: String) -> String { self.purposes.first { $0.1 == purpose }?.0 ?? purpose }

    /// Writes a request for an upstream, for one text too as a batch.
    public static func encodeEmbeddingRequest(
        _ request: EmbeddingRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var losses: [Loss] = []
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in
            json.beginObject()
            json.key("requests")
            json.beginArray()
            for input in request.inputs {
                json.beginObject()
                json.member("model", "models/" + request.model)
                json.key("content")
                switch input {
                case .text(let text):
                    json.beginObject()
                    json.key("parts")
                    json.beginArray()
                    json.beginObject()
                    json.member("text", text)
                    json.endObject()
                    json.endArray()
                    json.endObject()
                case .opaque(let content, let dialect) where dialect == .gemini: json.raw(content)
                case .tokens:
                    throw NeedletailError(
                        .unsupported, "input: the chosen provider takes texts, not tokens.", parameter: "input")
                case .opaque: throw request.refusesMedia()
                }
                json.member("taskType", request.purpose.map(Self.taskType))
                json.member("title", request.title)
                json.member("outputDimensionality", request.dimensions)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        if request.endUser != nil { losses.add("user", "Gemini has no end user") }
        if request.truncation != nil { losses.add(request.truncationName, "Gemini decides by itself") }
        for field in request.extensions { losses.add(field.path, "Gemini has no such field") }
        return losses
    }

    /// Reads an upstream's reply.
    public static func decodeEmbeddingReply(_ body: ByteBuffer) throws(NeedletailError) -> EmbeddingReply {
        let root = try OperationField.reply(body)
        var reply = EmbeddingReply()
        if let one = root["embedding"]?["values"] { reply.vectors.append(.numbers(one.text)) }
        for entry in root["embeddings"].map({ Array($0.elements) }) ?? [] {
            guard let values = entry["values"] else {
                throw NeedletailError(.malformedReply, "An entry of the provider's reply has no `values`.")
            }
            reply.vectors.append(.numbers(values.text))
        }
        guard !reply.vectors.isEmpty else {
            throw NeedletailError(.malformedReply, "The provider's reply has no `embeddings`.")
        }
        if let tokens = root["usageMetadata"]?["promptTokenCount"]?.int {
            reply.usage = Usage(inputTokens: max(0, tokens))
        }
        return reply
    }

    /// Writes a reply for a client.
    public static func encodeEmbeddingReply(
        _ reply: EmbeddingReply, for request: EmbeddingRequest, _ operation: NeedletailCore.Operation,
        into out: inout ByteBuffer
    ) throws(NeedletailError) {
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in
            json.beginObject()
            if operation == .singleEmbedding, let vector = reply.vectors.first {
                json.key("embedding")
                json.beginObject()
                json.member("values", try vector.numbers())
                json.endObject()
            } else {
                json.key("embeddings")
                json.beginArray()
                for vector in reply.vectors {
                    json.beginObject()
                    json.member("values", try vector.numbers())
                    json.endObject()
                }
                json.endArray()
            }
            if let usage = reply.usage {
                json.key("usageMetadata")
                json.beginObject()
                json.member("promptTokenCount", usage.inputTokens)
                json.endObject()
            }
            json.endObject()
        }
    }
}
