import NeedletailCore
import NeedletailTransport

/// Where a webhook is: unlike a provider's base URL it may end with a query, in which some receivers want their token.
struct WebhookURL: Sendable, Hashable {
    var origin: Origin
    /// The path with its query.
    var path: String

    /// Reads a URL; `nil` if it is none.
    init?(_ text: String) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let url = HTTPURL(String(parts[0])) else { return nil }
        self.origin = Origin(scheme: url.isSecure ? .https : .http, host: url.host, port: url.port)
        self.path = url.path.isEmpty ? "/" : url.path
        guard parts.count > 1 else { return }
        guard parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else { return nil }
        self.path += "?" + parts[1]
    }
}
