public import HTTPTypes
public import NIOCore
public import NeedletailCore

extension CohereChat {
    /// Reads an upstream's error: `{"id", "message"}`, older ones with `error_type`.
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        // Cohere's own number for a token that is not valid.
        let known = status == 498 ? 401 : status
        var error = OpenAIChat.decodeFailure(status: known, headers: headers, body: body)
        error.upstream?.status = status
        if error.upstream?.requestID == nil, let document = try? JSONDocument(body) {
            error.upstream?.requestID = document.root.present("id")?.string
        }
        return error
    }

    /// The failure that a reply or the last event of a stream tells by its finish reason; `nil` if it is none.
    ///
    /// - Parameters:
    ///   - words: The error's text, where there is one.
    ///   - type: Its name, for example `INVALID_TOOL_GENERATION`.
    static func failure(finishReason: String?, words: String?, type: String? = nil) -> NeedletailError? {
        let code: NeedletailError.Code
        switch finishReason {
        case "TIMEOUT": code = .timedOut
        case "ERROR": code = .upstreamFailed
        default: return nil
        }
        let words = ProviderWords(words)
        let message = ProviderWords.shown(words, for: code, otherwise: "The provider failed while it wrote the reply.")
        return NeedletailError(
            code, message, upstream: NeedletailError.Upstream(status: 200, type: type, code: finishReason),
            cause: words,
            mayHaveBeenProcessed: true)
    }

    /// Writes an error for a client.
    ///
    /// - Returns: The HTTP status that goes with it.
    public static func encodeFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) -> Int {
        var json = JSONWriter()
        json.beginObject()
        json.member("id", requestID)
        json.member("message", error.message)
        json.endObject()
        out.writeImmutableBuffer(json.bytes)
        return error.disposition.status
    }

    /// Writes the event that ends a stream which failed after its first byte: a `message-end` that says so. No `[DONE]`
    /// follows it.
    public static func encodeStreamFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) {
        CohereStreamWriter.event("message-end", into: &out) { json in
            json.member("id", requestID)
            json.key("delta")
            json.beginObject()
            json.member("error", error.message)
            json.member("finish_reason", error.code == .timedOut ? "TIMEOUT" : "ERROR")
            json.endObject()
        }
    }
}
