/// How the vault is opened.
public struct VaultConfiguration: Sendable, Hashable {
    /// Where the master key comes from. Default the variable `NEEDLETAIL_MASTER_KEY`.
    public var masterKey = MasterKeySource.environment("NEEDLETAIL_MASTER_KEY")
    /// The one before, until everything is sealed anew. Default the variable `NEEDLETAIL_PREVIOUS_MASTER_KEY`.
    public var previousKey = MasterKeySource.environment("NEEDLETAIL_PREVIOUS_MASTER_KEY")
    /// How old a credential may be before it is warned about. Default 90 days, as PCI DSS 3.2.1, 8.2.4 has it for passwords.
    public var warnAfter: Duration = .seconds(90 * 86_400)

    /// The defaults.
    public init() {}

    /// Reads `vault:`, whose faults somebody else tells.
    ///
    /// - Parameter path: What makes a file's path of what is written.
    init(_ node: ConfigurationNode?, path: (String) -> String) {
        guard let node else { return }
        assign(Self.source(node["master_key"], path), to: &self.masterKey)
        assign(Self.source(node["previous_key"], path), to: &self.previousKey)
        assign(node.duration("warn_after"), to: &self.warnAfter)
    }

    private static func source(_ node: ConfigurationNode?, _ path: (String) -> String) -> MasterKeySource? {
        if let name = node?.text("env") { return .environment(name) }
        if let file = node?.text("file") { return .file(path(file)) }
        if let words = node?.texts("command"), !words.isEmpty { return .command(words) }
        return nil
    }
}
