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
    /// Bytes of base64 that stand for pictures, recordings and documents, and so not for text: only where the dialects have
    /// such things, since everything that is not counted here is held for as text.
    package var payloadBytes: Int { self.holdsPlainDocument || self.isDisguised ? 0 : self.payloads }
    /// Values directly inside the scanned one, if it is an array.
    package private(set) var elements = 0
    /// Whether there may be something that only its issuer reads: a signature, or reasoning that is encrypted.
    package private(set) var mayHoldState = false
    /// Whether anything has an `id`.
    package private(set) var hasIDs = false

    private enum Key {
        case type, data, mediaType, sourceType, format, image, document, arguments, other

        /// Whether the value says what something is.
        var tells: Bool { self == .type || self == .mediaType || self == .sourceType || self == .format }
    }
    private var key = Key.other
    private var depth = 0
    private var payloads = 0
    /// Of these, those directly in the innermost object.
    private var payloadsHere = 0
    /// A bit for each depth whose object says that what it has under `data` is text, whatever it looks like.
    private var textDepths: UInt64 = 0
    /// Whether a telling key or value is spelled with escapes, as no client does that has nothing to hide: then nothing
    /// counts as a picture.
    private var isDisguised = false
    /// Whether some document says by its format that it is text.
    private var holdsPlainDocument = false
    /// How deep the arguments or results of a call are that are being scanned, which are text all through; 0 for none.
    private var argumentsDepth = 0

    /// Nothing seen.
    package init() {}

    /// Scans the value at `start` and returns the offset after it.
    package mutating func value(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        try JSONParser.value(bytes, start, into: &self)
    }

    mutating func key(_ bytes: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool) {
        // An escaped spelling is not worth decoding. Only in arguments have keys other letters than ASCII.
        if hasEscapes, self.argumentsDepth == 0 { self.isDisguised = true }
        switch range.count {
        case 4:
            if JSONScanner.matches(bytes, range.lowerBound, "\"id\"") { self.hasIDs = true }
            self.key = .other
        case 5 where JSONScanner.matches(bytes, range.lowerBound, "\"url\""): self.key = .data
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"type\""): self.key = .type
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"data\""): self.key = .data
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"args\""): self.key = .arguments
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"json\""): self.key = .arguments
        case 7 where JSONScanner.matches(bytes, range.lowerBound, "\"bytes\""): self.key = .data
        case 7 where JSONScanner.matches(bytes, range.lowerBound, "\"input\""): self.key = .arguments
        case 8 where JSONScanner.matches(bytes, range.lowerBound, "\"format\""): self.key = .format
        case 10 where JSONScanner.matches(bytes, range.lowerBound, "\"response\""): self.key = .arguments
        case 11 where JSONScanner.matches(bytes, range.lowerBound, "\"arguments\""): self.key = .arguments
        case 11 where JSONScanner.matches(bytes, range.lowerBound, "\"image_url\""): self.key = .data
        case 11 where JSONScanner.matches(bytes, range.lowerBound, "\"audio_url\""): self.key = .data
        case 11 where JSONScanner.matches(bytes, range.lowerBound, "\"video_url\""): self.key = .data
        case 12 where JSONScanner.matches(bytes, range.lowerBound, "\"media_type\""): self.key = .sourceType
        case 14 where JSONScanner.matches(bytes, range.lowerBound, "\"document_url\""): self.key = .data
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
        if hasEscapes, key.tells, self.argumentsDepth == 0, Self.isStrange(bytes, range) { self.isDisguised = true }
        switch key {
        case .type: self.type(bytes, range)
        case .data: self.payload(bytes, range)
        case .mediaType:
            self.mediaType(bytes, range)
            if Self.isTextType(bytes, range.lowerBound &+ 1) { self.textHere() }
        case .sourceType: if Self.isTextType(bytes, range.lowerBound &+ 1) { self.textHere() }
        case .format where self.argumentsDepth == 0:
            for name in Self.plainFormats where JSONScanner.matches(bytes, range.lowerBound, name) {
                self.holdsPlainDocument = true
            }
        case .format, .image, .document, .arguments, .other: break
        }
    }

    /// Bedrock's documents that are text (`format`).
    private static let plainFormats: [StaticString] = ["\"txt\"", "\"md\"", "\"csv\"", "\"html\""]

    /// Whether a media type is of something that is read as text. Some encoders write `\/`.
    private static func isTextType(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
        for name in self.mediaKinds where JSONScanner.matches(bytes, start, name.kind) {
            var end = start &+ name.kind.utf8CodeUnitCount
            if end < bytes.count, bytes[end] == UInt8(ascii: "\\") { end &+= 1 }
            if JSONScanner.matches(bytes, end, name.rest) { return false }
        }
        return true
    }

    private static let mediaKinds: [(kind: StaticString, rest: StaticString)] = [
        ("image", "/"), ("audio", "/"), ("video", "/"), ("application", "/pdf"), ("application", "/vnd."),
    ]

    /// Whether a text has other escapes than `\/`.
    private static func isStrange(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index &+ 1 < range.upperBound {
            if bytes[index] == UInt8(ascii: "\\"), bytes[index &+ 1] != UInt8(ascii: "/") { return true }
            index &+= 1
        }
        return false
    }

    /// The innermost object's payload is text, whether it has been seen or comes.
    private mutating func textHere() {
        self.textDepths |= self.depthBit
        self.forgetPayloadsHere()
    }

    private mutating func forgetPayloadsHere() {
        self.payloads &-= self.payloadsHere
        self.payloadsHere = 0
    }

    private var depthBit: UInt64 { self.depth < 64 ? 1 << UInt64(self.depth) : 0 }
    /// What lies deeper than anything of a dialect is text.
    private var isTextHere: Bool { self.depth >= 64 || self.textDepths & self.depthBit != 0 }

    mutating func open(_ kind: JSONKind, at start: Int) {
        if self.depth == 1 { self.elements &+= 1 }
        // Bedrock's and Ollama's parts say what they are by their key.
        if self.key == .image { self.images &+= 1 }
        if self.key == .document { self.documents &+= 1 }
        // Nothing that holds a payload holds an object behind it: what then came would not be seen.
        self.forgetPayloadsHere()
        self.depth &+= 1
        self.textDepths &= ~self.depthBit
        if self.key == .arguments, self.argumentsDepth == 0 { self.argumentsDepth = self.depth }
        self.key = .other
    }

    mutating func close(at end: Int) {
        if self.argumentsDepth == self.depth { self.argumentsDepth = 0 }
        self.payloadsHere = 0
        self.depth &-= 1
    }

    private mutating func type(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        switch range.count {
        // A source of plain text, where a document has one.
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"text\""): self.textHere()
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"file\""): self.documents &+= 1
        case 7 where JSONScanner.matches(bytes, range.lowerBound, "\"image\""): self.images &+= 1
        case 10 where JSONScanner.matches(bytes, range.lowerBound, "\"document\""): self.documents &+= 1
        case 11 where JSONScanner.matches(bytes, range.lowerBound, "\"image_url\""): self.images &+= 1
        case 12 where JSONScanner.matches(bytes, range.lowerBound, "\"input_file\""): self.documents &+= 1
        case 13 where JSONScanner.matches(bytes, range.lowerBound, "\"input_audio\""): self.audio &+= 1
        case 13 where JSONScanner.matches(bytes, range.lowerBound, "\"input_image\""): self.images &+= 1
        case 19 where JSONScanner.matches(bytes, range.lowerBound, "\"redacted_thinking\""):
            self.mayHoldState = true
            self.textHere()
        default: break
        }
    }

    /// Gemini's parts say what they are by their media type.
    private mutating func mediaType(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        if JSONScanner.matches(bytes, range.lowerBound, "\"image") {
            self.images &+= 1
        } else if JSONScanner.matches(bytes, range.lowerBound, "\"audio") {
            self.audio &+= 1
        } else {
            self.documents &+= 1
        }
    }

    private mutating func payload(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard range.count > Self.smallestPayload, self.argumentsDepth == 0, !self.isTextHere else { return }
        let start = range.lowerBound &+ 1
        let isMedia =
            JSONScanner.matches(bytes, start, "data:")
            ? !Self.isTextType(bytes, start &+ 5) : Self.looksLikeBase64(bytes, start)
        guard isMedia else { return }
        self.payloads &+= range.count
        self.payloadsHere &+= range.count
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
