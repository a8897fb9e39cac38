/// Whose model a name means, as far as that decides which fields of its own it takes.
///
/// Names are `[REGION.]VENDOR.MODEL`, or the ARN of such a model or of an inference profile, which says nothing.
enum BedrockModelFamily {
    case claude, nova, gptOSS, command, mistral, other

    /// The marks of the families; a vendor's name ends in a dot.
    private static let marks: [(String, BedrockModelFamily)] = [
        ("claude", .claude), ("amazon.nova", .nova), ("gpt-oss", .gptOSS), ("cohere.command", .command),
        ("mistral.", .mistral),
    ]

    init(model: String) {
        let name = model.lowercased()
        self = Self.marks.first { name.contains($0.0) }?.1 ?? .other
    }

    /// Whether the models take `cachePoint`; of a profile nobody knows, and the request says.
    var mayCache: Bool {
        switch self {
        case .claude, .nova, .other: true
        case .gptOSS, .command, .mistral: false
        }
    }
}
