public import HTTPTypes
public import NIOCore
public import NeedletailCore

extension OpenAIResponses {
    /// Reads an upstream's error, which has the envelope of chat completions.
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        OpenAIChat.decodeFailure(status: status, headers: headers, body: body)
    }

    /// Codes of a failed response that blame the request:
    /// <https://platform.openai.com/docs/api-reference/responses/object>, `error.code`.
    private static let requestCodes: Set<String> = [
        "invalid_prompt", "bio_policy", "cyber_policy", "invalid_image", "invalid_image_format",
        "invalid_base64_image", "invalid_image_url", "image_too_large", "image_too_small", "image_parse_error",
        "image_content_policy_violation", "invalid_image_mode", "image_file_too_large",
        "unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found",
    ]

    /// The error of an `error` event, a failed response, or a 200 with an error envelope.
    static func failure(_ view: JSONView) -> NeedletailError {
        var report = OpenAIChatFailureReport()
        report.read(view)
        var error = report.error(status: 200)
        if error.code == .upstreamFailed, let code = report.code, Self.requestCodes.contains(code) {
            error.code = .invalidRequest
        }
        error.retryAfter = OpenAIChatRetry.delay(message: report.message)
        error.mayHaveBeenProcessed = true
        return error
    }

    /// The error inside a 200; `nil` if it is a response like any other.
    static func failure(inside root: JSONView) -> NeedletailError? {
        guard root.kind == .object else { return OpenAIChat.failure(inside: root) }
        if root.present("status")?.string == "failed" { return Self.failure(root) }
        // A cancelled or incomplete response may hold an error and is an answer still.
        if root.present("output") != nil { return nil }
        return root.present("error") == nil ? OpenAIChat.failure(inside: root) : Self.failure(root)
    }

    /// Writes an error for a client.
    ///
    /// - Returns: The HTTP status that goes with it.
    public static func encodeFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) -> Int {
        OpenAIChat.encodeFailure(error, requestID: requestID, into: &out)
    }

    /// Writes the event that ends a stream which failed after its first byte.
    public static func encodeStreamFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) {
        self.encodeStreamFailure(error, requestID: requestID, after: ByteBuffer(), into: &out)
    }

    /// Writes the events that end a stream which failed; their numbers follow that of the last event in `sent`, and the
    /// response has the id of the first.
    ///
    /// Two, since clients differ in what they look at: OpenAI's SDKs raise on `error`, and Codex knows `response.failed`
    /// alone. OpenAI's servers send both.
    ///
    /// The event has its members at the top, as the reference has it, and once more under `error`, where OpenAI's servers
    /// put them and its SDKs look.
    public static func encodeStreamFailure(
        _ error: NeedletailError,
        requestID: String,
        after sent: ByteBuffer,
        into out: inout ByteBuffer
    ) {
        let disposition = error.disposition
        let upstream = disposition.showsUpstreamDetail ? error.upstream : nil
        var json = JSONWriter()
        func members(_ json: inout JSONWriter, type: String) {
            json.member("type", type)
            json.key("code")
            if let code = upstream?.code ?? disposition.openAICode { json.string(code) } else { json.null() }
            json.member("message", error.message)
            json.key("param")
            if let parameter = error.parameter ?? upstream?.parameter { json.string(parameter) } else { json.null() }
        }
        json.beginObject()
        members(&json, type: "error")
        json.key("error")
        json.beginObject()
        members(&json, type: disposition.openAIType)
        json.endObject()
        let number = (Self.lastNumber(in: sent) ?? -1) + 1
        json.member("sequence_number", number)
        json.endObject()
        SSEEncoder.write(name: "error", data: json.bytes, into: &out)
        self.writeFailed(
            upstream?.code ?? disposition.openAICode, error.message, Self.responseID(in: sent) ?? "resp_" + requestID,
            number + 1, into: &out)
    }

    private static func writeFailed(
        _ code: String?, _ message: String, _ id: String, _ number: Int, into out: inout ByteBuffer
    ) {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "response.failed")
        json.member("sequence_number", number)
        json.key("response")
        json.beginObject()
        json.member("id", id)
        json.member("object", "response")
        json.member("status", "failed")
        json.key("error")
        json.beginObject()
        json.member("code", code ?? "server_error")
        json.member("message", message)
        json.endObject()
        json.key("output")
        json.beginArray()
        json.endArray()
        json.endObject()
        json.endObject()
        SSEEncoder.write(name: "response.failed", data: json.bytes, into: &out)
    }

    /// The id of the response that the first events of a stream tell of.
    private static func responseID(in sent: ByteBuffer) -> String? {
        var events = SSEDecoder()
        events.feed(sent)
        while let event = try? events.next() {
            if let id = (try? JSONDocument(event.data).root)?.present("response")?.present("id")?.string { return id }
        }
        return nil
    }

    /// The `sequence_number` of the last event in a piece of a stream.
    ///
    /// The text `"sequence_number":` cannot stand inside a string of JSON, where its quotes would be escaped.
    private static func lastNumber(in bytes: ByteBuffer) -> Int? {
        let key = Array("\"sequence_number\":".utf8)
        let text = bytes.readableBytesUInt8Span
        var start = text.count - key.count
        while start >= 0 {
            var matched = 0
            while matched < key.count, text[start + matched] == key[matched] { matched += 1 }
            if matched == key.count {
                var index = JSONScanner.skipWhitespace(text, start + key.count)
                var digits = ""
                while index < text.count, text[index] >= 0x30, text[index] <= 0x39, digits.utf8.count < 18 {
                    digits.unicodeScalars.append(Unicode.Scalar(text[index]))
                    index += 1
                }
                return Int(digits)
            }
            start -= 1
        }
        return nil
    }
}
