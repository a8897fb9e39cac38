import NeedletailCore

extension RequestPeekFields {
    /// Bytes of the body for one token. English prose has about 4.2 with today's vocabularies, source code about 3, and
    /// Chinese about 3 in UTF-8; the JSON around the text counts as text, so the guess is on the high side.
    static let bytesPerToken = 3
    /// Tokens for an image: Anthropic's documentation gives about 1,600 for the largest that is not scaled down
    /// (width × height / 750), and OpenAI's most expensive common case (2,048 × 4,096, high detail) is 1,105.
    static let tokensPerImage = 1600
    /// Tokens for a document or recording whose size is unknown: one page costs 1,500 to 3,000 by Anthropic's
    /// documentation.
    static let tokensPerAttachment = 3000
    /// Bytes of base64 for one token in documents and recordings: a page of text and pictures of 100 KB is 3,000 tokens.
    static let payloadBytesPerToken = 32

    /// Bytes of a form for one token: ten tokens are a second of sound at OpenAI, which the leanest codec in use (6 kbit/s)
    /// says in 750 bytes; three times as many, since a budget holds three times the estimate.
    static let formBytesPerToken = 225

    /// A guess at the input tokens of a form with files, that is rather too high than too low.
    static func estimatedInputTokens(formSize: Int) -> Int {
        max(Self.tokensPerAttachment, formSize / Self.formBytesPerToken)
    }

    /// A guess at the input tokens that is rather too high than too low.
    ///
    /// Base64 strings over 1 KiB do not count as text. An image counts as ``tokensPerImage``; each document or recording
    /// as ``tokensPerAttachment``, or all of them by the size of the base64 if that is more.
    func estimatedInputTokens(bodySize: Int) -> Int {
        guard let messages = self.content else { return bodySize / Self.bytesPerToken + 1 }
        var tokens = (bodySize - messages.payloadBytes) / Self.bytesPerToken + 1
        tokens += messages.images * Self.tokensPerImage
        let attachments = messages.documents + messages.audio
        if attachments > 0 {
            tokens += max(attachments * Self.tokensPerAttachment, messages.payloadBytes / Self.payloadBytesPerToken)
        }
        return tokens
    }
}
