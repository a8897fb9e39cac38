/// Signs the mock's reasoning, and knows its signatures again when they come back. As with real providers each signer takes
/// its own alone: what another has signed, or nobody, is refused.
enum MockSigner: String, Sendable {
    /// Anthropic's messages and Bedrock's Converse, which take each other's.
    case claude = "cl"
    /// Gemini.
    case google = "gg"
    /// OpenAI's responses.
    case openAI = "oa"

    /// Google's word for calls from elsewhere: <https://ai.google.dev/gemini-api/docs/thought-signatures#faqs>.
    static let foreignCall = "skip_thought_signature_validator"

    /// Signs `text`, in base64: "mock", who signs, and 128 bits.
    func sign(_ text: String) -> String {
        var random = MockRandom(seed: MockRandom.hash(self.rawValue + text))
        return "bW9jaw" + self.rawValue + random.hex() + random.hex()
    }

    /// Whether `signature` may stand beside `text`.
    func isValid(_ signature: String, for text: String) -> Bool { signature == self.sign(text) }
}
