import NeedletailCore

/// What ``RequestPeek`` finds while it scans a body.
struct RequestPeekFields {
    /// A longer model name is a mistake or an attack; it would land in logs and metrics.
    static let maximumModelLength = 1024

    var model: String?
    var isStreaming: Bool?
    /// The largest of the limits that stand in the body: which of them an upstream takes is its own affair.
    private(set) var maxTokens: Int?
    /// Whether an object that holds the dialect's limit holds none, so that an upstream that takes this object has none.
    private var hasNoLimit = false
    /// How many answers are asked for; the larger where two members say.
    private var choices = 1
    /// How many prompts each have so many answers.
    private var prompts = 1
    /// Who the client says asks.
    var user: String?
    var content: JSONContentScan?
    var features: Features = []
    /// How often the provider may search with its tools.
    private var toolSearches = 0
    /// Whether the provider is asked to search without a tool (`web_search_options` of OpenAI's chats).
    private var hasSearchOptions = false
    /// Whether there is a whole request inside, to be counted.
    var hasCountedRequest = false
    var landmarks = BodyLandmarks()
    private let shape: RequestShape
    private var seen: Set = []

    init(_ shape: RequestShape) {
        self.shape = shape
    }

    /// The most output tokens that every upstream of the dialect keeps to; `nil` for none.
    var maxOutputTokens: Int? { self.hasNoLimit ? nil : self.maxTokens }

    /// How often the provider may search. Options name no limit.
    var searches: Int { self.toolSearches + (self.hasSearchOptions ? JSONToolScan.unlimitedSearches : 0) }

    /// How many answers are asked for, to all prompts together.
    var answers: Int {
        let (product, overflow) = self.choices.multipliedReportingOverflow(by: self.prompts)
        return overflow ? .max : product
    }

    /// The keys that may stand only once: parsers differ in which of two they take, so one request would mean two things.
    private struct Set: OptionSet {
        let rawValue: UInt8
        static let model = Self(rawValue: 1 << 0)
        static let stream = Self(rawValue: 1 << 1)
        static let streamOptions = Self(rawValue: 1 << 2)
        static let maxTokens = Self(rawValue: 1 << 3)
        static let maxCompletionTokens = Self(rawValue: 1 << 4)
        static let content = Self(rawValue: 1 << 5)
    }

    /// Checks the whole body and reads its top level.
    mutating func read(_ bytes: Span<UInt8>) throws(NeedletailError) {
        do {
            let start = JSONScanner.skipWhitespace(bytes, 0)
            guard start < bytes.count else { throw JSONError(.empty, at: start) }
            guard bytes[start] == UInt8(ascii: "{") else {
                let end = JSONScanner.skipWhitespace(bytes, try JSONScanner.value(bytes, start))
                guard end == bytes.count else { throw JSONError(.trailingBytes, at: end) }
                throw NeedletailError(.invalidRequest, "The body must be a JSON object.")
            }
            var cursor = JSONObjectCursor(at: start)
            while let key = try cursor.next(bytes) {
                let value = cursor.valueStart
                cursor.valueEnded(at: try self.member(bytes, key, value))
            }
            self.landmarks.end = cursor.end - 1
            let end = JSONScanner.skipWhitespace(bytes, cursor.end)
            guard end == bytes.count else { throw JSONError(.trailingBytes, at: end) }
        } catch let error as NeedletailError {
            throw error
        } catch let error as JSONError {
            throw NeedletailError(.invalidRequest, "The body is not valid JSON: \(error).")
        } catch {
            throw NeedletailError(wrapping: error)
        }
    }

    /// Reads one member; returns the offset after its value. Throws ``JSONError`` or ``NeedletailError``.
    private mutating func member(_ bytes: Span<UInt8>, _ key: JSONObjectCursor.Key, _ value: Int) throws -> Int {
        guard let name = RequestPeekKey(bytes, key, self.shape) else { return try JSONScanner.value(bytes, value) }
        switch name {
        case .model:
            try self.once(.model, "model")
            let end = try JSONScanner.value(bytes, value)
            try self.readModel(bytes, value..<end)
            return end
        case .stream:
            try self.once(.stream, "stream")
            let end = try JSONScanner.value(bytes, value)
            self.isStreaming = try Self.boolean(bytes, value, "stream")
            return end
        case .streamOptions:
            try self.once(.streamOptions, "stream_options")
            return try self.readStreamOptions(bytes, value)
        case .maxTokens:
            try self.once(.maxTokens, "max_tokens")
            let end = try JSONScanner.value(bytes, value)
            let limit = try Self.limit(bytes, value..<end, "max_tokens", least: self.shape.leastMaxTokens)
            self.readLimit(limit, bytes, key)
            return end
        case .maxCompletionTokens:
            try self.once(.maxCompletionTokens, "max_completion_tokens")
            let end = try JSONScanner.value(bytes, value)
            let limit = try Self.limit(bytes, value..<end, "max_completion_tokens", least: 1)
            self.readLimit(limit, bytes, key)
            return end
        case .choices:
            let end = try JSONScanner.value(bytes, value)
            // What is no count is the upstream's to refuse.
            let count = try? Self.limit(bytes, value..<end, "n", least: 1)
            self.choices = max(self.choices, count ?? 1)
            return end
        case .user:
            let end = try JSONScanner.value(bytes, value)
            self.readUser(bytes, value..<end)
            return end
        case .metadata: return try self.readMetadata(bytes, value)
        case .content:
            try self.once(.content, "\(self.shape.contentKey)")
            return try self.readContent(bytes, value)
        case .countedRequest:
            self.hasCountedRequest = true
            return try JSONScanner.value(bytes, value)
        case .searchOptions:
            if bytes[value] != UInt8(ascii: "n") { self.hasSearchOptions = true }
            return try JSONScanner.value(bytes, value)
        case .feature(.tools):
            var scan = JSONToolScan()
            let end = try scan.value(bytes, value)
            self.toolSearches = max(self.toolSearches, scan.searches)
            self.features.formUnion(RequestPeekFeature.tools.features(bytes, value..<end))
            return end
        case .feature(let name):
            let end = try JSONScanner.value(bytes, value)
            self.features.formUnion(name.features(bytes, value..<end))
            if name == .settings { self.readSettings(bytes, key, value..<end) }
            return end
        }
    }

    /// Notes a limit at the top, unless it is another dialect's: an upstream may pass over that one.
    private mutating func readLimit(_ limit: Int?, _ bytes: Span<UInt8>, _ key: JSONObjectCursor.Key) {
        guard let limit, self.shape.limitObjects.isEmpty, Self.isOne(bytes, key, of: self.shape.limitKeys) else {
            return
        }
        self.maxTokens = max(self.maxTokens ?? 0, limit)
    }

    private mutating func readSettings(_ bytes: Span<UInt8>, _ key: JSONObjectCursor.Key, _ range: Range<Int>) {
        self.choices = max(self.choices, RequestPeekFeature.choices(bytes, range))
        guard Self.isOne(bytes, key, of: self.shape.limitObjects) else { return }
        if let limit = RequestPeekFeature.outputLimit(bytes, range, self.shape.limitKeys) {
            self.maxTokens = max(self.maxTokens ?? 0, limit)
        } else {
            self.hasNoLimit = true
        }
    }

    private static func isOne(_ bytes: Span<UInt8>, _ key: JSONObjectCursor.Key, of names: [StaticString]) -> Bool {
        for name in names where JSONScanner.isKey(bytes, key, name) { return true }
        return false
    }

    private mutating func once(_ key: Set, _ name: String) throws(NeedletailError) {
        guard self.seen.insert(key).inserted else {
            throw Self.invalid(name, "stands twice in the body, which two parsers may read in two ways")
        }
    }

    static func invalid(_ name: String, _ what: String) -> NeedletailError {
        NeedletailError(.invalidRequest, "\(name): \(what).", parameter: name)
    }

    private mutating func readModel(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(NeedletailError) {
        guard bytes[range.lowerBound] == UInt8(ascii: "\"") else { throw Self.invalid("model", "must be a string") }
        guard range.count > 2 else { throw Self.invalid("model", "must not be empty") }
        guard range.count <= Self.maximumModelLength else {
            throw Self.invalid("model", "must not be longer than \(Self.maximumModelLength) bytes")
        }
        self.model = JSONScanner.text(bytes, range)
        self.landmarks.model = range
    }

    private mutating func readContent(_ bytes: Span<UInt8>, _ value: Int) throws -> Int {
        var scan = JSONContentScan()
        let end = try scan.value(bytes, value)
        let name = "\(self.shape.contentKey)"
        if self.shape.isFree { return end }
        if bytes[value] == UInt8(ascii: "n"), self.shape.isContentOptional { return end }
        let isText = self.shape.takesText && bytes[value] == UInt8(ascii: "\"")
        guard isText || bytes[value] == UInt8(ascii: "[") else { throw Self.invalid(name, "must be an array") }
        guard isText || scan.elements > 0 || self.shape.isContentOptional else {
            throw Self.invalid(name, "must not be empty")
        }
        if self.shape.takesPrompts, !isText {
            // A list of numbers is one prompt, of tokens.
            let first = bytes[JSONScanner.skipWhitespace(bytes, value + 1)]
            let isTokens = first == UInt8(ascii: "-") || first &- 0x30 < 10
            if !isTokens { self.prompts = max(1, scan.elements) }
        }
        if scan.images > 0 { self.features.insert(.images) }
        if scan.documents > 0 { self.features.insert(.documents) }
        if scan.audio > 0 { self.features.insert(.audio) }
        self.content = scan
        return end
    }

    /// A longer name is none that a budget can be kept for; what is no text is the upstream's to refuse.
    private mutating func readUser(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard bytes[range.lowerBound] == UInt8(ascii: "\""), (3...258).contains(range.count) else { return }
        self.user = JSONScanner.text(bytes, range)
    }

    /// Anthropic's clients name the user in here.
    private mutating func readMetadata(_ bytes: Span<UInt8>, _ value: Int) throws -> Int {
        guard bytes[value] == UInt8(ascii: "{") else { return try JSONScanner.value(bytes, value) }
        var cursor = JSONObjectCursor(at: value)
        while let key = try cursor.next(bytes) {
            let end = try JSONScanner.value(bytes, cursor.valueStart)
            if JSONScanner.isKey(bytes, key, "user_id") { self.readUser(bytes, cursor.valueStart..<end) }
            cursor.valueEnded(at: end)
        }
        return cursor.end
    }

    private mutating func readStreamOptions(_ bytes: Span<UInt8>, _ value: Int) throws -> Int {
        guard bytes[value] == UInt8(ascii: "{") else {
            let end = try JSONScanner.value(bytes, value)
            guard bytes[value] == UInt8(ascii: "n") else { throw Self.invalid("stream_options", "must be an object") }
            self.landmarks.streamOptions = value..<end
            return end
        }
        var cursor = JSONObjectCursor(at: value)
        while let key = try cursor.next(bytes) {
            let end = try JSONScanner.value(bytes, cursor.valueStart)
            if JSONScanner.isKey(bytes, key, "include_usage") {
                let name = "stream_options.include_usage"
                self.landmarks.asksForStreamUsage = try Self.boolean(bytes, cursor.valueStart, name) ?? false
            }
            cursor.valueEnded(at: end)
        }
        self.landmarks.streamOptions = value..<cursor.end
        return cursor.end
    }

    /// The boolean that was scanned at `value`; `nil` for `null`.
    private static func boolean(_ bytes: Span<UInt8>, _ value: Int, _ name: String) throws(NeedletailError) -> Bool? {
        switch bytes[value] {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        case UInt8(ascii: "n"): return nil
        default: throw Self.invalid(name, "must be a boolean")
        }
    }

    /// The limit that was scanned at `range`; `nil` for `null`. A number too large to matter is cut to `Int32.max`, so
    /// that sums and products of it cannot overflow.
    private static func limit(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ name: String, least: Int
    ) throws(NeedletailError) -> Int? {
        let first = bytes[range.lowerBound]
        if first == UInt8(ascii: "n") { return nil }
        guard first == UInt8(ascii: "-") || first &- 0x30 < 10 else {
            throw Self.invalid(name, "must be a positive whole number")
        }
        let most = Int(Int32.max)
        var value = 0
        for index in range {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return try Self.oddLimit(bytes, range, name) }
            value = min(most, value &* 10 &+ Int(digit))
        }
        guard value >= least else { throw Self.invalid(name, "must be a positive whole number") }
        return value
    }

    /// A number that is spelled with a sign, point or exponent; `256.0` and `1e3` are whole.
    private static func oddLimit(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ name: String
    ) throws(NeedletailError)
        -> Int
    {
        guard range.count <= 64, let number = Double(JSONScanner.spelling(bytes, range)), number > 0,
            number.rounded() == number
        else {
            throw Self.invalid(name, "must be a positive whole number")
        }
        return Int(min(number, Double(Int32.max)))
    }
}
