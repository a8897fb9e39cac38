public import NIOCore
public import NeedletailCore

/// Embeddings as OpenAI has them: <https://platform.openai.com/docs/api-reference/embeddings>.
extension OpenAIChat: EmbeddingDialect {
    /// "The input array must be 2048 dimensions or less" in OpenAI's reference.
    public static let maximumEmbeddingInputs = 2048

    /// Reads a client's request.
    public static func decodeEmbeddingRequest(
        _ body: ByteBuffer, _ operation: NeedletailCore.Operation
    ) throws(NeedletailError) -> EmbeddingRequest {
        let root = try OperationField.root(body)
        var request = EmbeddingRequest(model: root["model"]?.string ?? "")
        request.source = .openAIChat
        guard let input = root.present("input") else { throw OperationField.missing("input") }
        request.inputs = try Self.inputs(input)
        if let value = root.present("dimensions") {
            request.dimensions = try OperationField.positive(value, "dimensions")
        }
        if let value = root.present("encoding_format") {
            guard let encoding = EmbeddingRequest.Encoding(rawValue: value.string ?? "") else {
                throw OperationField.invalid("encoding_format", "must be 'float' or 'base64'")
            }
            request.encoding = encoding
        }
        if let value = root.present("user") { request.endUser = try OperationField.string(value, "user") }
        // What servers of this shape take beyond OpenAI's own fields.
        if let value = root.present("input_type") ?? root.present("task_type") { request.purpose = value.string }
        request.extensions.keepUnknown(
            root,
            known: ["model", "input", "dimensions", "encoding_format", "user", "input_type", "task_type"], path: "")
        return request
    }

    private static func inputs(_ input: JSONView) throws(NeedletailError) -> [EmbeddingRequest.Input] {
        if let text = input.string { return [.text(text)] }
        guard input.kind == .array else { throw OperationField.invalid("input", "must be a string or an array") }
        var inputs: [EmbeddingRequest.Input] = []
        for element in input.elements {
            switch element.kind {
            case .string: inputs.append(.text(element.string ?? ""))
            case .number: return [.tokens(input.text)]
            case .array: inputs.append(.tokens(element.text))
            case .object: inputs.append(.opaque(element.text, dialect: .openAIChat))
            case .boolean, .null: throw OperationField.invalid("input", "must hold strings or arrays of tokens")
            }
        }
        guard !inputs.isEmpty else { throw OperationField.invalid("input", "must not be empty") }
        return inputs
    }

    /// Writes a request for an upstream.
    public static func encodeEmbeddingRequest(
        _ request: EmbeddingRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var losses: [Loss] = []
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in
            json.beginObject()
            json.member("model", request.model)
            json.key("input")
            json.beginArray()
            for input in request.inputs {
                switch input {
                case .text(let text): json.string(text)
                case .tokens(let tokens): json.raw(tokens)
                case .opaque(let value, let dialect) where dialect == .openAIChat: json.raw(value)
                case .opaque: throw request.refusesMedia()
                }
            }
            json.endArray()
            json.member("dimensions", request.dimensions)
            json.member("encoding_format", request.encoding?.rawValue)
            json.member("user", request.endUser)
            for field in request.extensions {
                if request.source == .openAIChat {
                    json.key(field.path)
                    json.raw(field.value)
                } else {
                    losses.add(field.path, "OpenAI's embeddings have no such field")
                }
            }
            json.endObject()
        }
        if request.purpose != nil { losses.add(request.purposeName, "OpenAI's embeddings have no purpose") }
        if request.title != nil { losses.add("title", "OpenAI's embeddings have no title") }
        if request.truncation != nil { losses.add(request.truncationName, "OpenAI's embeddings are never cut") }
        return losses
    }

    /// Reads an upstream's reply.
    public static func decodeEmbeddingReply(_ body: ByteBuffer) throws(NeedletailError) -> EmbeddingReply {
        let root = try OperationField.reply(body)
        guard let data = root["data"], data.kind == .array else {
            throw NeedletailError(.malformedReply, "The provider's reply has no `data`.")
        }
        var reply = EmbeddingReply(model: root["model"]?.string ?? "")
        // Servers may answer out of order; `index` says where a vector belongs.
        var vectors: [(index: Int, vector: EmbeddingReply.Vector)] = []
        for entry in data.elements {
            guard let value = entry["embedding"] else {
                throw NeedletailError(.malformedReply, "An entry of the provider's reply has no `embedding`.")
            }
            let vector: EmbeddingReply.Vector = value.string.map { .base64($0) } ?? .numbers(value.text)
            vectors.append((entry["index"]?.int ?? vectors.count, vector))
        }
        reply.vectors = vectors.sorted { $0.index < $1.index }.map(\.vector)
        if let usage = root.present("usage") {
            let tokens = usage["prompt_tokens"]?.int ?? usage["total_tokens"]?.int ?? 0
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
            json.member("object", "list")
            json.key("data")
            json.beginArray()
            for (index, vector) in reply.vectors.enumerated() {
                json.beginObject()
                json.member("object", "embedding")
                json.member("index", index)
                json.key("embedding")
                if request.encoding == .base64 {
                    json.string(try vector.base64())
                } else {
                    json.raw(try vector.numbers())
                }
                json.endObject()
            }
            json.endArray()
            json.member("model", reply.model)
            json.key("usage")
            json.beginObject()
            json.member("prompt_tokens", reply.usage?.inputTokens ?? 0)
            json.member("total_tokens", reply.usage?.totalTokens ?? 0)
            json.endObject()
            json.endObject()
        }
    }
}

extension EmbeddingRequest {
    /// What users of the request's dialect call the purpose.
    var purposeName: String {
        switch self.source {
        case .gemini: "taskType"
        default: "input_type"
        }
    }

    /// What users of the request's dialect call the truncation.
    var truncationName: String { "truncate" }

    /// An input that only its own dialect knows.
    func refusesMedia() -> NeedletailError {
        NeedletailError(.unsupported, "input: the chosen provider takes texts only.", parameter: "input")
    }
}
