public import NeedletailCore
import Synchronization

/// Every deployment by its key, so that all groups, and all configurations one after the other, share one object for
/// each. Bounded by what the operator configures.
public final class DeploymentTable: Sendable {
    /// The limits of providers, keys, tenants and models.
    public let limits: LimitTable
    private let deployments = Mutex<[Deployment.Key: Deployment]>([:])

    /// What another configuration knows of those that this one may come to lead to.
    private let inherited: [Deployment.Key: Deployment]

    /// Creates an empty table.
    public init() {
        self.limits = LimitTable()
        self.inherited = [:]
    }

    /// Creates an empty table in which a deployment that `other` has, and `isKept` names, is that one. `other` stays as it
    /// is: whoever is not wanted after all leaves no trace. The limits are the same: what is used of them stays used.
    public init(inheriting other: DeploymentTable, where isKept: (Deployment.Key) -> Bool) {
        self.limits = other.limits
        self.inherited = other.deployments.withLock { $0 }.filter { isKept($0.key) }
    }

    /// The deployment of a model at a provider; made when it is first asked for.
    ///
    /// - Parameters:
    ///   - joining: The time, where a new one joins others that have been at work: it starts slowly. `nil` where all are
    ///     new.
    ///   - gate: Makes what a call to a new one must pass.
    public func deployment(
        _ provider: ProviderID, _ model: String?, joining: Instant? = nil,
        gate: () -> AdmissionGate = { AdmissionGate() }
    ) -> Deployment {
        let key = Deployment.Key(provider: provider, model: model)
        return self.deployments.withLock { deployments in
            if let known = deployments[key] { return known }
            if let inherited = self.inherited[key] {
                deployments[key] = inherited
                return inherited
            }
            let made = Deployment(key, gate: gate())
            if let joining { made.statistics.recover(now: joining) }
            deployments[key] = made
            return made
        }
    }

    /// All deployments, by name.
    public var all: [Deployment] {
        self.deployments.withLock { Array($0.values) }.sorted { $0.key.description < $1.key.description }
    }

    /// Forgets all but those that `isKept` names: what no configuration leads to any more.
    public func keep(_ isKept: (Deployment.Key) -> Bool) {
        self.deployments.withLock { deployments in
            for key in deployments.keys where !isKept(key) { deployments[key] = nil }
        }
    }
}
