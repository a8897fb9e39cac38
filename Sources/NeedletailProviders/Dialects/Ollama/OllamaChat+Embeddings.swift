public import NIOCore
public import NeedletailCore

/// Embeddings as Ollama has them, `/api/embed`: <https://docs.ollama.com/api/embed>.
extension OllamaChat: EmbeddingDialect {
    /// The server takes as many as memory allows; this keeps one call's size moderate.
    public static let maximumEmbeddingInputs = 512

    /// Reads a client's request.
    public static func decodeEmbeddingRequest(
        _ body: ByteBuffer, _ operation: NeedletailCore.Operation
    ) throws(NeedletailError) -> EmbeddingRequest {
        let root = try OperationField.root(body)
        var request = EmbeddingRequest(model: root["model"]?.string ?? "")
        request.source = .ollamaChat
        // The older `/api/embeddings` says `prompt`.
        let name = operation == .singleEmbedding ? "prompt" : "input"
        guard let input = root.present("input") ?? root.present("prompt") else { throw OperationField.missing(name) }
        if let text = input.string {
            request.inputs = [.text(text)]
        } else {
            guard input.kind == .array else { throw OperationField.invalid(name, "must be a string or an array") }
            for element in input.elements { request.inputs.append(.text(try OperationField.string(element, name))) }
        }
        if let value = root.present("dimensions") {
            request.dimensions = try OperationField.positive(value, "dimensions")
        }
        if let value = root.present("truncate")?.bool { request.truncation = value ? "end" : "none" }
        request.extensions.keepUnknown(
            root, known: ["model", "input", "prompt", "dimensions", "truncate"], path: "")
        return request
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
                guard case .text(let text) = input else { throw request.refusesMedia() }
                json.string(text)
            }
            json.endArray()
            json.member("dimensions", request.dimensions)
            switch request.truncation {
            case nil: break
            case "none": json.member("truncate", false)
            case "end": json.member("truncate", true)
            default: losses.add(request.truncationName, "Ollama cuts at the end or not at all")
            }
            for field in request.extensions {
                if request.source == .ollamaChat {
                    json.key(field.path)
                    json.raw(field.value)
                } else {
                    losses.add(field.path, "Ollama has no such field")
                }
            }
            json.endObject()
        }
        if request.purpose != nil { losses.add(request.purposeName, "Ollama's embeddings have no purpose") }
        if request.title != nil { losses.add("title", "Ollama's embeddings have no title") }
        if request.endUser != nil { losses.add("user", "Ollama has no end user") }
        return losses
    }

    /// Reads an upstream's reply.
    public static func decodeEmbeddingReply(_ body: ByteBuffer) throws(NeedletailError) -> EmbeddingReply {
        let root = try OperationField.reply(body)
        var reply = EmbeddingReply(model: root["model"]?.string ?? "")
        if let one = root["embedding"], one.kind == .array { reply.vectors = [.numbers(one.text)] }
        if let list = root["embeddings"] { reply.vectors = list.elements.map { .numbers($0.text) } }
        guard !reply.vectors.isEmpty else {
            throw NeedletailError(.malformedReply, "The provider's reply has no `embeddings`.")
        }
        if let tokens = root["prompt_eval_count"]?.int { reply.usage = Usage(inputTokens: max(0, tokens)) }
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
                json.member("embedding", try vector.numbers())
            } else {
                json.member("model", reply.model)
                json.key("embeddings")
                json.beginArray()
                for vector in reply.vectors { json.raw(try vector.numbers()) }
                json.endArray()
                json.member("prompt_eval_count", reply.usage?.inputTokens)
            }
            json.endObject()
        }
    }
}
