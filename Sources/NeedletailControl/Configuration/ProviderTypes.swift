public import NeedletailCore
public import NeedletailProviders

/// What the configuration must know of one provider type. The catalogue fills it; no type is named here.
public struct ProviderType: Sendable, Hashable {
    /// The name that `type:` takes.
    public var name: String
    /// The start of its environment variables' names, for example `EXAMPLE` for `EXAMPLE_API_KEY`; `nil` for none.
    public var environmentPrefix: String?
    /// The environment variables of its key; the first that is set counts.
    public var keyVariables: [String]
    /// The environment variables of its base URL; the first that is set counts.
    public var baseURLVariables: [String]
    /// What it takes under `settings:`.
    public var settings: [ProviderSetting]
    /// Whether somebody gives out tokens to whoever has no key.
    public var hasIdentity: Bool
    /// Whether `base_url` has no default.
    public var requiresBaseURL: Bool
    /// Whether its default upstream asks for a key.
    public var requiresKey: Bool
    /// The dialects it speaks, the preferred one first.
    public var dialects: [DialectID]
    /// Whether it answers by itself, without an upstream.
    public var isMock: Bool
    /// What its own service allows where nothing is written; `nil` for no limits.
    public var limits: ProviderSpec.DefaultLimits?

    /// Creates a type.
    public init(
        name: String,
        environmentPrefix: String? = nil,
        keyVariables: [String] = [],
        baseURLVariables: [String] = [],
        settings: [ProviderSetting] = [],
        hasIdentity: Bool = false,
        requiresBaseURL: Bool = false,
        requiresKey: Bool = false,
        dialects: [DialectID],
        isMock: Bool = false,
        limits: ProviderSpec.DefaultLimits? = nil
    ) {
        self.name = name
        self.environmentPrefix = environmentPrefix
        self.keyVariables = keyVariables
        self.baseURLVariables = baseURLVariables
        self.settings = settings
        self.hasIdentity = hasIdentity
        self.requiresBaseURL = requiresBaseURL
        self.requiresKey = requiresKey
        self.dialects = dialects
        self.isMock = isMock
        self.limits = limits
    }
}

/// The provider types of this version, in the order in which they are listed to people.
public struct ProviderTypes: Sendable, Hashable {
    /// The types.
    public var all: [ProviderType]

    /// Creates a list.
    public init(_ all: [ProviderType]) {
        self.all = all
    }

    /// The type called `name`.
    public subscript(name: String) -> ProviderType? {
        self.all.first { $0.name == name }
    }
}
