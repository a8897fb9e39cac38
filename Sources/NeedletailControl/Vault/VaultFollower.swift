import NeedletailCore

/// Tells when the vault says something else than before: another process has set a credential, or an overlap is over.
struct VaultFollower {
    /// What there is to use, as far as a configuration can tell.
    private var seen: [String: [Int]]?

    /// What was read last is compared with what is there now; a configuration that uses nothing of it asks nothing.
    ///
    /// - Returns: Whether it differs.
    mutating func hasChanged(_ contents: VaultContents, now: Int64) -> Bool {
        var usable: [String: [Int]] = [:]
        for record in contents.secrets where record.expires.map({ now < $0 }) ?? true {
            usable[record.name, default: []].append(record.version)
        }
        defer { self.seen = usable }
        return self.seen.map { $0 != usable } ?? false
    }
}
