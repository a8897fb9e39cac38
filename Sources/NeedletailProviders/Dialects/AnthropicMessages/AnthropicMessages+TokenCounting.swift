public import NIOCore
public import NeedletailCore

extension AnthropicMessages: TokenCountingDialect {
    /// Writes a request for `/v1/messages/count_tokens`, which takes the prompt and nothing about the reply.
    public static func encodeCountRequest(
        _ request: ChatRequest,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var writer = try AnthropicRequestWriter(request)
        return try writer.write(isCount: true, into: &out)
    }

    /// Reads the reply of `/v1/messages/count_tokens`.
    public static func decodeTokenCount(_ body: ByteBuffer) throws(NeedletailError) -> Int {
        guard let count = (try? JSONDocument(body))?.root["input_tokens"]?.int, count >= 0 else {
            throw NeedletailError(.malformedReply, "The provider's count of tokens has no `input_tokens`.")
        }
        return count
    }

    /// Writes the reply of `/v1/messages/count_tokens`.
    public static func encodeTokenCount(_ tokens: Int) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("input_tokens")
        json.int(max(0, tokens))
        json.endObject()
        return json.bytes
    }
}
