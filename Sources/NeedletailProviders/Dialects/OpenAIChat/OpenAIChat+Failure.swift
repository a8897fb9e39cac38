public import HTTPTypes
public import NIOCore
public import NeedletailCore

extension OpenAIChat {
    /// Reads an upstream's error, in any of the envelopes that compatible servers use.
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        var report = OpenAIChatFailureReport()
        if let document = try? JSONDocument(body) {
            report.read(document.root)
        } else {
            report.readPlainText(body)
        }
        var error = report.error(status: status)
        error.retryAfter = OpenAIChatRetry.delay(headers: headers, message: report.message)
        error.upstream?.requestID = OpenAIChatRetry.header(headers, "x-request-id")
        error.mayHaveBeenProcessed = status == 408 || (status >= 500 && status != 503 && status != 529)
        return error
    }

    /// The error that a 200 or an event of a stream holds; `nil` if it is none.
    static func failure(inside root: JSONView, isErrorEvent: Bool = false) -> NeedletailError? {
        var value = root
        if root.kind == .array {
            var elements = root.elements
            value = elements.next() ?? root
        }
        guard value.kind == .object else { return nil }
        guard isErrorEvent || value.present("error") != nil || value.present("object")?.string == "error" else {
            return nil
        }
        var report = OpenAIChatFailureReport()
        report.read(root)
        var error = report.error(status: 200)
        error.retryAfter = OpenAIChatRetry.delay(message: report.message)
        error.mayHaveBeenProcessed = true
        return error
    }

    /// The error that OpenRouter tells in the choice of a 200, where that holds nothing else; `nil` if it is none.
    /// <https://openrouter.ai/docs/api-reference/overview#completionsresponse-format>
    static func failure(inChoices choices: JSONView) -> NeedletailError? {
        var elements = choices.elements
        guard let choice = elements.next(), choice.present("error")?.kind == .object,
            choice.present("finish_reason")?.string == "error"
        else { return nil }
        let message = choice.present("message")
        let says = ["content", "tool_calls", "reasoning"] as [StaticString]
        guard says.allSatisfy({ message?[$0]?.saysNothing ?? true }) else { return nil }
        return self.failure(inside: choice)
    }

    /// Writes an error for a client.
    ///
    /// - Returns: The HTTP status that goes with it.
    public static func encodeFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) -> Int {
        let disposition = error.disposition
        JSONWriter.append(to: &out, isOneLine: false) { json in
            json.beginObject()
            json.key("error")
            json.beginObject()
            json.member("message", error.message)
            json.member("type", disposition.openAIType)
            let upstream = disposition.showsUpstreamDetail ? error.upstream : nil
            json.key("param")
            if let parameter = error.parameter ?? upstream?.parameter { json.string(parameter) } else { json.null() }
            json.key("code")
            if let code = upstream?.code ?? disposition.openAICode { json.string(code) } else { json.null() }
            json.endObject()
            json.endObject()
        }
        return disposition.status
    }

    /// Writes the event that ends a stream which failed after its first byte. No `[DONE]` follows it.
    public static func encodeStreamFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) {
        out.writeStaticString("data: ")
        _ = self.encodeFailure(error, requestID: requestID, into: &out)
        out.writeStaticString("\n\n")
    }
}
