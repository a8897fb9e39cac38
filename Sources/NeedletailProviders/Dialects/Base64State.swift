/// State of a provider in a field of bytes: SDKs refuse what is no base64 there, and not every provider's state is.
enum Base64State {
    /// What marks the bytes of state that its provider did not give as base64.
    private static let mark = "needletail:"

    /// As the provider gave it.
    static func read(_ spelled: String) -> String {
        guard let bytes = Base64.decode(spelled), let text = String(validating: bytes, as: UTF8.self),
            text.hasPrefix(self.mark)
        else { return spelled }
        return String(text.dropFirst(self.mark.count))
    }

    /// As a client can keep it.
    static func write(_ state: String) -> String {
        self.isStandard(state) ? state : Base64.encode(Array((self.mark + state).utf8))
    }

    /// Whether `text` is base64 in the standard alphabet, padded.
    private static func isStandard(_ text: String) -> Bool {
        let isForURLs = text.utf8.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        return !isForURLs && !text.isEmpty && text.utf8.count % 4 == 0 && Base64.decode(text) != nil
    }
}
