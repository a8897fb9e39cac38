import NIOHTTP1
import NeedletailCore
import NeedletailRouting

/// The circuit breakers, one for each model at each provider.
struct BreakersRoom: AdminRoom {
    let title = "Circuit breakers"
    private let running: RunningConfiguration
    private let time: TimeSource

    init(_ running: RunningConfiguration, time: TimeSource) {
        self.running = running
        self.time = time
    }

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/breakers", .read, "All circuit breakers: state, failures, when an open one is tried again.",
                query: AdminField.page
            ) { request throws(AdminError) in
                let all = self.running.current.stack.deployments.all
                return try AdminPage.reply(all, for: request, name: \.key.description) { self.write($1, into: &$0) }
            },
            AdminRoute(
                .GET, "/breakers/{name}", .read, "Those of `provider/model`, or all of a provider.",
                handler: { request throws(AdminError) in try self.change(request) { _, _ in } }),
            AdminRoute(
                .POST, "/breakers/{name}/reset", .operate,
                "Closes them, forgets failures, orders, and that a provider asked not to be called."
            ) { request throws(AdminError) in
                try self.change(request) { gate, _ in
                    gate.breaker.reset()
                    gate.wake()
                }
            },
            AdminRoute(
                .POST, "/breakers/{name}/trip", .operate, "Opens them as failures do; they recover by themselves."
            ) {
                request throws(AdminError) in
                try self.change(request) { gate, now in gate.breaker.trip(now: now) }
            },
            AdminRoute(
                .POST, "/breakers/{name}/force", .operate, "Holds them open or closed until they are released.",
                body: .fields([AdminField("state", .word(["open", "closed"]), "How.", isRequired: true)])
            ) { request throws(AdminError) in
                let isOpen = request.body?["state"]?.string == "open"
                return try self.change(request) { gate, _ in gate.breaker.force(isOpen ? .open : .closed) }
            },
            AdminRoute(.POST, "/breakers/{name}/release", .operate, "Lets forced ones go on from where they were.") {
                request throws(AdminError) in
                try self.change(request) { gate, _ in gate.breaker.force(nil) }
            },
        ]
    }

    /// Does something to those of a name, and shows them.
    private func change(
        _ request: AdminRequest, _ change: (AdmissionGate, Instant) -> Void
    ) throws(AdminError) -> AdminReply {
        let (all, name, now) = (self.running.current.stack.deployments.all, request["name"], self.time.now())
        let exact = all.filter { $0.key.description == name && $0.key.model != nil }
        let meant = exact.isEmpty ? all.filter { $0.key.provider.rawValue == name } : exact
        guard !meant.isEmpty else { throw .unknown("circuit breaker", name, among: all.map(\.key.description)) }
        for deployment in meant { change(deployment.gate, now) }
        return .object { json in
            json.member("data", objects: meant) { self.write($1, into: &$0) }
        }
    }

    private func write(_ deployment: Deployment, into json: inout JSONWriter) {
        let now = self.time.now()
        let snapshot = deployment.gate.breaker.snapshot(now: now)
        json.member("name", deployment.key.description)
        json.member("state", snapshot.word)
        json.member("phase", snapshot.phase.rawValue)
        json.member("consecutive_failures", snapshot.consecutiveFailures)
        json.member("window_calls", snapshot.windowCalls)
        json.member("window_failures", snapshot.windowFailures)
        json.member("openings", snapshot.openings)
        json.member("probes", snapshot.probes)
        json.member("seconds_until_probe", seconds: snapshot.opensUntil.map { max(.zero, $0.duration(since: now)) })
        json.member(
            "seconds_of_rest", seconds: deployment.gate.rest(now: now).map { max(.zero, $0.duration(since: now)) })
    }
}
