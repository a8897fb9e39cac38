public import HTTPTypes
public import NIOCore
public import NeedletailCore

extension BedrockConverse {
    /// Reads an upstream's error.
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        let given = headers[.amazonErrorType].map(Self.bareType)
        let id = headers[.amazonRequestID]
        var error: NeedletailError
        if let root = try? JSONDocument(body).root, root.kind == .object {
            error = Self.failure(type: given ?? Self.type(in: root), root, status: status, requestID: id)
        } else {
            // A proxy's page: nothing in it is for the client.
            error = NeedletailError(
                Self.code(given, status: status, message: ""),
                "The provider answered with status \(status) and no readable error.",
                upstream: NeedletailError.Upstream(status: status, type: given, requestID: id)
            )
        }
        error.retryAfter = RetryAfter.delay(headers)
        return error
    }

    /// The type in an error's body.
    static func type(in root: JSONView) -> String? {
        (root.present("__type") ?? root.present("code"))?.string.map(Self.bareType)
    }

    /// `ValidationException:http://…` and `com.amazon.coral.service#ValidationException` without what is around them.
    private static func bareType(_ type: String) -> String {
        let head = type.prefix { $0 != ":" }
        return String(head.split(separator: "#").last ?? head)
    }

    /// The meaning of an error object, in a reply of any status or in a frame.
    static func failure(type: String?, _ root: JSONView?, status: Int, requestID: String?) -> NeedletailError {
        let given = root?.present("message") ?? root?.present("Message") ?? root?.present("originalMessage")
        let words = ProviderWords(given?.string)
        let code = Self.code(type, status: status, message: words?.description ?? "")
        return NeedletailError(
            code,
            ProviderWords.shown(words, for: code, otherwise: "The provider answered with an error and no message."),
            upstream: NeedletailError.Upstream(status: status, type: type, requestID: requestID),
            cause: words,
            mayHaveBeenProcessed: status == 200
        )
    }

    /// What an error means: the type says more than the status. Frames spell it with a small letter.
    private static func code(_ type: String?, status: Int, message: String) -> NeedletailError.Code {
        let type = type.map { $0.prefix(1).uppercased() + $0.dropFirst() }
        switch type {
        case "ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException",
            "ModelNotReadyException":
            return .rateLimited
        case "AccessDeniedException":
            let about = message.lowercased()
            return about.contains("model") ? .modelForbidden : .credentialRejected
        case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
            "MissingAuthenticationTokenException", "MissingAuthenticationToken", "IncompleteSignatureException",
            "InvalidClientTokenId", "SignatureDoesNotMatch":
            return .credentialRejected
        case "ModelTimeoutException": return .timedOut
        case "ModelErrorException", "ModelStreamErrorException", "InternalServerException", "InternalFailure":
            return .upstreamFailed
        case "ServiceUnavailableException": return .overloaded
        case "ResourceNotFoundException": return .notFound
        case "ValidationException" where status == 200: return .invalidRequest
        default: return status == 200 ? .upstreamFailed : NeedletailError.code(forUpstreamStatus: status)
        }
    }

    // MARK: For clients

    /// Writes an error for a client.
    public static func encodeFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) -> Int {
        var json = JSONWriter()
        json.beginObject()
        json.member("__type", Self.type(of: error))
        json.member("message", Self.message(error))
        json.endObject()
        out.writeImmutableBuffer(json.bytes)
        return error.disposition.status
    }

    /// The type, where the SDKs look for it first.
    public static func failureHeaders(_ error: NeedletailError) -> HTTPFields {
        [.amazonErrorType: Self.type(of: error)]
    }

    /// Writes the frame that ends a stream which failed after its first byte.
    public static func encodeStreamFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) {
        EventStreamEncoder.write(.exception(Self.member(of: error)), into: &out) { json in
            json.member("message", Self.message(error))
        }
    }

    /// The envelope has no place for the field at fault; Bedrock's own messages begin with it.
    private static func message(_ error: NeedletailError) -> String {
        guard error.disposition.status == 400, let field = error.parameter, !error.message.contains(field) else {
            return error.message
        }
        return "\(field): \(error.message)"
    }

    /// The exception of Bedrock's that comes nearest.
    private static func type(of error: NeedletailError) -> String {
        switch error.code {
        case .unauthorized: "UnrecognizedClientException"
        case .forbidden, .modelForbidden: "AccessDeniedException"
        case .notFound: "ResourceNotFoundException"
        case .budgetExceeded: "ServiceQuotaExceededException"
        default:
            switch error.disposition.status {
            case 429: "ThrottlingException"
            case 503: "ServiceUnavailableException"
            case 504: "ModelTimeoutException"
            case 500...: "InternalServerException"
            default: "ValidationException"
            }
        }
    }

    /// The same among the five that a stream may hold.
    private static func member(of error: NeedletailError) -> StaticString {
        switch error.disposition.status {
        case 429: "throttlingException"
        case 503: "serviceUnavailableException"
        case 502, 504: "modelStreamErrorException"
        case 500...: "internalServerException"
        default: "validationException"
        }
    }
}
