public import HTTPTypes
public import NIOCore
public import NeedletailCore

extension AnthropicMessages {
    /// Reads an upstream's error.
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        // In front of the same models Amazon answers in its own words.
        if headers[.amazonErrorType] != nil {
            return BedrockConverse.decodeFailure(status: status, headers: headers, body: body)
        }
        let requestID = Self.header(headers, "request-id") ?? Self.header(headers, "x-request-id")
        var error: NeedletailError
        if let root = try? JSONDocument(body).root, root.kind == .object {
            error = Self.failure(root, status: status, requestID: requestID)
        } else {
            // A proxy's page: nothing in it is for the client.
            error = NeedletailError(
                NeedletailError.code(forUpstreamStatus: status),
                "The provider answered with status \(status) and no readable error.",
                upstream: NeedletailError.Upstream(status: status, requestID: requestID)
            )
        }
        error.retryAfter = RetryAfter.delay(headers)
        return error
    }

    /// The meaning of an error object, in a reply of any status or in a stream.
    static func failure(_ root: JSONView, status: Int, requestID: String?) -> NeedletailError {
        let error = root.present("error")
        let type = error?.present("type")?.string
        let given = error?.present("message")?.string ?? error?.string ?? root.present("message")?.string ?? ""
        let words = ProviderWords(given)
        let message = words?.description ?? ""
        let code = Self.code(type: type, status: status, message: message)
        let upstream = NeedletailError.Upstream(
            status: status,
            type: type,
            requestID: root.present("request_id")?.string ?? requestID
        )
        return NeedletailError(
            code,
            ProviderWords.shown(words, for: code, otherwise: "The provider answered with an error and no message."),
            parameter: Self.parameter(message, code),
            upstream: upstream,
            cause: words,
            mayHaveBeenProcessed: status == 200
        )
    }

    /// What an error means: the status decides, and the type only where the status leaves something open.
    ///
    /// A provider's 503 stays a 503 whatever the body calls it; an error inside a 200 has nothing but its type.
    private static func code(type: String?, status: Int, message: String) -> NeedletailError.Code {
        guard status != 200 else { return Self.code(ofType: type, message: message) }
        let code = NeedletailError.code(forUpstreamStatus: status)
        switch status {
        // Compatible servers say with a 400 what Anthropic says with a status of its own.
        case 400:
            let telling = ["authentication_error", "billing_error", "not_found_error", "invalid_request_error"]
            guard let type, telling.contains(type) else { return code }
            return Self.code(ofType: type, message: message)
        case 402: return .quotaExhausted
        case 403:
            if type == "billing_error" { return .quotaExhausted }
            return type != "authentication_error" && Self.namesModel(message) ? .modelForbidden : code
        case 401, 429: return type == "billing_error" ? .quotaExhausted : code
        default: return code
        }
    }

    /// What a type means by itself.
    private static func code(ofType type: String?, message: String) -> NeedletailError.Code {
        switch type {
        case "authentication_error": .credentialRejected
        case "billing_error": .quotaExhausted
        case "permission_error": Self.namesModel(message) ? .modelForbidden : .credentialRejected
        case "not_found_error": .notFound
        case "request_too_large": .tooLarge
        case "rate_limit_error": .rateLimited
        case "overloaded_error": .overloaded
        case "timeout_error": .timedOut
        case "invalid_request_error":
            // Anthropic says with a 400 that the account is empty.
            message.lowercased().contains("credit balance is too low") ? .quotaExhausted : .invalidRequest
        default: .upstreamFailed
        }
    }

    private static func namesModel(_ message: String) -> Bool {
        message.lowercased().contains("model")
    }

    /// The field in a message such as `messages.0.content: …`.
    private static func parameter(_ message: String, _ code: NeedletailError.Code) -> String? {
        guard code == .invalidRequest, let colon = message.firstIndex(of: ":") else { return nil }
        let path = message[..<colon]
        guard path.utf8.count <= 128, let first = path.first, first.isLetter else { return nil }
        guard path.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_") }) else {
            return nil
        }
        return String(path)
    }

    private static func header(_ headers: HTTPFields, _ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }

    // MARK: For clients

    /// Writes an error for a client.
    public static func encodeFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) -> Int {
        out.writeImmutableBuffer(Self.errorBody(error, requestID))
        return error.disposition.anthropicStatus
    }

    /// Writes the event that ends a stream which failed after its first byte.
    public static func encodeStreamFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) {
        SSEEncoder.write(name: "error", data: Self.errorBody(error, requestID), into: &out)
    }

    /// The envelope has no place for the field at fault: Anthropic's own messages begin with it, and so do these.
    private static func message(_ error: NeedletailError) -> String {
        guard error.disposition.status == 400, let field = error.parameter, !error.message.contains(field) else {
            return error.message
        }
        return "\(field): \(error.message)"
    }

    private static func errorBody(_ error: NeedletailError, _ requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "error")
        json.key("error")
        json.beginObject()
        json.member("type", error.disposition.anthropicType)
        json.member("message", Self.message(error))
        json.endObject()
        json.member("request_id", requestID)
        json.endObject()
        return json.bytes
    }
}
