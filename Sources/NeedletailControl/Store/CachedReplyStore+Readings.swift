import NeedletailCore

extension CachedReplyStore {
    /// What has happened, for the metrics.
    var readings: [MetricReading] {
        let counts = self.counts
        func samples(_ name: String, _ parts: [(String, Int)]) -> [(MetricLabels, Int)] {
            parts.map { (MetricLabels([name: $0.0]), $0.1) }
        }
        return [
            .counter(
                "needletail_cache_store_lookups_total",
                "Replies that were looked for in the store's part of the cache.",
                samples(
                    "result",
                    [
                        ("hit", counts.hits), ("miss", counts.misses), ("late", counts.late), ("failed", counts.failed),
                    ])),
            .counter(
                "needletail_cache_store_replies_total", "Replies that the store's part of the cache was to keep.",
                samples(
                    "outcome",
                    [("written", counts.written), ("dropped", counts.dropped), ("evicted", counts.evicted)])),
        ]
    }

    /// Writes a member of the admin API's answer.
    func write(into json: inout JSONWriter) {
        let counts = self.counts
        json.member("store") { json in
            json.member("hits", counts.hits)
            json.member("misses", counts.misses)
            json.member("late", counts.late)
            json.member("failed", counts.failed)
            json.member("written", counts.written)
            json.member("dropped", counts.dropped)
            json.member("evictions", counts.evicted)
            json.member("bytes", counts.bytes)
        }
    }
}
