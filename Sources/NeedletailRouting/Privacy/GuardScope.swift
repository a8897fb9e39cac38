public import NeedletailCore

/// Whose requests a guard looks at. What is left out restricts nothing.
public struct GuardScope: Sendable, Hashable {
    /// Names of client keys, as globs; empty for all.
    public var keys: [ModelGlob]
    /// Tenants, as globs; empty for all.
    public var tenants: [ModelGlob]
    /// Models and groups as the client names them, as globs; empty for all.
    public var models: [ModelGlob]

    /// Creates a scope; with nothing said it holds for everybody.
    public init(keys: [ModelGlob] = [], tenants: [ModelGlob] = [], models: [ModelGlob] = []) {
        self.keys = keys
        self.tenants = tenants
        self.models = models
    }

    /// Whether a request is looked at.
    public func holds(for request: InferenceRequest, _ info: RequestInfo) -> Bool {
        Self.holds(self.keys, info.keyName) && Self.holds(self.tenants, info.tenant)
            && Self.holds(self.models, request.model)
    }

    private static func holds(_ globs: [ModelGlob], _ name: String?) -> Bool {
        guard !globs.isEmpty else { return true }
        guard let name else { return false }
        return globs.contains { $0.matches(name) }
    }
}
