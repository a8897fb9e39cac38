/// What is done with sensitive data in a request.
public struct RedactionPolicy: Sendable, Hashable {
    /// What is done with a kind.
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// A placeholder stands in its place upstream.
        case redact
        /// The request is refused.
        case refuse
        /// It goes on as it is; the log tells that there was some.
        case log
        /// Nobody looks for it.
        case off
    }

    /// Whose requests.
    public var scope: GuardScope
    /// What is done with each kind; a kind that is missing is off.
    public var actions: [SensitiveKind: Action]
    /// Whether the client is given what was taken out in the place of the placeholders. Default true.
    public var restores: Bool

    /// Creates a policy.
    public init(scope: GuardScope = GuardScope(), actions: [SensitiveKind: Action], restores: Bool = true) {
        self.scope = scope
        self.actions = actions
        self.restores = restores
    }

    /// The kinds that are looked for.
    var kinds: SensitiveKinds {
        self.actions.reduce(into: []) { kinds, entry in
            if entry.value != .off { kinds.insert(SensitiveKinds(entry.key)) }
        }
    }
}
