import NeedletailCore
import NeedletailProviders
import NeedletailRouting

/// Puts around whole groups what their configuration asks for: calls that are shared, copies that go elsewhere. A shared
/// call is copied once.
final class GroupTraffic {
    /// What runs once everything is built.
    struct Running: Sendable {
        /// The copies, in the order of the file: groups first, then rules.
        var shadows: [ShadowTraffic] = []
        /// The shared calls, by the group's name, empty for the default group.
        var flights: [String: FlightTable] = [:]
    }

    private let time: TimeSource
    private let random: RandomSource
    private let jobs: TrafficJobs
    private(set) var running = Running()

    init(jobs: TrafficJobs, time: TimeSource, random: RandomSource) {
        self.jobs = jobs
        self.time = time
        self.random = random
    }

    /// Runs calls that do not end with the request that asked for them.
    var calls: JobRunner { self.jobs.calls }

    /// A group's router with what goes around it.
    ///
    /// - Parameter parts: What its routers have in common.
    func around(
        _ group: GroupConfiguration, _ groups: Groups, _ parts: GroupParts
    ) throws(NeedletailError) -> any Provider {
        var provider = try groups.router(group, parts)
        if let configuration = group.shadow,
            let shadow = try self.shadow(configuration, named: group.name.isEmpty ? "default" : group.name, groups)
        {
            provider = ShadowLayer(provider, shadow: shadow)
        }
        if group.coalesces {
            let flights = FlightTable(runner: self.jobs.calls)
            self.running.flights[group.name] = flights
            provider = CoalescingLayer(provider, flights: flights, time: self.time)
        }
        return provider
    }

    /// Copies to a destination; `nil` if it is switched off.
    func shadow(
        _ configuration: ShadowConfiguration, named name: String, _ groups: Groups
    ) throws(NeedletailError) -> ShadowTraffic? {
        guard let target = try groups.router(to: configuration.destination) else { return nil }
        let shadow = ShadowTraffic(
            name: name, destination: configuration.destination.description, target: target,
            settings: configuration.settings, runner: self.jobs.copies,
            outline: { bytes, dialect, isStream throws(NeedletailError) in
                try ReplyOutline(bytes, dialect: dialect, isStream: isStream)
            },
            time: self.time, random: self.random)
        self.running.shadows.append(shadow)
        return shadow
    }
}
