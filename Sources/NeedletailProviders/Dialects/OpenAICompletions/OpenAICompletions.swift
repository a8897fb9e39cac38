public import HTTPTypes
public import NIOCore
public import NeedletailCore

/// OpenAI's legacy completions: <https://platform.openai.com/docs/api-reference/completions>.
///
/// For other upstreams the prompt is a message of the user, and the reply's text the choice's. What a conversation has no
/// words for (several prompts, prompts of tokens, `suffix`, `echo`) is refused there. As an upstream it is asked with one
/// message of the user as it stands, or with a transcript, see ``PlainPrompt``; calls, results, images and schemas are
/// refused. Errors, usage and ends of streams are those of chat completions.
public enum OpenAICompletions: Dialect {
    /// `completions`.
    public static let id = DialectID.openAICompletions

    /// What a client here can be told of another dialect's reply.
    public static let replyFields: Set<ModelField> = [
        .replyLogprobs, .replyRefusal, .replyChoices, .systemFingerprint, .usageCacheRead, .usageCacheWrite,
        .usageReasoning, .usageAudio, .usagePrediction, .usageWebSearches, .replyTiming,
    ]

    /// What a server may say.
    public static let upstreamFields: Set<ModelField> = [
        .replyLogprobs, .replyChoices, .systemFingerprint, .stopReason, .stopSequence, .usageCacheRead, .usageReasoning,
    ]

    /// Reads a client's request.
    ///
    /// - Throws: `.invalidRequest` with the path of the field at fault.
    public static func decodeRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(body)
        } catch {
            throw NeedletailError(.invalidRequest, "We could not parse the JSON body of your request: \(error).")
        }
        guard document.root.kind == .object else {
            throw NeedletailError(.invalidRequest, "The body of your request must be a JSON object.")
        }
        var decoder = CompletionsRequestDecoder()
        return try decoder.decode(document.root)
    }

    /// Writes a request for an upstream.
    ///
    /// - Returns: What the dialect could not carry.
    /// - Throws: `.unsupported` for what a completion cannot hold.
    public static func encodeRequest(
        _ request: ChatRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = CompletionsRequestEncoder(request)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            try encoder.encode(into: &json)
        }
        return encoder.report.losses
    }

    /// Reads an upstream's whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        try CompletionsReply.decode(body)
    }

    /// Reads what a passthrough must know of a whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? {
        try OpenAIChat.inspectReply(body)
    }

    /// Writes a whole reply for a client.
    ///
    /// - Returns: What the dialect could not carry.
    public static func encodeReply(
        _ reply: ChatResponse, created clock: Int64, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = CompletionsReplyEncoder(reply)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            encoder.encode(clock, into: &json)
        }
        return encoder.report.losses
    }

    /// Reads an upstream's error.
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        OpenAIChat.decodeFailure(status: status, headers: headers, body: body)
    }

    /// Writes an error for a client.
    ///
    /// - Returns: The HTTP status that goes with it.
    public static func encodeFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) -> Int {
        OpenAIChat.encodeFailure(error, requestID: requestID, into: &out)
    }

    /// Writes the event that ends a stream which failed after its first byte.
    public static func encodeStreamFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) {
        OpenAIChat.encodeStreamFailure(error, requestID: requestID, into: &out)
    }

    /// What watches a passed-through stream.
    public static func makeStreamTap() -> any StreamTap { OpenAIChatStreamTap() }
    /// What reads an upstream's stream.
    public static func makeStreamDecoder() -> any StreamDecoder { CompletionsStreamDecoder() }
    /// What writes a client's stream.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        CompletionsStreamEncoder(options)
    }

    /// What users of this dialect call a field of the model.
    public static func name(of field: ModelField) -> String {
        switch field {
        case .maxOutputTokens: "max_tokens"
        case .logprobs, .topLogprobs: "logprobs"
        case .document, .documentURL, .fileID, .documentTitle, .image, .imageURL, .imageDetail, .audio: "prompt"
        case .replyReasoning: "choices.reasoning_content"
        case .replySignature, .replyRedacted: "choices.thinking_blocks"
        case .replyCitations: "choices.annotations"
        case .replyRefusal: "choices.refusal"
        case .replyAudio: "choices.audio"
        case .replyImage: "choices.images"
        case .replyOpaque: "choices.text"
        default: OpenAIChat.name(of: field)
        }
    }
}
