public import NIOCore
public import NeedletailCore

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html>
extension BedrockConverse: TokenCountingDialect {
    /// Reads a client's request for `/model/{model}/count-tokens`.
    ///
    /// - Throws: `.unsupported` for a prompt in the words of one model (`invokeModel`).
    public static func decodeCountRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        let root = try Self.requestDocument(body).root
        guard let input = root.present("input"), input.kind == .object else {
            throw NeedletailError(.invalidRequest, "input: Field required", parameter: "input")
        }
        guard let prompt = input.present("converse") else {
            let message = "input.converse: tokens are counted of a conversation, not of a model's own request."
            throw NeedletailError(.unsupported, message, parameter: "input.converse")
        }
        return try Self.decodeRequest(prompt)
    }

    /// Writes a request for `/model/{model}/count-tokens`.
    public static func encodeCountRequest(
        _ request: ChatRequest,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var writer = try BedrockRequestWriter(request)
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in
            json.beginObject()
            json.key("input")
            json.beginObject()
            json.key("converse")
            json.beginObject()
            try writer.writePrompt(&json)
            json.endObject()
            json.endObject()
            json.endObject()
        }
        return writer.losses
    }

    /// Reads the reply of `/model/{model}/count-tokens`.
    public static func decodeTokenCount(_ body: ByteBuffer) throws(NeedletailError) -> Int {
        guard let count = (try? JSONDocument(body))?.root["inputTokens"]?.int, count >= 0 else {
            throw NeedletailError(.malformedReply, "The provider's count of tokens has no `inputTokens`.")
        }
        return count
    }

    /// Writes the reply of `/model/{model}/count-tokens`.
    public static func encodeTokenCount(_ tokens: Int) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("inputTokens", max(0, tokens))
        json.endObject()
        return json.bytes
    }
}
