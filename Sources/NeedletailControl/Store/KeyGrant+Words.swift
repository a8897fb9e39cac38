public import NeedletailCore

extension KeyGrant {
    /// Reads a grant from what a command or a body says.
    ///
    /// - Parameters:
    ///   - clientTags: Patterns; `nil` or `*` for any.
    ///   - models: Patterns; `nil` or `*` for all.
    ///   - providers: Patterns; `nil` or `*` for all.
    ///   - surfaces: Names of ``ClientSurface``; `nil` for all.
    ///   - networks: In CIDR notation; `nil` for everywhere.
    /// - Throws: `.invalidRequest` that says what is wrong and what to write.
    public init(
        tenant: String? = nil, team: String? = nil, tags: [String] = [], clientTags: [String]? = nil,
        metadata: [String: String] = [:],
        models: [String]? = nil, providers: [String]? = nil, surfaces: [String]? = nil, networks: [String]? = nil
    ) throws(NeedletailError) {
        self.init()
        for (what, name) in [("tenant", tenant), ("team", team)] + tags.map({ ("tag", $0) }) {
            if let name, !ScalarCheck.isName(name) {
                throw Self.fault("'\(name.prefix(60))' is no \(what); \(SchemaKind.name.example).")
            }
        }
        let patterns = (models ?? []) + (providers ?? []) + (clientTags ?? [])
        let texts = patterns + metadata.keys + metadata.values
        guard texts.allSatisfy({ $0.utf8.count <= 1_024 && $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }),
            tags.count + metadata.count + patterns.count <= 1_000
        else { throw Self.fault("A key's lists hold at most 1000 texts of 1 KiB without line breaks.") }
        self.tenant = tenant
        self.team = team
        self.tags = tags
        self.clientTags = Self.bounds(clientTags)
        self.metadata = metadata
        self.models = Self.bounds(models)
        self.providers = Self.bounds(providers)
        self.surfaces = try surfaces.map { names throws(NeedletailError) in try Self.surfaces(names) }
        self.networks = try networks.map { texts throws(NeedletailError) in try Self.networks(texts) }
    }

    private static func bounds(_ patterns: [String]?) -> [String]? {
        guard let patterns, !patterns.contains("*") else { return nil }
        return patterns
    }

    private static func surfaces(_ names: [String]) throws(NeedletailError) -> Set<ClientSurface> {
        var surfaces: Set<ClientSurface> = []
        for name in names {
            guard let surface = ClientSurface(rawValue: name) else {
                let known = ClientSurface.allCases.map(\.rawValue).joined(separator: ", ")
                throw Self.fault("'\(name.prefix(60))' is no surface; write some of: \(known).")
            }
            surfaces.insert(surface)
        }
        return surfaces
    }

    private static func networks(_ texts: [String]) throws(NeedletailError) -> [ClientNetwork] {
        var networks: [ClientNetwork] = []
        for text in texts {
            guard let network = ClientNetwork(text) else {
                throw Self.fault("'\(text.prefix(60))' is no network; write for example 10.0.0.0/8 or 2001:db8::/32.")
            }
            networks.append(network)
        }
        return networks
    }

    private static func fault(_ message: String) -> NeedletailError { NeedletailError(.invalidRequest, message) }
}
