import NIOHTTP1
import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import NeedletailTransport

/// The providers: how they are, and their coming and going while requests run.
struct ProvidersRoom: AdminRoom {
    let title = "Providers"
    private let subjects: OverlaySubjects

    init(_ running: RunningConfiguration, time: TimeSource) {
        self.subjects = OverlaySubjects(running: running, section: .providers, kind: "provider", time: time)
    }

    private static let definition =
        "What the configuration file has under the provider's name; secrets as { env: NAME } or literally, no files."

    /// How often a drain looks whether it is over.
    private static let drainLook = Duration.milliseconds(50)

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/providers", .read, "All providers: state, calls that run, health, definition without secrets.",
                query: AdminField.page, handler: self.list),
            AdminRoute(
                .POST, "/providers", .configure, "Registers a provider: its definition, and its `name`.",
                body: .object(summary: Self.definition), status: 201, handler: self.register),
            AdminRoute(.GET, "/providers/{name}", .read, "One provider.", handler: self.show),
            AdminRoute(
                .PUT, "/providers/{name}", .configure, "Registers a provider or replaces its definition.",
                body: .object(summary: Self.definition)
            ) { request throws(AdminError) in
                let name = request["name"]
                let node = try self.subjects.node(of: request, name)
                return self.reply(name, try self.subjects.replace(request, name, with: node, exists: nil))
            },
            AdminRoute(
                .PATCH, "/providers/{name}", .configure,
                "Changes members of a provider's definition (JSON Merge Patch).",
                body: .object(summary: Self.definition)
            ) { request throws(AdminError) in
                let node = try self.subjects.node(of: request, request["name"])
                return self.reply(request["name"], try self.subjects.merge(request, request["name"], node))
            },
            AdminRoute(
                .DELETE, "/providers/{name}", .configure,
                "Deregisters a provider that no group needs; calls that run end in peace.", status: 204
            ) { request throws(AdminError) in
                _ = try self.subjects.remove(request, request["name"])
                return .nothing
            },
            AdminRoute(.POST, "/providers/{name}/enable", .operate, "Lets a provider be asked again.") {
                request throws(AdminError) in
                self.reply(request["name"], try self.subjects.enable(request, request["name"], true))
            },
            AdminRoute(
                .POST, "/providers/{name}/disable", .operate, "Sends a provider no more requests; those that run end."
            ) { request throws(AdminError) in
                self.reply(request["name"], try self.subjects.enable(request, request["name"], false))
            },
            AdminRoute(
                .POST, "/providers/{name}/drain", .operate,
                "Disables a provider and waits until nothing runs there any more: `drained` says whether it is so.",
                body: .fields([
                    AdminField("timeout", .integer(0...600), "How many seconds to wait at most; 0 when left out.")
                ]),
                handler: self.drain),
        ]
    }

    // MARK: Reading

    private func list(_ request: AdminRequest) async throws(AdminError) -> AdminReply {
        let current = self.subjects.running.current
        // One that was deregistered is shown for as long as calls to it run.
        let leftovers = self.subjects.running.retired.filter { self.subjects.running.leftovers(of: $0) > 0 }
        let names = Set(self.subjects.names(current)).union(leftovers)
        return try AdminPage.reply(Array(names), for: request, name: { $0 }) { self.write($1, current, into: &$0) }
    }

    private func show(_ request: AdminRequest) async throws(AdminError) -> AdminReply {
        let current = self.subjects.running.current
        _ = try self.subjects.node(request["name"], current)
        return self.reply(request["name"], current)
    }

    private func reply(_ name: String, _ current: RunningConfiguration.Current) -> AdminReply {
        .object(etag: self.subjects.etag(name, current)) { self.write(name, current, into: &$0) }
    }

    private func write(_ name: String, _ current: RunningConfiguration.Current, into json: inout JSONWriter) {
        let id = ProviderID(name)
        let entry = current.stack.upstreams.first { $0.provider.id == id }
        let deployments = current.stack.deployments.all.filter { $0.key.provider == id }
        let running =
            entry == nil
            ? self.subjects.running.leftovers(of: name) : deployments.reduce(0) { $0 + $1.statistics.inFlight }
        if let node = current.loaded.effective.subject(.init(section: .providers, name: name)) {
            self.subjects.write(name, node, current, into: &json)
        } else {
            json.member("name", name)
            json.member("enabled", false)
        }
        json.member("type", entry?.spec.type)
        json.member("base_url", entry?.pools.first?.origin.description)
        json.member("state", entry != nil ? "active" : running > 0 ? "draining" : "disabled")
        json.member("in_flight", running)
        if let status = current.stack.monitor.snapshot()[id] {
            json.member("check") { json in
                json.key("healthy")
                if let isHealthy = status.isHealthy { json.bool(isHealthy) } else { json.null() }
                if let time = status.lastSuccess { json.member("last_success", time: time) }
                json.member("last_error", status.lastError)
            }
        }
        guard entry != nil else { return }
        let now = self.subjects.time.now()
        json.member("deployments", objects: deployments) { json, deployment in
            let statistics = deployment.statistics
            json.key("model")
            if let model = deployment.key.model { json.string(model) } else { json.null() }
            json.member("in_flight", statistics.inFlight)
            json.member("health", number: statistics.health(now: now))
            json.member("error_rate", number: statistics.errorRate)
            json.member("latency_ms", number: statistics.meanLatency.map { $0 / 1e6 })
            json.member("headroom", number: statistics.headroom)
        }
    }

    // MARK: Changing

    private func register(_ request: AdminRequest) async throws(AdminError) -> AdminReply {
        guard let name = request.body?["name"]?.string else { throw .badField("name", "is missing; it is a text") }
        let node = try self.subjects.node(of: request, name).setting("name", to: nil)
        return self.reply(name, try self.subjects.replace(request, name, with: node, exists: false))
    }

    private func drain(_ request: AdminRequest) async throws(AdminError) -> AdminReply {
        let name = request["name"]
        let current = try self.subjects.enable(request, name, false)
        let time = self.subjects.time
        let end = time.now().advanced(by: .seconds(request.body?["timeout"]?.int ?? 0))
        var left = self.subjects.running.leftovers(of: name)
        while left > 0, time.now() < end {
            do { try await time.sleep(min(end, time.now().advanced(by: Self.drainLook))) } catch { break }
            left = self.subjects.running.leftovers(of: name)
        }
        return .object(etag: self.subjects.etag(name, current)) { json in
            json.member("name", name)
            json.member("drained", left == 0)
            json.member("in_flight", left)
        }
    }
}
