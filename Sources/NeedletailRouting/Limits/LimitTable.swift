public import NeedletailCore
import Synchronization

/// Every scope of limits by its name, so that all who count in it, and all configurations one after the other, share one
/// object. Bounded by what the operator configures.
public final class LimitTable: Sendable {
    private let scopes = Mutex<[String: LimitScope]>([:])

    /// Creates an empty table.
    public init() {}

    /// The scope called `name`, with these limits from now on; made when it is first asked for.
    ///
    /// - Parameter observe: See ``LimitScope/init(_:_:now:observe:)``; only the first time counts.
    public func scope(
        _ name: String,
        _ policy: LimitPolicy,
        now: Instant,
        observe: (@Sendable (_ reply: InferenceReply, _ now: Instant) -> ObservedLimits?)? = nil
    ) -> LimitScope {
        let (scope, isNew) = self.scopes.withLock { scopes in
            if let known = scopes[name] { return (known, false) }
            let made = LimitScope(name, policy, now: now, observe: observe)
            scopes[name] = made
            return (made, true)
        }
        if !isNew { scope.adopt(policy, now: now) }
        return scope
    }

    /// All scopes that limit something, by name.
    public var all: [LimitScope] {
        self.scopes.withLock { Array($0.values) }.filter { !$0.policy.isEmpty }.sorted { $0.name < $1.name }
    }
}
