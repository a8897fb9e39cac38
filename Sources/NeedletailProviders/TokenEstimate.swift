import NIOCore
public import NeedletailCore

/// How many input tokens a request is likely to cost, for upstreams that cannot count and for limits that must be held
/// before anybody has counted.
///
/// The estimate is a statement about bytes, not a tokeniser: Latin text, code and JSON come at about ``bytesPerToken``
/// bytes a token with the tokenisers in use, other scripts at about one token for each two to three bytes, which is one
/// character of Chinese, Japanese or Korean and one and a half of Cyrillic, Arabic or Devanagari.
///
/// Error to be expected: within 25 % for English prose, code and JSON over 200 tokens, within 50 % for other scripts; for
/// short requests within 25 tokens. Images of unknown size and documents at URLs count as constants and may be off by
/// their whole amount. Never use it for money.
public enum TokenEstimate {
    /// Bytes of ASCII for each token.
    static let bytesPerToken = 4
    /// Bytes of other characters for each token: three for most characters of CJK, two for an alphabet.
    static let wideBytesPerToken = 3
    /// What a message costs beside its content: the marks around it.
    static let tokensPerMessage = 4
    /// What each tool costs beside its text, as Anthropic's and OpenAI's renderings of a tool do.
    static let tokensPerTool = 12
    /// What Anthropic's prompt for tool use costs, once per request with tools ("Tool use system prompt": 313 to 530).
    static let tokensForTools = 346
    /// An image of unknown size: the most one costs at Anthropic after scaling (1568 × 1568 / 750 bounded to 1600).
    static let tokensPerImage = 1600
    /// Pixels for each token of an image (Anthropic, "Vision": tokens = width × height / 750).
    static let pixelsPerToken = 750
    /// A document that cannot be looked into: four pages of text and picture ("PDF support": 1500 to 3000 a page).
    static let tokensPerDocument = 8000
    /// Bytes of PDF for each token: a page of 1500 to 3000 tokens takes some 50 kB.
    static let pdfBytesPerToken = 20
    /// Bytes of base64 sound for each token.
    static let audioBytesPerToken = 400

    /// Estimates the input tokens of `request`.
    public static func count(_ request: ChatRequest) -> Int {
        var sum = Sum()
        for message in request.messages {
            sum.add(self.tokensPerMessage)
            if let name = message.name { sum.add(self.count(text: name)) }
            for part in message.content { sum.add(self.count(part)) }
        }
        for tool in request.tools {
            sum.add(self.tokensPerTool)
            sum.add(self.count(text: tool.name))
            if let description = tool.description { sum.add(self.count(text: description)) }
            switch tool.kind {
            case .function(let schema), .custom(let schema): if let schema { sum.add(self.count(json: schema)) }
            case .provider(_, let definition, _): sum.add(self.count(json: definition))
            }
        }
        if !request.tools.isEmpty { sum.add(self.tokensForTools) }
        if case .jsonSchema(_, let description, let schema, _) = request.responseFormat {
            if let description { sum.add(self.count(text: description)) }
            sum.add(self.count(json: schema))
        }
        return max(1, sum.total)
    }

    /// Estimates the tokens of plain text.
    public static func count(text: String) -> Int {
        var narrow = 0
        var wide = 0
        for unit in text.utf8 {
            if unit < 0x80 { narrow += 1 } else { wide += 1 }
        }
        return Self.quotient(narrow, self.bytesPerToken) + Self.quotient(wide, self.wideBytesPerToken)
    }

    private static func count(json: JSONText) -> Int {
        Self.quotient(json.bytes.readableBytes, self.bytesPerToken)
    }

    private static func count(_ part: ContentPart) -> Int {
        switch part {
        case .text(let part): return self.count(text: part.text)
        case .image(let part): return self.count(image: part.source)
        case .document(let part):
            var sum = Sum()
            if let title = part.title { sum.add(self.count(text: title)) }
            if let context = part.context { sum.add(self.count(text: context)) }
            sum.add(self.count(document: part.source))
            return sum.total
        case .audio(let part): return self.quotient(part.data.utf8.count, self.audioBytesPerToken)
        case .toolCall(let call):
            return self.tokensPerMessage + self.count(text: call.name) + self.count(text: call.arguments)
        case .toolResult(let result):
            var sum = Sum(total: self.tokensPerMessage)
            for part in result.content { sum.add(self.count(part)) }
            return sum.total
        case .reasoning(let part): return self.count(text: part.text)
        case .redactedReasoning(let data): return self.quotient(data.utf8.count, self.bytesPerToken)
        case .refusal(let text): return self.count(text: text)
        case .opaque(let part): return self.count(json: part.json)
        }
    }

    private static func count(image source: MediaSource) -> Int {
        guard let data = self.base64(source), let size = ImageSize(base64: data) else { return self.tokensPerImage }
        let (pixels, overflow) = size.width.multipliedReportingOverflow(by: size.height)
        // Larger images are scaled down before anybody looks at them.
        return overflow ? self.tokensPerImage : min(self.tokensPerImage, self.quotient(pixels, self.pixelsPerToken))
    }

    private static func base64(_ source: MediaSource) -> Substring? {
        switch source {
        case .base64(_, let data): data[...]
        case .url(let url) where url.hasPrefix("data:"):
            url.firstIndex(of: ",").map { url[url.index(after: $0)...] }
        case .url, .fileID, .text: nil
        }
    }

    private static func count(document source: MediaSource) -> Int {
        switch source {
        case .text(let text): self.count(text: text)
        case .base64(let mediaType, let data):
            self.quotient(
                data.utf8.count / 4 * 3, mediaType.hasPrefix("text/") ? self.bytesPerToken : self.pdfBytesPerToken)
        case .url, .fileID: self.tokensPerDocument
        }
    }

    private static func quotient(_ count: Int, _ divisor: Int) -> Int {
        count / divisor + (count % divisor == 0 ? 0 : 1)
    }

    /// A sum that stops at the largest number.
    private struct Sum {
        var total = 0

        mutating func add(_ count: Int) {
            let (sum, overflow) = self.total.addingReportingOverflow(count)
            self.total = overflow ? .max : sum
        }
    }
}
