/// A value that a type needs beside its base URL and key: a version, a project, a place.
///
/// Its name stands in braces in the type's base URL and paths, and under `settings:` in the configuration.
public struct ProviderSetting: Sendable, Hashable {
    /// What the value is.
    public enum Kind: Sendable, Hashable {
        /// Anything that may be shown.
        case text
        /// A credential.
        case secret
        /// The path of a file that must be there.
        case file
    }

    /// The name, in lower case with underscores.
    public var name: String
    /// The environment variables that set it, the first that is there.
    public var variables: [String]
    /// What holds where nobody says otherwise.
    public var fallback: String?
    /// What the value is; default text.
    public var kind: Kind
    /// Whether it belongs to what proves who asks, and is exchanged together with it. Default for a secret only.
    public var isCredential: Bool
    /// Whether the type cannot do without.
    public var isRequired: Bool
    /// Another setting that may hold the value inside, so that this one need not be given.
    public var impliedBy: String?

    /// Creates a setting.
    public init(
        _ name: String,
        variables: [String] = [],
        fallback: String? = nil,
        kind: Kind = .text,
        isCredential: Bool? = nil,
        isRequired: Bool = false,
        impliedBy: String? = nil
    ) {
        self.name = name
        self.variables = variables
        self.fallback = fallback
        self.kind = kind
        self.isCredential = isCredential ?? (kind == .secret)
        self.isRequired = isRequired
        self.impliedBy = impliedBy
    }
}
