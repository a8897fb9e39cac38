import NIOHTTP1
import NeedletailCore

/// How long providers take, over time.
struct LatencyRoom: AdminRoom {
    let title = "Latency"
    let log: RecentRequests

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/latency", .read,
                "How many calls took how long at each provider in the last hour, by minute: `counts` has a list for each minute, the oldest first, with a count for each of `bounds_ms`, one for longer calls, and one for those that failed.",
                query: [
                    AdminField(
                        "minutes", .integer(1...ProviderLatencyState.columns),
                        "How far it reaches back; 60 when left out.")
                ]
            ) { request throws(AdminError) in
                let minutes = request.query["minutes"].flatMap { Int($0) } ?? ProviderLatencyState.columns
                let providers = self.log.latencies(minutes)
                return .object { json in
                    json.member("step_seconds", Int(ProviderLatencyState.step))
                    json.key("bounds_ms")
                    json.beginArray()
                    for bound in ProviderLatencyState.bounds { json.int(Int(bound)) }
                    json.endArray()
                    json.member("providers", objects: providers) { json, entry in
                        json.member("name", entry.provider.rawValue)
                        json.key("counts")
                        json.beginArray()
                        for column in entry.columns {
                            json.beginArray()
                            for count in column { json.int(count) }
                            json.endArray()
                        }
                        json.endArray()
                    }
                }
            }
        ]
    }
}
