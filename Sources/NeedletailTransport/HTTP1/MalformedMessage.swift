/// Why bytes are no HTTP/1.1 message.
package struct MalformedMessage: Error {
    /// For people; what the other side did, as the end of a sentence.
    package let reason: String

    /// Creates a record.
    package init(reason: String) {
        self.reason = reason
    }
}
