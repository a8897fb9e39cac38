/// Checks a request's list of tools and counts, on the way, the searches that the provider may run for it.
///
/// A search is billed apart from tokens, and no limit on output bounds it.
package struct JSONToolScan: JSONTape, Sendable {
    /// Searches that are reckoned with where a tool names no limit (`max_uses`): most answers take fewer.
    package static let unlimitedSearches = 10
    /// A larger limit is none that anybody means.
    private static let mostSearches = 10_000

    /// The searches of the tools that have been read.
    package private(set) var searches = 0

    private enum Key { case type, limit, other }
    private var key = Key.other
    private var depth = 0
    /// How deep the members of a tool are: 2 in a list of tools, 1 in a tool alone.
    private var toolDepth = 0
    /// Whether the tool being read searches, and the limit that it names.
    private var isSearch = false
    private var limit: Int?

    /// Nothing seen.
    package init() {}

    /// Scans the value at `start` and returns the offset after it.
    package mutating func value(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        try JSONParser.value(bytes, start, into: &self)
    }

    mutating func key(_ bytes: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool) {
        self.key = .other
        // Schemas inside a tool may have members of these names.
        guard self.depth == self.toolDepth else { return }
        // What is spelled so that it is not recognised may be anything.
        if hasEscapes { self.isSearch = true }
        switch range.count {
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"type\""): self.key = .type
        case 10 where JSONScanner.matches(bytes, range.lowerBound, "\"max_uses\""): self.key = .limit
        // Google's tools say what they are by their key.
        case 14 where JSONScanner.matches(bytes, range.lowerBound, "\"googleSearch\""): self.isSearch = true
        case 15 where JSONScanner.matches(bytes, range.lowerBound, "\"google_search\""): self.isSearch = true
        default: break
        }
    }

    mutating func scalar(_ bytes: Span<UInt8>, _ kind: JSONKind, _ range: Range<Int>, hasEscapes: Bool) {
        switch self.key {
        case .type where hasEscapes || JSONScanner.matches(bytes, range.lowerBound, "\"web_search"):
            self.isSearch = true
        // Of several, the largest: which of them counts is the provider's to say.
        case .limit:
            let limit = Int(JSONScanner.spelling(bytes, range)) ?? Self.unlimitedSearches
            self.limit = max(self.limit ?? 0, min(max(0, limit), Self.mostSearches))
        default: break
        }
        self.key = .other
    }

    mutating func open(_ kind: JSONKind, at start: Int) {
        if self.depth == 0 { self.toolDepth = kind == .array ? 2 : 1 }
        self.depth &+= 1
        self.key = .other
        guard self.depth == self.toolDepth else { return }
        (self.isSearch, self.limit) = (false, nil)
    }

    mutating func close(at end: Int) {
        if self.depth == self.toolDepth, self.isSearch { self.searches &+= self.limit ?? Self.unlimitedSearches }
        self.depth &-= 1
    }
}
