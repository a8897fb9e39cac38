import NeedletailCore

/// What calls cost, to the pico-dollar.
enum GoldenCosts {
    struct Row: Sendable, CustomStringConvertible {
        var type: String
        var model: String
        var usage: Usage
        var expected: Int128
        var description: String
    }

    static let all: [Row] = Self.rows.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        guard words.count > 4, let expected = words.last.flatMap({ Int128($0) }) else { return nil }
        var usage = Usage()
        for word in words.dropFirst(2).dropLast(2) {
            let sides = word.split(separator: ":")
            let count = sides.count == 2 ? Int(sides[1]) ?? 0 : 0
            switch sides[0] {
            case "i": usage.inputTokens = count
            case "o": usage.outputTokens = count
            case "r": usage.cachedInputTokens = count
            case "w": usage.cacheWriteTokens = count
            case "h": usage.cacheWrite1hTokens = count
            case "t": usage.reasoningTokens = count
            case "ai": usage.audioInputTokens = count
            case "ao": usage.audioOutputTokens = count
            case "ii": usage.imageInputTokens = count
            case "io": usage.imageOutputTokens = count
            case "im": usage.images = count
            case "s": usage.webSearches = count
            default: usage.serviceTier = ServiceTier(rawValue: String(word))
            }
        }
        return Row(
            type: String(words[0]), model: String(words[1]), usage: usage, expected: expected, description: String(line)
        )
    }
}
