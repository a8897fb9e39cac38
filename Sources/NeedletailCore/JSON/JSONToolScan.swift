/// Checks a request's list of tools and counts, on the way, the searches that the provider may run for it.
///
/// A search is billed apart from tokens, and no limit on output bounds it.
package struct JSONToolScan: JSONTape, Sendable {
    /// Searches that are reckoned with where a tool names no limit (`max_uses`): most answers take fewer.
    package static let unlimitedSearches = 10
    /// A larger limit is none that anybody means.
    private static let mostSearches = 10_000

    /// Tools that search.
    private var tools = 0
    /// Of these, those that name a limit, and the limits together.
    private var limited = 0
    private var limits = 0

    private enum Key { case type, limit, other }
    private var key = Key.other

    /// Nothing seen.
    package init() {}

    /// The most searches.
    package var searches: Int {
        guard self.tools > 0 else { return 0 }
        return self.limits &+ max(0, self.tools &- self.limited) &* Self.unlimitedSearches
    }

    /// Scans the value at `start` and returns the offset after it.
    package mutating func value(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        try JSONParser.value(bytes, start, into: &self)
    }

    mutating func key(_ bytes: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool) {
        self.key = .other
        switch range.count {
        case 6 where JSONScanner.matches(bytes, range.lowerBound, "\"type\""): self.key = .type
        case 10 where JSONScanner.matches(bytes, range.lowerBound, "\"max_uses\""): self.key = .limit
        // Google's tools say what they are by their key.
        case 14 where JSONScanner.matches(bytes, range.lowerBound, "\"googleSearch\""): self.tools &+= 1
        case 15 where JSONScanner.matches(bytes, range.lowerBound, "\"google_search\""): self.tools &+= 1
        default: break
        }
    }

    mutating func scalar(_ bytes: Span<UInt8>, _ kind: JSONKind, _ range: Range<Int>, hasEscapes: Bool) {
        switch self.key {
        case .type where JSONScanner.matches(bytes, range.lowerBound, "\"web_search"): self.tools &+= 1
        case .limit:
            self.limited &+= 1
            let limit = Int(JSONScanner.spelling(bytes, range)) ?? Self.unlimitedSearches
            self.limits &+= min(max(0, limit), Self.mostSearches)
        default: break
        }
        self.key = .other
    }

    mutating func open(_ kind: JSONKind, at start: Int) {
        self.key = .other
    }

    mutating func close(at end: Int) {}
}
