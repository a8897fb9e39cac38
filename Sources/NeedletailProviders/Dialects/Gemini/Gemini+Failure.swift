public import HTTPTypes
public import NIOCore
public import NeedletailCore

extension Gemini {
    /// Reads an upstream's error: `{"error": {"code", "message", "status", "details"}}`, or a list with one in it.
    ///
    /// <https://cloud.google.com/apis/design/errors>
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        var error: NeedletailError
        if let root = try? JSONDocument(body).root, let object = GeminiFailureReport.object(in: root) {
            error = GeminiFailureReport(object).error(status: status)
        } else {
            // A proxy's page: nothing in it is for the client.
            error = NeedletailError(
                NeedletailError.code(forUpstreamStatus: status),
                "The provider answered with status \(status) and no readable error.",
                upstream: NeedletailError.Upstream(status: status))
        }
        error.retryAfter = RetryAfter.delay(headers) ?? error.retryAfter
        error.mayHaveBeenProcessed = status == 408 || (status >= 500 && status != 503)
        return error
    }

    /// The error that a 200 or an event of a stream holds; `nil` if it is none.
    static func failure(inside root: JSONView) -> NeedletailError? {
        guard let object = GeminiFailureReport.object(in: root) else { return nil }
        var error = GeminiFailureReport(object).error(status: 200)
        error.mayHaveBeenProcessed = true
        return error
    }

    // MARK: For clients

    /// Writes an error for a client.
    ///
    /// - Returns: The HTTP status that goes with it.
    public static func encodeFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) -> Int {
        let status = error.disposition.status
        JSONWriter.append(to: &out, isOneLine: false) { json in
            json.beginObject()
            json.key("error")
            json.beginObject()
            json.member("code", status)
            json.member("message", error.message)
            json.member("status", self.word(forStatus: status))
            self.details(error, requestID, &json)
            json.endObject()
            json.endObject()
        }
        return status
    }

    private static func details(_ error: NeedletailError, _ requestID: String, _ json: inout JSONWriter) {
        json.key("details")
        json.beginArray()
        if let wait = error.retryAfter {
            json.beginObject()
            json.member("@type", "type.googleapis.com/google.rpc.RetryInfo")
            json.member("retryDelay", self.spelled(wait))
            json.endObject()
        }
        if let field = error.parameter, error.disposition.status < 500 {
            json.beginObject()
            json.member("@type", "type.googleapis.com/google.rpc.BadRequest")
            json.key("fieldViolations")
            json.beginArray()
            json.beginObject()
            json.member("field", field)
            json.member("description", error.message)
            json.endObject()
            json.endArray()
            json.endObject()
        }
        if !requestID.isEmpty {
            json.beginObject()
            json.member("@type", "type.googleapis.com/google.rpc.RequestInfo")
            json.member("requestId", requestID)
            json.endObject()
        }
        json.endArray()
    }

    /// `7s`, `0.250s`: a duration as protocol buffers spell it.
    private static func spelled(_ wait: Duration) -> String {
        let milliseconds = max(0, wait.components.seconds) * 1000 + wait.components.attoseconds / 1_000_000_000_000_000
        guard milliseconds % 1000 != 0 else { return "\(milliseconds / 1000)s" }
        return "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())s"
    }

    /// Google's word for a status: <https://cloud.google.com/apis/design/errors#handling_errors>.
    private static func word(forStatus status: Int) -> String {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 409: "ABORTED"
        case 429: "RESOURCE_EXHAUSTED"
        case 499: "CANCELLED"
        case 400..<500: "INVALID_ARGUMENT"
        case 501: "UNIMPLEMENTED"
        case 502, 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        default: "INTERNAL"
        }
    }

    /// Writes the event that ends a stream which failed after its first byte.
    public static func encodeStreamFailure(
        _ error: NeedletailError,
        requestID: String,
        into out: inout ByteBuffer
    ) {
        out.writeStaticString("data: ")
        _ = self.encodeFailure(error, requestID: requestID, into: &out)
        out.writeStaticString("\r\n\r\n")
    }
}

/// What an error of Google's says.
struct GeminiFailureReport {
    private var message: String?
    private var status: String?
    private var code: Int?
    /// `API_KEY_INVALID`, `RATE_LIMIT_EXCEEDED`: from the details.
    private var reason: String?
    private var parameter: String?
    private var retryDelay: Duration?

    /// The object of the error; `nil` if there is none.
    static func object(in root: JSONView) -> JSONView? {
        var value = root
        if root.kind == .array {
            var elements = root.elements
            guard let first = elements.next() else { return nil }
            value = first
        }
        guard value.kind == .object else { return nil }
        return value.present("error")
    }

    init(_ error: JSONView) {
        self.message = error.string ?? error.present("message")?.string
        self.status = error.present("status")?.string
        self.code = error.present("code")?.int
        for detail in error.present("details")?.elements ?? error.elements {
            if let reason = detail.present("reason")?.string { self.reason = self.reason ?? reason }
            if let delay = GeminiField.value(detail, "retryDelay", "retry_delay") {
                self.retryDelay = Self.delay(delay)
            }
            let violations = GeminiField.value(detail, "fieldViolations", "field_violations")
            for violation in (violations ?? error).elements where self.parameter == nil {
                self.parameter = violation.present("field")?.string
            }
        }
        if self.retryDelay == nil { self.retryDelay = Self.delay(inProse: self.message) }
    }

    /// `48s`, `0.5s`, or the message itself with seconds and nanoseconds.
    private static func delay(_ value: JSONView) -> Duration? {
        if let spelled = value.string { return OpenAIChatRetry.seconds(spelled).flatMap(RetryAfter.duration) }
        guard value.kind == .object else { return nil }
        let seconds = value.present("seconds").flatMap { $0.double ?? $0.string.flatMap { Double($0) } } ?? 0
        return RetryAfter.duration(seconds + (value.present("nanos")?.double ?? 0) / 1e9)
    }

    /// From prose such as `Please retry in 48.94s.`
    private static func delay(inProse message: String?) -> Duration? {
        let words = (message ?? "").split(whereSeparator: \.isWhitespace)
        for index in words.indices.dropFirst(2) where words[index - 1] == "in" && words[index - 2] == "retry" {
            var spelled = words[index]
            while let last = spelled.last, last == "." || last == "," { spelled = spelled.dropLast() }
            if let seconds = OpenAIChatRetry.seconds(String(spelled)) { return RetryAfter.duration(seconds) }
        }
        return nil
    }

    /// The error, with the provider's words as far as a client may see them.
    func error(status outer: Int) -> NeedletailError {
        let code = self.classify(outer == 200 ? self.innerStatus : outer)
        let words = ProviderWords(self.message)
        var error = NeedletailError(
            code,
            ProviderWords.shown(words, for: code, otherwise: "The provider answered with an error and no message."),
            retryAfter: self.retryDelay,
            upstream: NeedletailError.Upstream(
                status: outer, type: self.status, code: self.reason ?? self.status, parameter: self.parameter),
            cause: words)
        if code == .invalidRequest { error.parameter = self.parameter }
        return error
    }

    /// The status of an error inside a 200.
    private var innerStatus: Int {
        if let code = self.code, (400..<600).contains(code) { return code }
        return switch self.status {
        case "INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE": 400
        case "UNAUTHENTICATED": 401
        case "PERMISSION_DENIED": 403
        case "NOT_FOUND": 404
        case "ABORTED", "ALREADY_EXISTS": 409
        case "RESOURCE_EXHAUSTED": 429
        case "CANCELLED": 499
        case "UNAVAILABLE": 503
        case "DEADLINE_EXCEEDED": 504
        default: 500
        }
    }

    /// The status decides, except where Google says with a 400 what others say with a 401 or 402.
    private func classify(_ status: Int) -> NeedletailError.Code {
        let code = NeedletailError.code(forUpstreamStatus: status)
        switch status {
        case 400:
            if let reason = self.reason, reason.hasPrefix("API_KEY_") { return .credentialRejected }
            let words = (self.message ?? "").lowercased()
            if words.contains("api key not valid") || words.contains("api key expired") { return .credentialRejected }
            if self.status == "FAILED_PRECONDITION", words.contains("billing") { return .quotaExhausted }
            return code
        case 403:
            return (self.message ?? "").lowercased().contains("model") ? .modelForbidden : code
        default: return code
        }
    }
}
