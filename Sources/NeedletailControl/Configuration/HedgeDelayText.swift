import NeedletailRouting

/// Reads when a second target is asked: `p95`, `p99.9` or a duration.
enum HedgeDelayText {
    static func parse(_ text: String) -> HedgePolicy.Delay? {
        if text.hasPrefix("p") {
            guard let percent = Double(text.dropFirst()), percent >= 50, percent < 100 else { return nil }
            return .percentile(percent / 100)
        }
        guard let duration = DurationText.parse(text), duration > .zero else { return nil }
        return .fixed(duration)
    }
}
