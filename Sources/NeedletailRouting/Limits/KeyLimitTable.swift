public import NeedletailCore
import Synchronization

/// The limits of client keys that come and go while the gateway runs, by the key's name. Bounded by the keys that there
/// are: the limits of one that is gone are forgotten, those of one that has another name go on.
public final class KeyLimitTable: Sendable {
    private struct Entry: Sendable {
        var account: String
        var gate: AdmissionGate
    }

    private let entries = Mutex<[String: Entry]>([:])
    /// Whether no key has limits: then requests need not take the lock to find out.
    private let isEmpty = Atomic(true)

    /// Creates an empty table.
    public init() {}

    /// Lets these limits hold and no others. What is used of a limit stays used when it changes, and under another name.
    ///
    /// - Parameters:
    ///   - policies: The limits, by the key's name.
    ///   - accounts: What a name's use is counted under; the name where it is not there.
    public func replace(_ policies: [String: LimitPolicy], accounts: [String: String] = [:], now: Instant) {
        let isEmpty = self.entries.withLock { entries in
            let known = Dictionary(entries.values.map { ($0.account, $0) }, uniquingKeysWith: { first, _ in first })
            entries = [:]
            for (name, policy) in policies where !policy.isEmpty {
                let account = accounts[name] ?? name
                if let entry = known[account] {
                    for scope in entry.gate.limits {
                        scope.rename("key \(name)")
                        scope.adopt(policy, now: now)
                    }
                    entries[name] = entry
                } else {
                    let scope = LimitScope("key \(name)", policy, now: now)
                    entries[name] = Entry(
                        account: account, gate: AdmissionGate(breaker: CircuitBreaker(nil), limits: [scope]))
                }
            }
            return entries.isEmpty
        }
        self.isEmpty.store(isEmpty, ordering: .relaxed)
    }

    /// The limits of a key, of a tenant that has limits of its own; `nil` where there are none.
    func gate(_ name: String, within tenant: AdmissionGate?) -> AdmissionGate? {
        guard !self.isEmpty.load(ordering: .relaxed), let own = self.entries.withLock({ $0[name]?.gate }) else {
            return tenant
        }
        guard let tenant else { return own }
        // Made for each request, as either may change: two small objects. Neither has a breaker, so that one will do.
        return AdmissionGate(breaker: own.breaker, limits: tenant.limits + own.limits)
    }

    /// The limits, by name.
    public var scopes: [LimitScope] {
        self.entries.withLock { entries in entries.values.flatMap(\.gate.limits) }.sorted { $0.name < $1.name }
    }
}
