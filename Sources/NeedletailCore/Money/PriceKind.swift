/// What a provider bills for. The raw value is the kind's place in ``PriceRates``.
public enum PriceKind: Int, Sendable, Hashable, CaseIterable {
    /// An input token of no special kind.
    case input
    /// An output token of no special kind.
    case output
    /// An input token read from a prompt cache.
    case cachedInput
    /// An input token written to a prompt cache that keeps it for five minutes.
    case cacheWrite
    /// An input token written to a prompt cache that keeps it for an hour.
    case cacheWrite1h
    /// An output token of reasoning.
    case reasoning
    /// An input token of sound.
    case audioInput
    /// An output token of sound.
    case audioOutput
    /// An input token of a picture.
    case imageInput
    /// An output token of a picture.
    case imageOutput
    /// A picture that was made.
    case image
    /// A request, whatever is in it.
    case request
    /// A web search that the provider ran.
    case search
    /// A web search of the dearest sort, where a provider has several and does not tell which it was.
    case searchMaximum

    /// The name in configuration, commands and documentation.
    public var name: String {
        switch self {
        case .input: "input"
        case .output: "output"
        case .cachedInput: "cached_input"
        case .cacheWrite: "cache_write"
        case .cacheWrite1h: "cache_write_1h"
        case .reasoning: "reasoning"
        case .audioInput: "audio_input"
        case .audioOutput: "audio_output"
        case .imageInput: "image_input"
        case .imageOutput: "image_output"
        case .image: "image"
        case .request: "request"
        case .search: "search"
        case .searchMaximum: "search_maximum"
        }
    }

    /// Whether the unit is a token, of which people name prices by the million.
    public var isToken: Bool { self.rawValue <= Self.imageOutput.rawValue }
}
