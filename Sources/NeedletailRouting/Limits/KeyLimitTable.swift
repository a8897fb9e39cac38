public import NeedletailCore
import Synchronization

/// The limits of client keys that come and go while the gateway runs, by the key's name. Bounded by the keys that there
/// are: the limits of one that is gone are forgotten.
public final class KeyLimitTable: Sendable {
    private let gates = Mutex<[String: AdmissionGate]>([:])
    /// Whether no key has limits: then requests need not take the lock to find out.
    private let isEmpty = Atomic(true)

    /// Creates an empty table.
    public init() {}

    /// Lets these limits hold and no others. What is used of a limit stays used when it changes.
    public func replace(_ policies: [String: LimitPolicy], now: Instant) {
        let isEmpty = self.gates.withLock { gates in
            gates = gates.filter { policies[$0.key]?.isEmpty == false }
            for (name, policy) in policies where !policy.isEmpty {
                if let gate = gates[name] {
                    for scope in gate.limits { scope.adopt(policy, now: now) }
                } else {
                    gates[name] = AdmissionGate(
                        breaker: CircuitBreaker(nil), limits: [LimitScope("key \(name)", policy, now: now)])
                }
            }
            return gates.isEmpty
        }
        self.isEmpty.store(isEmpty, ordering: .relaxed)
    }

    /// The limits of a key, of a tenant that has limits of its own; `nil` where there are none.
    func gate(_ name: String, within tenant: AdmissionGate?) -> AdmissionGate? {
        guard !self.isEmpty.load(ordering: .relaxed), let own = self.gates.withLock({ $0[name] }) else { return tenant }
        guard let tenant else { return own }
        // Made for each request, as either may change: two small objects. Neither has a breaker, so that one will do.
        return AdmissionGate(breaker: own.breaker, limits: tenant.limits + own.limits)
    }

    /// The limits, by name.
    public var scopes: [LimitScope] {
        self.gates.withLock { gates in gates.values.flatMap(\.limits) }.sorted { $0.name < $1.name }
    }
}
