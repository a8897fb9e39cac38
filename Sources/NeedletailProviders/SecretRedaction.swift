/// Takes what looks like a credential out of a provider's message before anybody sees it.
///
/// Some providers repeat the key that they refuse, whole or masked with stars.
enum SecretRedaction {
    /// How keys begin at the providers that give them a mark, and what stands before one in a header.
    private static let marks = [
        "sk-", "sk_", "gsk_", "xai-", "pplx-", "AIza", "hf_", "key-", "fw_", "csk-", "nvapi-", "Bearer ", "bearer ",
    ]
    /// The longest message that is passed on, in characters.
    static let maximumLength = 2000

    /// `message` with every key replaced, cut to a bearable length.
    static func redact(_ message: String) -> String {
        var redacted = message.count > Self.maximumLength ? String(message.prefix(Self.maximumLength)) + "…" : message
        for mark in Self.marks where redacted.contains(mark) { redacted = Self.redact(redacted, mark) }
        return Self.redactMasked(redacted)
    }

    private static func redact(_ message: String, _ mark: String) -> String {
        var out = ""
        var rest = Substring(message)
        while let start = rest.firstRange(of: mark) {
            out += rest[..<start.lowerBound]
            let secret = rest[start.upperBound...].prefix(while: Self.isOfKey)
            // Words such as `task-oriented` hold a mark too: a key is longer and begins a word.
            let isWordStart = out.last.map { !$0.isLetter && !$0.isNumber } ?? true
            out += isWordStart && secret.count >= 6 ? "[redacted]" : String(rest[start]) + secret
            rest = rest[secret.endIndex...]
        }
        return out + rest
    }

    /// Takes words out that are masked already, and whatever a message says was provided as a key.
    private static func redactMasked(_ message: String) -> String {
        var words = message.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        for index in words.indices {
            let isNamed = index > 0 && words[index - 1].lowercased() == "provided:" && words[index].utf8.count > 3
            guard isNamed || words[index].contains("***"), words[index] != "[redacted]." else { continue }
            words[index] = "[redacted]" + (words[index].hasSuffix(".") ? "." : "")
        }
        return words.joined(separator: " ")
    }

    private static func isOfKey(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_.*/+=".contains(character))
    }
}
