import NIOHTTP1
import NeedletailCore

/// The groups: names that clients may ask for, and where they lead.
struct GroupsRoom: AdminRoom {
    let title = "Groups"
    private let subjects: OverlaySubjects

    init(_ running: RunningConfiguration, time: TimeSource) {
        self.subjects = OverlaySubjects(running: running, section: .models, kind: "group", time: time)
    }

    private static let definition = "What the configuration file has under the group's name."

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/groups", .read, "All groups; the one for names that nobody else knows is `default`.",
                query: AdminField.page
            ) { request throws(AdminError) in
                let current = self.subjects.running.current
                return try AdminPage.reply(self.subjects.names(current), for: request, name: { $0 }) {
                    self.write($1, current, into: &$0)
                }
            },
            AdminRoute(.GET, "/groups/{name}", .read, "One group.") { request throws(AdminError) in
                let current = self.subjects.running.current
                _ = try self.subjects.node(request["name"], current)
                return self.reply(request["name"], current)
            },
            AdminRoute(
                .PUT, "/groups/{name}", .configure, "Makes a group or replaces its definition.",
                body: .object(summary: Self.definition)
            ) { request throws(AdminError) in
                let name = request["name"]
                let node = try self.subjects.node(of: request, name)
                return self.reply(name, try self.subjects.replace(request, name, with: node, exists: nil))
            },
            AdminRoute(
                .PATCH, "/groups/{name}", .configure, "Changes members of a group's definition (JSON Merge Patch).",
                body: .object(summary: Self.definition)
            ) { request throws(AdminError) in
                let node = try self.subjects.node(of: request, request["name"])
                return self.reply(request["name"], try self.subjects.merge(request, request["name"], node))
            },
            AdminRoute(
                .POST, "/groups/{name}/weights", .operate,
                "Gives targets other weights: a number for each, by its `to`.",
                body: .object(summary: #"For example {"main/gpt-4o": 9, "spare/gpt-4o": 1}."#), handler: self.weigh),
            AdminRoute(.DELETE, "/groups/{name}", .configure, "Takes out a group that no other needs.", status: 204) {
                request throws(AdminError) in
                _ = try self.subjects.remove(request, request["name"])
                return .nothing
            },
            AdminRoute(.POST, "/groups/{name}/enable", .operate, "Lets a group be asked for again.") {
                request throws(AdminError) in
                self.reply(request["name"], try self.subjects.enable(request, request["name"], true))
            },
            AdminRoute(.POST, "/groups/{name}/disable", .operate, "Makes a group unknown to clients.") {
                request throws(AdminError) in
                self.reply(request["name"], try self.subjects.enable(request, request["name"], false))
            },
        ]
    }

    private func reply(_ name: String, _ current: RunningConfiguration.Current) -> AdminReply {
        .object(etag: self.subjects.etag(name, current)) { self.write(name, current, into: &$0) }
    }

    private func write(_ name: String, _ current: RunningConfiguration.Current, into json: inout JSONWriter) {
        let subject = self.subjects.subject(name, current)
        guard let node = current.loaded.effective.subject(subject) else { return }
        self.subjects.write(name, node, current, into: &json)
        let configuration = current.configuration
        guard let group = subject.section == .default ? configuration.defaultGroup : configuration.group(name) else {
            return
        }
        json.member("strategy", group.strategy.rawValue)
        json.member("max_attempts", group.maxAttempts)
        // Those that are switched off, or whose provider is, are not there.
        json.member("targets", objects: group.targets) { json, target in
            switch target.destination {
            case .group(let name):
                json.member("group", name)
            case .provider(let name, let model):
                json.member("provider", name)
                json.member("model", model)
                let provider = configuration.provider(name)
                json.member("weight", number: target.weight ?? provider?.weight ?? 1)
                json.member("priority", target.priority ?? provider?.priority ?? 1)
            }
        }
    }

    private func weigh(_ request: AdminRequest) async throws(AdminError) -> AdminReply {
        let name = request["name"]
        let weights = try self.subjects.node(of: request, name)
        let current = try self.subjects.change(request, name, exists: true) {
            overlay, subject, current throws(AdminError) in
            let node = try self.subjects.node(name, current)
            var targets = node["targets"]?.elements ?? []
            let names = targets.map { $0.text("to") ?? $0.scalar?.text ?? "" }
            for weight in weights.entries {
                guard names.contains(weight.key) else {
                    throw .unknown("target of the group '\(name)'", weight.key, among: names)
                }
                for index in targets.indices where names[index] == weight.key {
                    let target = targets[index]
                    let mapping =
                        target.scalar == nil ? target : ConfigurationNode.emptyMapping.setting("to", to: target)
                    targets[index] = mapping.setting("weight", to: weight.value)
                }
            }
            let list = ConfigurationNode(position: weights.position, content: .sequence(targets))
            overlay.merge(
                ConfigurationNode.emptyMapping.setting("targets", to: list), into: subject, by: request.caller.name,
                at: self.subjects.time.wallSeconds())
        }
        return self.reply(name, current)
    }
}
