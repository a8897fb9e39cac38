/// Checks a value and notes, on the way, what kinds of content parts it holds; for the conversation of a request.
///
/// It looks at `"type": "…"` members, media types and telling keys at any depth, and at strings that carry base64.
/// Nothing is decoded or kept.
package struct JSONContentScan: JSONTape, Sendable {
    /// A base64 string shorter than this is counted as text.
    package static let smallestPayload = 1024
    /// How much of a string is looked at to tell base64 from text.
    private static let sample = 256

    /// Images.
    package private(set) var images = 0
    /// Documents and files.
    package private(set) var documents = 0
    /// Recordings.
    package private(set) var audio = 0
    /// Bytes of base64: `data:` URLs, and base64 under `data` and `file_data`.
    package private(set) var payloadBytes = 0
    /// Values directly inside the scanned one, if it is an array.
    package private(set) var elements = 0
    /// Whether there may be something that only its issuer reads: a signature, or reasoning that is encrypted.
    package private(set) var mayHoldState = false
    /// Whether anything has an `id`.
    package private(set) var hasIDs = false

    private enum Key { case type, data, mediaType, image, document, other }
    private var key = Key.other
    private var depth = 0

    /// Nothing seen.
    package init() {}

    /// Scans the value at `start` and returns the offset after it.
    package mutating func value(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        try JSONParser.value(bytes, start, into: &self)
    }

    mutating func key(_ bytes: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool) {
        // An escaped spelling of these keys is not worth decoding: what is noted here is a hint, never a fact.
        switch range.count {
        case 4:
            if JSONScanner.matches(bytes, range.lowerBound, "\"id\"") { self.hasIDs = true }
            self.key = .other
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"type\""): self.key = .type
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"data\""): self.key = .data
        case 7 where JSONScanner.matches(bytes, range.lowerBound, "\"image\""): self.key = .image
        case 8 where JSONScanner.matches(bytes, range.lowerBound, "\"images\""): self.key = .image
        case 10 where JSONScanner.matches(bytes, range.lowerBound, "\"mimeType\""): self.key = .mediaType
        case 10 where JSONScanner.matches(bytes, range.lowerBound, "\"document\""): self.key = .document
        case 11 where JSONScanner.matches(bytes, range.lowerBound, "\"file_data\""): self.key = .data
        case 11 where JSONScanner.matches(bytes, range.lowerBound, "\"mime_type\""): self.key = .mediaType
        default:
            if ProviderStateKey.isOne(bytes, range) { self.mayHoldState = true }
            self.key = .other
        }
    }

    mutating func scalar(_ bytes: Span<UInt8>, _ kind: JSONKind, _ range: Range<Int>, hasEscapes: Bool) {
        if self.depth == 1 { self.elements &+= 1 }
        let key = self.key
        self.key = .other
        guard kind == .string else { return }
        if key == .mediaType { self.mediaType(bytes, range) }
        if key == .type { self.type(bytes, range) } else { self.payload(bytes, range, isData: key == .data) }
    }

    mutating func open(_ kind: JSONKind, at start: Int) {
        if self.depth == 1 { self.elements &+= 1 }
        // Bedrock's and Ollama's parts say what they are by their key.
        if self.key == .image { self.images &+= 1 }
        if self.key == .document { self.documents &+= 1 }
        self.depth &+= 1
        self.key = .other
    }

    mutating func close(at end: Int) {
        self.depth &-= 1
    }

    private mutating func type(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        switch range.count {
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"file\""): self.documents &+= 1
        case 7 where JSONScanner.matches(bytes, range.lowerBound, "\"image\""): self.images &+= 1
        case 10 where JSONScanner.matches(bytes, range.lowerBound, "\"document\""): self.documents &+= 1
        case 11 where JSONScanner.matches(bytes, range.lowerBound, "\"image_url\""): self.images &+= 1
        case 12 where JSONScanner.matches(bytes, range.lowerBound, "\"input_file\""): self.documents &+= 1
        case 13 where JSONScanner.matches(bytes, range.lowerBound, "\"input_audio\""): self.audio &+= 1
        case 13 where JSONScanner.matches(bytes, range.lowerBound, "\"input_image\""): self.images &+= 1
        case 19 where JSONScanner.matches(bytes, range.lowerBound, "\"redacted_thinking\""): self.mayHoldState = true
        default: break
        }
    }

    /// Gemini's parts say what they are by their media type.
    private mutating func mediaType(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        if JSONScanner.matches(bytes, range.lowerBound, "\"image/") {
            self.images &+= 1
        } else if JSONScanner.matches(bytes, range.lowerBound, "\"audio/") {
            self.audio &+= 1
        } else {
            self.documents &+= 1
        }
    }

    private mutating func payload(_ bytes: Span<UInt8>, _ range: Range<Int>, isData: Bool) {
        guard range.count > Self.smallestPayload else { return }
        if JSONScanner.matches(bytes, range.lowerBound, "\"data:")
            || (isData && Self.looksLikeBase64(bytes, range.lowerBound &+ 1))
        {
            self.payloadBytes &+= range.count
        }
    }

    /// Plain text has a space or another foreign character long before the sample ends. Some encoders write `\/`.
    private static func looksLikeBase64(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
        for index in start..<min(start &+ Self.sample, bytes.count) {
            switch bytes[index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "\\"):
                continue
            default: return false
            }
        }
        return true
    }
}
