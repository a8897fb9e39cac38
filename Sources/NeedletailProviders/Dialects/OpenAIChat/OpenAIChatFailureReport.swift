import NIOCore
import NeedletailCore

/// What an error body says, gathered from whichever envelope the server uses.
struct OpenAIChatFailureReport {
    /// The words of the server, which may name keys: only ``error(status:)`` hands them on.
    private(set) var message: String?
    private(set) var type: String?
    private(set) var code: String?
    private(set) var parameter: String?
    /// A status inside the body.
    private(set) var innerStatus: Int?
    /// An upstream's error that a router passes on as text, for classification only.
    private var raw = ""

    mutating func read(_ root: JSONView) {
        if root.kind == .array {
            var elements = root.elements
            if let first = elements.next() { self.object(first) }
            return
        }
        self.object(root)
    }

    private mutating func object(_ root: JSONView) {
        guard root.kind == .object else {
            self.message = root.string
            return
        }
        if let error = root.present("error") ?? Self.first(root.present("errors")) {
            switch error.kind {
            case .object: self.fields(error)
            case .string: self.message = error.string
            case .array: self.message = Self.joined(error)
            default: break
            }
        }
        self.fields(root)
        if self.message == nil, let detail = root.present("detail") {
            self.message = detail.string ?? detail.present("message")?.string ?? Self.joined(detail)
        }
        self.message = self.message ?? root.present("title")?.string
    }

    /// Takes what is not known yet from an object.
    private mutating func fields(_ view: JSONView) {
        self.message = self.message ?? view.present("message")?.string
        if self.type == nil, let type = view.present("type")?.string ?? view.present("error_type")?.string,
            type != "error"
        {
            self.type = type
        }
        self.parameter = self.parameter ?? view.present("param")?.string
        if let code = view.present("code") {
            self.number(code.int ?? code.string.flatMap { Int($0) })
            // Some servers put a whole sentence there.
            if self.code == nil, let string = code.string, Int(string) == nil, !string.utf8.contains(0x20) {
                self.code = string
            }
        }
        self.number(view.present("status")?.int ?? view.present("status_code")?.int)
        if let raw = view.present("metadata")?.present("raw")?.string { self.raw = raw }
        if self.code == nil, let status = view.present("status")?.string { self.code = status }
    }

    private mutating func number(_ number: Int?) {
        guard self.innerStatus == nil, let number, (400..<600).contains(number) else { return }
        self.innerStatus = number
    }

    private static func first(_ list: JSONView?) -> JSONView? {
        guard let list, list.kind == .array else { return nil }
        var elements = list.elements
        return elements.next()
    }

    private static func joined(_ list: JSONView) -> String? {
        var texts: [String] = []
        for element in list.elements {
            if let text = element.string ?? element.present("msg")?.string ?? element.present("message")?.string {
                texts.append(text)
            }
        }
        return texts.isEmpty ? nil : texts.joined(separator: "; ")
    }

    /// Takes a short line of text; pages and anything longer are not worth showing.
    mutating func readPlainText(_ body: ByteBuffer) {
        guard body.readableBytes > 0, body.readableBytes <= 200 else { return }
        let bytes = body.readableBytesUInt8Span
        for index in 0..<bytes.count {
            let byte = bytes[index]
            guard byte < 0x7F, byte >= 0x20 || byte == 0x0A || byte == 0x0D, byte != UInt8(ascii: "<") else { return }
        }
        let text = String(buffer: body).split(whereSeparator: \.isNewline).joined(separator: " ")
        self.message = text.isEmpty ? nil : text
    }

    /// The error, with the provider's words as far as a client may see them.
    func error(status: Int) -> NeedletailError {
        let code = self.classify(status)
        let words = ProviderWords(self.message)
        let message = ProviderWords.shown(
            words, for: code, otherwise: "The provider answered with status \(self.innerStatus ?? status).")
        return NeedletailError(
            code,
            message,
            upstream: NeedletailError.Upstream(
                status: status, type: self.type, code: self.code, parameter: self.parameter),
            cause: words
        )
    }

    // MARK: Classification

    /// The status decides; names and words only where it leaves something open.
    private func classify(_ outer: Int) -> NeedletailError.Code {
        let status = outer == 200 ? self.innerStatus ?? self.statusOfType() : outer
        let code = NeedletailError.code(forUpstreamStatus: status)
        let names = [self.code ?? "", self.type ?? ""]
        let isQuota = status == 402 || names.contains(where: Self.quotaNames.contains)
        // Inside a 200 the name alone says it.
        if isQuota, outer == 200 || [400, 401, 402, 403, 429].contains(status) { return .quotaExhausted }
        let isFiltered = names.contains(where: Self.filterNames.contains)
        if isFiltered, outer == 200 || status == 400 || status == 403 { return .invalidRequest }
        let words = ((self.message ?? "") + " " + self.raw).lowercased()
        let namesModel = names.contains(where: Self.modelNames.contains)
        switch status {
        case 400:
            // Some servers say it all with a 400.
            if names.contains(where: Self.keyNames.contains) || words.contains("incorrect api key") {
                return .credentialRejected
            }
            return namesModel ? .notFound : code
        case 403:
            if names.contains(where: Self.keyNames.contains) { return .credentialRejected }
            if words.contains("violates") || words.contains("moderation") { return .invalidRequest }
            return namesModel || words.contains("model") ? .modelForbidden : code
        default: return code
        }
    }

    private static let quotaNames: Set<String> = [
        "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error",
        "insufficient_balance", "exceeded_current_quota_error",
    ]
    private static let filterNames: Set<String> = ["content_filter", "content_policy_violation"]
    private static let keyNames: Set<String> = [
        "invalid_api_key", "authentication_error", "invalid_authentication_error", "account_deactivated",
    ]
    private static let modelNames: Set<String> = [
        "model_not_found", "DeploymentNotFound", "not_found_error", "model_not_available",
    ]

    /// The status that would have gone with a type or code, for errors inside a 200.
    private func statusOfType() -> Int {
        for name in [self.code, self.type] {
            guard let name = name?.lowercased() else { continue }
            if name.contains("rate_limit") || name.contains("ratelimit") || name == "too_many_requests" { return 429 }
            if name.contains("overloaded") || name.contains("unavailable") { return 503 }
            if name.contains("timeout") { return 504 }
            if name.contains("invalid_request") || name.contains("badrequest") || name == "invalid_argument"
                || name == "context_length_exceeded" || name == "tool_use_failed"
            {
                return 400
            }
            if name.contains("permission") { return 403 }
            if Self.keyNames.contains(name) { return 401 }
            if Self.modelNames.contains(name) { return 404 }
        }
        // Ollama and Cohere give words alone.
        if self.code == nil, self.type == nil, let words = self.message?.lowercased() {
            if words.contains("overloaded") { return 503 }
            if words.contains("rate limit") { return 429 }
        }
        return 500
    }
}
