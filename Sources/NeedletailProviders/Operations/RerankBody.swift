import NIOCore
import NeedletailCore

/// Requests and replies that put documents in order, in Cohere's form (`/v2/rerank`) and in the form that Jina, vLLM,
/// Together and others took from its first version (`/v1/rerank`): <https://docs.cohere.com/reference/rerank>.
///
/// They differ in that Cohere takes texts only, says `max_tokens_per_doc`, and never sends a document back.
enum RerankBody {
    /// Writes a client's request for an upstream of the other form.
    ///
    /// - Returns: What it could not carry.
    static func translate(
        _ body: ByteBuffer, to dialect: DialectID, model: String, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        let root = try OperationField.root(body)
        guard let query = root.present("query") else { throw OperationField.missing("query") }
        guard let documents = root.present("documents"), documents.kind == .array else {
            throw OperationField.missing("documents")
        }
        var losses: [Loss] = []
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in
            json.beginObject()
            json.member("model", model)
            json.member("query", try OperationField.string(query, "query"))
            json.key("documents")
            json.beginArray()
            for document in documents.elements {
                guard let text = document.string ?? document["text"]?.string else {
                    throw NeedletailError(
                        .unsupported, "documents: the chosen provider takes texts only.", parameter: "documents")
                }
                json.string(text)
            }
            json.endArray()
            for member in root.members where !member.value.isNull {
                switch member.key {
                case "model", "query", "documents": break
                case "top_n", "max_tokens_per_doc":
                    json.key(member.key)
                    json.raw(member.value.text)
                // The documents are put back into the reply on its way out.
                case "return_documents": break
                default: losses.add(member.key, "the provider's form of reranking has no such field")
                }
            }
            json.endObject()
        }
        return losses
    }

    /// Checks a reply, and gives a client that asked for the documents what it sent.
    static func reply(
        _ bytes: ByteBuffer, for request: ByteBuffer, to client: DialectID
    ) throws(NeedletailError) -> ByteBuffer {
        let root = try OperationField.reply(bytes)
        guard let results = root["results"] ?? root["data"], results.kind == .array else {
            throw NeedletailError(.malformedReply, "The provider's reply has no `results`.")
        }
        let asked = try OperationField.root(request)
        let documents = asked["documents"].map { Array($0.elements) } ?? []
        let returns = client == .openAIChat && asked["return_documents"]?.bool == true
        var json = JSONWriter()
        json.beginObject()
        json.member("id", root["id"]?.string)
        if client == .openAIChat { json.member("model", asked["model"]?.string) }
        json.key("results")
        json.beginArray()
        for result in results.elements {
            guard let index = result["index"]?.int, let score = result["relevance_score"] ?? result["score"] else {
                throw NeedletailError(.malformedReply, "An entry of the provider's reply has no index or score.")
            }
            json.beginObject()
            json.member("index", index)
            json.member("relevance_score", score.text)
            if returns, documents.indices.contains(index) {
                let text = documents[index].string ?? documents[index]["text"]?.string
                json.key("document")
                json.beginObject()
                json.member("text", text)
                json.endObject()
            }
            json.endObject()
        }
        json.endArray()
        if let meta = root.present("meta") { json.member("meta", meta.text) }
        if let usage = root.present("usage") { json.member("usage", usage.text) }
        json.endObject()
        return json.bytes
    }

    /// The tokens that a reply tells of.
    static func usage(_ bytes: ByteBuffer) -> Usage? {
        guard let root = (try? JSONDocument(bytes))?.root else { return nil }
        let tokens =
            root["usage"]?["total_tokens"]?.int ?? root["meta"]?["tokens"]?["input_tokens"]?.int
            ?? root["meta"]?["billed_units"]?["input_tokens"]?.int
        return tokens.map { Usage(inputTokens: max(0, $0)) }
    }
}
