extension NeedletailError {
    /// What a failure means for everybody above the place that threw it.
    public struct Disposition: Sendable, Equatable {
        /// How far the failure reaches, and so where another attempt may go.
        public enum Retry: Sendable, Equatable {
            /// Every target would say the same.
            case never
            /// The same target may do better after a pause, and so may another.
            case sameTarget
            /// Another key of the same target may do better, and so may another target.
            case otherCredential
            /// Only another target may do better.
            case otherTarget
        }

        /// Where another attempt may go.
        public var retry: Retry
        /// Whether circuit breaker and health score hear of it.
        public var blamesTarget: Bool
        /// The status that a client sees.
        public var status: Int
        /// OpenAI's `type`.
        public var openAIType: String
        /// OpenAI's `code`, where the provider gave none that is kept.
        public var openAICode: String?
        /// Anthropic's `type`.
        public var anthropicType: String
        /// The status on the Anthropic surface, where it differs.
        public var anthropicStatus: Int
        /// Whether the provider's own code and parameter are shown to the client.
        public var showsUpstreamDetail: Bool

        fileprivate init(
            _ retry: Retry,
            blame: Bool,
            _ status: Int,
            _ openAIType: String,
            _ openAICode: String?,
            _ anthropicType: String,
            anthropicStatus: Int? = nil,
            detail: Bool = false
        ) {
            self.retry = retry
            self.blamesTarget = blame
            self.status = status
            self.openAIType = openAIType
            self.openAICode = openAICode
            self.anthropicType = anthropicType
            self.anthropicStatus = anthropicStatus ?? status
            self.showsUpstreamDetail = detail
        }
    }

    /// The table. `docs/errors.md` explains it; a test holds both to the same rows.
    public var disposition: Disposition {
        let invalid = "invalid_request_error"
        let server = "server_error"
        return switch self.code.wrapped {
        case .invalidRequest: Disposition(.never, blame: false, 400, invalid, nil, invalid, detail: true)
        case .unprocessable: Disposition(.never, blame: false, 422, invalid, nil, invalid, detail: true)
        case .unsupported: Disposition(.otherTarget, blame: false, 400, invalid, "unsupported_capability", invalid)
        case .tooLarge: Disposition(.never, blame: false, 413, invalid, "request_too_large", "request_too_large")
        case .unauthorized:
            Disposition(.never, blame: false, 401, "authentication_error", "invalid_api_key", "authentication_error")
        case .forbidden: Disposition(.never, blame: false, 403, "permission_error", nil, "permission_error")
        case .notFound:
            Disposition(.otherTarget, blame: false, 404, "not_found_error", "model_not_found", "not_found_error")
        case .modelForbidden:
            Disposition(.otherTarget, blame: false, 403, "permission_error", nil, "permission_error", detail: true)
        case .rateLimited:
            Disposition(
                .sameTarget, blame: false, 429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error")
        case .budgetExceeded:
            // Another target may be cheaper, or have a budget of its own.
            Disposition(
                .otherTarget, blame: false, 429, "insufficient_quota", "insufficient_quota", "billing_error",
                anthropicStatus: 402)
        case .credentialRejected, .quotaExhausted:
            Disposition(
                .otherCredential, blame: false, 500, server, "provider_authentication_failed", "api_error")
        case .upstreamFailed, .unreachable:
            Disposition(.sameTarget, blame: true, 502, server, "provider_error", "api_error")
        case .malformedReply: Disposition(.otherTarget, blame: true, 502, server, "provider_error", "api_error")
        case .conflict: Disposition(.sameTarget, blame: false, 502, server, "provider_error", "api_error")
        case .overloaded:
            Disposition(
                .sameTarget, blame: true, 503, server, "provider_unavailable", "overloaded_error",
                anthropicStatus: 529)
        case .unavailable:
            Disposition(
                .otherTarget, blame: false, 503, server, "provider_unavailable", "overloaded_error",
                anthropicStatus: 529)
        case .timedOut: Disposition(.sameTarget, blame: true, 504, server, "timeout", "timeout_error")
        case .cancelled: Disposition(.never, blame: false, 499, invalid, "cancelled", invalid)
        case .internalFailure: Disposition(.never, blame: false, 500, server, nil, "api_error")
        }
    }

    /// The code for a provider's HTTP status, before its body has been looked at.
    ///
    /// A dialect's `+Failure.swift` may know better (a 403 about a model, a 400 that means a bad key).
    public static func code(forUpstreamStatus status: Int) -> Code {
        switch status {
        case 401, 402, 403, 407: .credentialRejected
        case 404: .notFound
        case 408, 504: .timedOut
        case 409, 425: .conflict
        case 413: .tooLarge
        case 422: .unprocessable
        case 429: .rateLimited
        case 499: .cancelled
        case 503, 529: .overloaded
        case 400..<500: .invalidRequest
        case 500..<600: .upstreamFailed
        default: .malformedReply
        }
    }
}
