import NIOHTTP1
import NeedletailCore

/// What is going on.
struct OverviewRoom: AdminRoom {
    /// What the counts of one model or provider come to.
    private struct Share {
        var name: String
        var requests = 0
        var failures = 0
        var inputTokens = 0
        var outputTokens = 0
        var picoDollars: Int64 = 0
        var latency = LatencyCounts()
    }

    /// How many models and providers are shown.
    private static let shown = 20

    let title = "Overview"
    let log: RecentRequests
    let time: TimeSource

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/overview", .read,
                "The traffic of the last hour in steps of ten seconds, of the last five minutes in all, and its shares.",
                query: [AdminField("minutes", .integer(1...60), "How long the series reaches back; 60 when left out.")]
            ) { request throws(AdminError) in
                self.overview(minutes: request.query["minutes"].flatMap { Int($0) } ?? 60)
            }
        ]
    }

    private func overview(minutes: Int) -> AdminReply {
        let slots = self.log.series(minutes * 6)
        var recent = TrafficSeriesState.Slot()
        for slot in slots.suffix(30) { recent.add(slot) }
        let records = self.log.newest(Int.max).entries.map(\.record)
        return .object { json in
            json.member("now", Int(self.time.wallSeconds()))
            json.member("step_seconds", Int(TrafficSeriesState.step))
            json.member("series") { json in
                json.member("requests", integers: slots.map(\.requests))
                json.member("failures", integers: slots.map(\.failures))
                json.member("refusals", integers: slots.map(\.refusals))
                json.member("abandoned", integers: slots.map(\.abandoned))
                json.member("attempts", integers: slots.map(\.attempts))
                json.member("input_tokens", integers: slots.map(\.inputTokens))
                json.member("output_tokens", integers: slots.map(\.outputTokens))
                json.member("cost_usd", numbers: slots.map { Double($0.picoDollars) / 1e12 })
                json.member("p50_ms", numbers: slots.map { $0.latency.percentile(0.5) })
                json.member("p95_ms", numbers: slots.map { $0.latency.percentile(0.95) })
                json.member("first_token_p50_ms", numbers: slots.map { $0.firstToken.percentile(0.5) })
                json.member("first_token_p95_ms", numbers: slots.map { $0.firstToken.percentile(0.95) })
            }
            json.member("last_five_minutes") { json in
                json.member("requests", recent.requests)
                json.member("failures", recent.failures)
                json.member("refusals", recent.refusals)
                json.member("abandoned", recent.abandoned)
                json.member("attempts", recent.attempts)
                json.member("input_tokens", recent.inputTokens)
                json.member("output_tokens", recent.outputTokens)
                json.member("cost_usd", picoDollars: recent.picoDollars)
                for (key, share) in [("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)] as [(StaticString, Double)] {
                    json.member(key, number: recent.latency.percentile(share))
                }
                json.member("first_token_p50_ms", number: recent.firstToken.percentile(0.5))
                json.member("first_token_p95_ms", number: recent.firstToken.percentile(0.95))
            }
            json.member("requests_kept", records.count)
            Self.write("models", Self.shares(records) { $0.model.isEmpty ? nil : String($0.model.prefix(256)) }, &json)
            Self.write("providers", Self.shares(records) { $0.provider?.rawValue }, &json)
            Self.write("keys", Self.shares(records) { $0.keyName }, &json)
        }
    }

    /// The kept requests by a name, the most asked first.
    private static func shares(_ records: [RequestRecord], by name: (RequestRecord) -> String?) -> [Share] {
        var shares: [String: Share] = [:]
        for record in records {
            guard let name = name(record) else { continue }
            var share = shares.removeValue(forKey: name) ?? Share(name: name)
            share.requests += 1
            if case .failed = record.outcome.end { share.failures += 1 }
            share.inputTokens += record.outcome.usage?.inputTokens ?? 0
            share.outputTokens += record.outcome.usage?.outputTokens ?? 0
            share.picoDollars += record.cost.picoDollars ?? 0
            if record.isCommitted { share.latency.add(record.duration) }
            shares[name] = share
        }
        let sorted = shares.values.sorted { ($0.requests, $1.name) > ($1.requests, $0.name) }
        return Array(sorted.prefix(Self.shown))
    }

    private static func write(_ key: StaticString, _ shares: [Share], _ json: inout JSONWriter) {
        json.member(key, objects: shares) { json, share in
            json.member("name", share.name)
            json.member("requests", share.requests)
            json.member("failures", share.failures)
            json.member("input_tokens", share.inputTokens)
            json.member("output_tokens", share.outputTokens)
            json.member("cost_usd", picoDollars: share.picoDollars)
            json.member("p50_ms", number: share.latency.percentile(0.5))
            json.member("p95_ms", number: share.latency.percentile(0.95))
        }
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ key: StaticString, integers: [Int]) {
        self.key(key)
        self.beginArray()
        for integer in integers { self.int(integer) }
        self.endArray()
    }

    /// Writes a key and numbers with at most six digits after the point.
    fileprivate mutating func member(_ key: StaticString, numbers: [Double?]) {
        self.key(key)
        self.beginArray()
        for number in numbers {
            if let number, number.isFinite {
                let rounded = (number * 1e6).rounded() / 1e6
                self.raw(JSONText(unchecked: rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"))
            } else {
                self.null()
            }
        }
        self.endArray()
    }
}
