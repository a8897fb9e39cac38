import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders

/// Writes errors as whole responses.
enum FailureReply {
    static func make(_ error: NeedletailError, dialect: DialectID, requestID: String) -> EdgeResponse {
        var body = ByteBuffer()
        let status = dialect.dialect.encodeFailure(error, requestID: requestID, into: &body)
        var headers: HTTPFields = [.contentType: "application/json"]
        headers.append(contentsOf: dialect.dialect.failureHeaders(error))
        headers.setRequestID(requestID, dialect: dialect)
        if status == 429 || status == 503 || status == 529 {
            headers[.retryAfter] = String(Self.seconds(error.retryAfter))
        } else if let wait = error.retryAfter {
            headers[.retryAfter] = String(Self.seconds(wait))
        }
        // Other credentials, if there are any, have been tried by now; and a client must not multiply what was tried.
        let disposition = error.disposition.retry
        if error.isExhausted || disposition == .never || disposition == .otherCredential
            || error.code == .budgetExceeded
        {
            headers[.shouldRetry] = "false"
        }
        return EdgeResponse(status: status, headers: headers, body: body)
    }

    /// Whole seconds, rounded up and at least one; one where nobody said.
    private static func seconds(_ wait: Duration?) -> Int64 {
        guard let wait else { return 1 }
        let (seconds, attoseconds) = wait.components
        return max(1, attoseconds > 0 && seconds < .max ? seconds + 1 : seconds)
    }
}
