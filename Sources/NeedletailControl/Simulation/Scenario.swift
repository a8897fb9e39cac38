public import NeedletailRouting

/// What a simulation is told: how long, what clients ask, and how providers answer.
public struct Scenario: Sendable {
    /// How long clients ask.
    public var duration: Duration
    /// What they ask.
    public var traffic: [TrafficModel]
    /// How the configuration's providers answer, by name; those that it does not name answer always, in
    /// ``NeedletailRouting/ProviderBehaviour``'s usual times.
    public var providers: [String: ProviderModel]

    /// Creates a scenario.
    public init(duration: Duration, traffic: [TrafficModel], providers: [String: ProviderModel] = [:]) {
        self.duration = duration
        self.traffic = traffic
        self.providers = providers
    }
}
