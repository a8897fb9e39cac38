public import NeedletailCore

/// One model at one provider: what is known about it is known to every group that leads there.
///
/// A group's ``Target`` says how this group uses it (share, priority, tries); the deployment is what they share.
public final class Deployment: Sendable {
    /// What makes two targets lead to the same place.
    public struct Key: Sendable, Hashable, CustomStringConvertible {
        /// The provider's name.
        public let provider: ProviderID
        /// The model, in the provider's words; `nil` stands for whatever the client asks for.
        public let model: String?

        /// Creates a key.
        public init(provider: ProviderID, model: String?) {
            self.provider = provider
            self.model = model
        }

        /// `provider/model`, or the provider alone.
        public var description: String {
            self.model.map { "\(self.provider)/\($0)" } ?? self.provider.rawValue
        }
    }

    /// Which model at which provider.
    public let key: Key
    /// What was seen of it.
    public let statistics: DeploymentStatistics
    /// Its place among others for requests that have an ``RoutingQuestion/affinity``: the same in every process.
    let rendezvousHash: UInt64
    /// How long its streams take to their first event.
    public let adaptiveTimeout = AdaptiveTimeout()
    /// What a call must pass: circuit breaker and limits.
    public let gate: AdmissionGate

    /// Creates a deployment of which nothing is known.
    public init(_ key: Key, gate: AdmissionGate = AdmissionGate()) {
        self.key = key
        self.statistics = DeploymentStatistics()
        self.rendezvousHash = StableHash.of(key.description)
        self.gate = gate
    }
}
