public import NIOCore
public import NeedletailCore

extension Gemini: TokenCountingDialect {
    /// Reads a client's request to count: `contents` alone, a whole request in `generateContentRequest`, or its fields
    /// at the top as Vertex has them.
    public static func decodeCountRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        let root = try self.requestRoot(body)
        var reader = GeminiRequestReader()
        guard let whole = GeminiField.value(root, "generateContentRequest", "generate_content_request") else {
            do { return try reader.read(root) } catch { throw error.error }
        }
        do { return try reader.read(whole) } catch { throw error.inside("generateContentRequest").error }
    }

    /// Writes a request to count: as `generateContentRequest`, since `contents` alone leaves out the system prompt and
    /// the tools (<https://ai.google.dev/api/tokens#method:-models.counttokens>).
    public static func encodeCountRequest(
        _ request: ChatRequest,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var prompt = request
        prompt.responseFormat = nil
        prompt.reasoning = nil
        prompt.modalities = []
        var writer = GeminiRequestWriter(prompt)
        writer.isCount = true
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            json.beginObject()
            json.key("generateContentRequest")
            try writer.write(into: &json)
            json.endObject()
        }
        return writer.losses
    }

    /// Reads the reply of `countTokens`.
    public static func decodeTokenCount(_ body: ByteBuffer) throws(NeedletailError) -> Int {
        guard let root = (try? JSONDocument(body))?.root, root.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's count of tokens is no JSON object.")
        }
        if let failure = self.failure(inside: root) { throw failure }
        guard let count = GeminiField.value(root, "totalTokens", "total_tokens")?.int, count >= 0 else {
            throw NeedletailError(.malformedReply, "The provider's count of tokens has no `totalTokens`.")
        }
        return count
    }

    /// Writes the reply of `countTokens`.
    public static func encodeTokenCount(_ tokens: Int) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("totalTokens")
        json.int(max(0, tokens))
        json.endObject()
        return json.bytes
    }
}
