/// What is told of requests in names: in spans, logs and metrics alike.
package enum TelemetryText {
    /// Longer values are cut: a client and an upstream may say anything. In bytes.
    package static let longestValue = 1_024

    /// A text that is not too long.
    package static func cut(_ text: String) -> String {
        text.utf8.count <= Self.longestValue ? text : String(text.prefix(Self.longestValue)) + "…"
    }
}
