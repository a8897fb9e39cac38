public import NIOCore
public import NeedletailCore

/// Embeddings as Cohere has them, version 2: <https://docs.cohere.com/reference/embed>.
extension CohereChat: EmbeddingDialect {
    /// "Maximum number of texts per call is 96" in Cohere's reference.
    public static let maximumEmbeddingInputs = 96

    /// Reads a client's request.
    public static func decodeEmbeddingRequest(
        _ body: ByteBuffer, _ operation: NeedletailCore.Operation
    ) throws(NeedletailError) -> EmbeddingRequest {
        let root = try OperationField.root(body)
        var request = EmbeddingRequest(model: root["model"]?.string ?? "")
        request.source = .cohereChat
        for element in root["texts"].map({ Array($0.elements) }) ?? [] {
            request.inputs.append(.text(try OperationField.string(element, "texts")))
        }
        for name: StaticString in ["inputs", "images"] {
            for element in root[name].map({ Array($0.elements) }) ?? [] {
                request.inputs.append(.opaque(element.text, dialect: .cohereChat))
            }
        }
        guard !request.inputs.isEmpty else { throw OperationField.missing("texts") }
        let types = root["embedding_types"].map { $0.elements.compactMap(\.string) } ?? []
        guard types.allSatisfy({ $0 == "float" || $0 == "base64" }), types.count < 2 else {
            throw NeedletailError(
                .unsupported, "embedding_types: the chosen provider gives one kind of vector, 'float' or 'base64'.",
                parameter: "embedding_types")
        }
        request.encoding = types.first.flatMap(EmbeddingRequest.Encoding.init)
        if let value = root.present("input_type") { request.purpose = Self.purpose(value.string ?? "") }
        if let value = root.present("output_dimension") {
            request.dimensions = try OperationField.positive(value, "output_dimension")
        }
        if let value = root.present("truncate") { request.truncation = value.string?.lowercased() }
        request.extensions.keepUnknown(
            root,
            known: [
                "model", "texts", "inputs", "images", "embedding_types", "input_type", "output_dimension", "truncate",
            ], path: "")
        return request
    }

    /// Cohere's words for what the vectors are for, and ours.
    private static let purposes = [
        ("search_query", "query"), ("search_document", "document"), ("classification", "classification"),
        ("clustering", "clustering"),
    ]

    private static func purpose(_ word: String) -> String { self.purposes.first { $0.0 == word }?.1 ?? word }

    /// Cohere's word for what vectors are for. Required since version 3 of the models; documents are what most vectors
    /// are made of.
    static func inputType(_ purpose: String?) -> String {
        let purpose = purpose ?? "document"
        return self.purposes.first { $0.1 == purpose }?.0 ?? purpose
    }

    /// Writes a request for an upstream.
    public static func encodeEmbeddingRequest(
        _ request: EmbeddingRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var losses: [Loss] = []
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in
            json.beginObject()
            json.member("model", request.model)
            json.key("texts")
            json.beginArray()
            for input in request.inputs {
                guard case .text(let text) = input else { throw request.refusesMedia() }
                json.string(text)
            }
            json.endArray()
            json.member("input_type", Self.inputType(request.purpose))
            json.key("embedding_types")
            json.beginArray()
            json.string(request.encoding?.rawValue ?? "float")
            json.endArray()
            json.member("output_dimension", request.dimensions)
            json.member("truncate", request.truncation?.uppercased())
            for field in request.extensions {
                if request.source == .cohereChat {
                    json.key(field.path)
                    json.raw(field.value)
                } else {
                    losses.add(field.path, "Cohere has no such field")
                }
            }
            json.endObject()
        }
        if request.title != nil { losses.add("title", "Cohere's embeddings have no title") }
        if request.endUser != nil { losses.add("user", "Cohere has no end user") }
        return losses
    }

    /// Reads an upstream's reply.
    public static func decodeEmbeddingReply(_ body: ByteBuffer) throws(NeedletailError) -> EmbeddingReply {
        let root = try OperationField.reply(body)
        var reply = EmbeddingReply()
        if let list = root["embeddings"]?["float"] ?? root["embeddings"], list.kind == .array {
            reply.vectors = list.elements.map { .numbers($0.text) }
        } else if let list = root["embeddings"]?["base64"] {
            reply.vectors = list.elements.compactMap { $0.string.map { .base64($0) } }
        } else if root["embeddings"] == nil {
            throw NeedletailError(.malformedReply, "The provider's reply has no `embeddings`.")
        }
        let units = root["meta"]?["billed_units"]
        if let tokens = root["meta"]?["tokens"]?["input_tokens"]?.int ?? units?["input_tokens"]?.int {
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
            json.member("id", "")
            json.key("embeddings")
            json.beginObject()
            json.key(request.encoding == .base64 ? "base64" : "float")
            json.beginArray()
            for vector in reply.vectors {
                if request.encoding == .base64 {
                    json.string(try vector.base64())
                } else {
                    json.raw(try vector.numbers())
                }
            }
            json.endArray()
            json.endObject()
            json.key("texts")
            json.beginArray()
            for case .text(let text) in request.inputs { json.string(text) }
            json.endArray()
            if let usage = reply.usage {
                json.key("meta")
                json.beginObject()
                json.member("api_version", JSONText(unchecked: #"{"version":"2"}"#))
                json.member(
                    "billed_units", JSONText(unchecked: #"{"input_tokens":\#(usage.inputTokens)}"#))
                json.endObject()
            }
            json.endObject()
        }
    }
}
