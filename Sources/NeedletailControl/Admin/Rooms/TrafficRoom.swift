import NIOHTTP1
import NeedletailCore
import NeedletailRouting

/// Rules, experiments, copies and shared calls.
struct TrafficRoom: AdminRoom {
    let title = "Traffic"
    /// The rules that hold now; `nil` while nothing serves.
    let rules: @Sendable () -> RoutingRules?
    /// The copies and shared calls of now.
    let traffic: @Sendable () -> GroupTraffic.Running

    var routes: [AdminRoute] {
        [
            AdminRoute(.GET, "/routes", .read, "The rules in the order in which they are looked at.") { _ in
                let rules = self.rules()?.rules ?? []
                return .object { json in
                    json.member("routes", objects: rules) { json, rule in
                        json.member("name", rule.name)
                        json.member("to", rule.destination.description)
                    }
                }
            },
            AdminRoute(.GET, "/experiments", .read, "All experiments with what their arms have shown.") { _ in
                let experiments = (self.rules()?.experiments ?? []).map { $0.snapshot() }
                return .object { json in json.member("experiments", objects: experiments) { $1.write(into: &$0) } }
            },
            AdminRoute(.GET, "/experiments/{name}", .read, "One experiment with what its arms have shown.") {
                request throws(AdminError) in
                let snapshot = try self.experiment(request["name"]).snapshot()
                return .object { snapshot.write(into: &$0) }
            },
            AdminRoute(.POST, "/experiments/{name}/reset", .operate, "Forgets what an experiment's arms have shown.") {
                request throws(AdminError) in
                let experiment = try self.experiment(request["name"])
                experiment.reset()
                return .object { experiment.snapshot().write(into: &$0) }
            },
            AdminRoute(.GET, "/shadows", .read, "Shadow traffic: how much was copied, and what differed.") { _ in
                let shadows = self.traffic().shadows.map { $0.snapshot() }
                return .object { json in json.member("shadows", objects: shadows) { $1.write(into: &$0) } }
            },
            AdminRoute(.GET, "/coalescing", .read, "Groups whose equal requests share calls, and how many did.") { _ in
                let flights = self.traffic().flights.sorted { $0.key < $1.key }
                return .object { json in
                    json.member("groups", objects: flights) { json, entry in
                        let counts = entry.value.snapshot()
                        json.member("group", entry.key.isEmpty ? "default" : entry.key)
                        json.member("calls", counts.led)
                        json.member("joined", counts.joined)
                        json.member("called_again", counts.calledAgain)
                    }
                }
            },
        ]
    }

    private func experiment(_ name: String) throws(AdminError) -> Experiment {
        let experiments = self.rules()?.experiments ?? []
        guard let experiment = experiments.first(where: { $0.name == name }) else {
            throw .unknown("experiment", name, among: experiments.map(\.name))
        }
        return experiment
    }
}
