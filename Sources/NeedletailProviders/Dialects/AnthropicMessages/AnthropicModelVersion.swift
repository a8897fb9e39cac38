/// What a model's name says about which request fields the model takes.
///
/// Anthropic names models `claude-FAMILY-MAJOR[-MINOR][-DATE]`, before the fourth generation `claude-MAJOR[-MINOR]-FAMILY`;
/// clouds put a vendor before and a version after it (`us.anthropic.claude-opus-4-6-v1:0`, `claude-sonnet-4-5@20250929`).
struct AnthropicModelVersion: Equatable {
    /// The generation.
    var major: Int
    /// The step within it.
    var minor: Int

    /// Reads a model's name; `nil` if it is not Anthropic's.
    init?(_ model: String) {
        let words = model.lowercased().split(whereSeparator: { "-.@_:/".contains($0) })
        guard let start = words.lastIndex(where: { $0 == "claude" }) else { return nil }
        // At most two digits: eight are a date.
        let numbers = words[(start + 1)...].drop(while: { Self.number($0) == nil })
        guard let first = numbers.first, let major = Self.number(first) else { return nil }
        self.major = major
        self.minor = numbers.dropFirst().first.flatMap(Self.number) ?? 0
    }

    private static func number(_ word: Substring) -> Int? {
        word.count <= 2 ? Int(word) : nil
    }

    /// Whether this is that version or a later one.
    func isAtLeast(_ major: Int, _ minor: Int) -> Bool {
        self.major > major || self.major == major && self.minor >= minor
    }

    /// Whether the model can reason at all (Claude 3.7 was the first).
    var canThink: Bool { self.isAtLeast(3, 7) }
    /// Whether the model takes `thinking: adaptive` with `output_config.effort` instead of a budget (since 4.6).
    var thinksAdaptively: Bool { self.isAtLeast(4, 6) }
    /// Whether the model takes the efforts above `high` (since 4.6 `max`, since 4.7 `xhigh`).
    var takesExtraHighEffort: Bool { self.isAtLeast(4, 7) }
    /// Whether the model refuses `temperature` beside `top_p` (since Opus 4.1).
    var takesOneSamplingField: Bool { self.isAtLeast(4, 1) }
    /// Whether the model refuses sampling fields other than their defaults (since 4.7).
    var takesNoSampling: Bool { self.isAtLeast(4, 7) }
}
