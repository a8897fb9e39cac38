import NeedletailCore

/// Tells when the vault says something else than before: another process has set a credential, or an overlap is over. What
/// could not be used is told again.
struct VaultFollower {
    /// After how many looks, one a second, what could not be used is tried again: a key management service that is away is
    /// not asked at every look.
    static let pause = 5

    /// What there is to use, as far as a configuration can tell.
    private var seen: [String: [Int]]?
    /// The looks until it is tried again; `nil` where nothing is to be.
    private var wait: Int?
    /// Why what was told last could not be used.
    private var faults: [String] = []

    /// What was read last is compared with what is there now; a configuration that uses nothing of it asks nothing.
    ///
    /// - Returns: Whether it differs, or differed and could not be used.
    mutating func hasChanged(_ contents: VaultContents, now: Int64) -> Bool {
        var usable: [String: [Int]] = [:]
        for record in contents.secrets where record.expires.map({ now < $0 }) ?? true {
            usable[record.name, default: []].append(record.version)
        }
        let isNew = self.seen.map { $0 != usable } ?? false
        self.seen = usable
        self.wait = self.wait.map { $0 - 1 }
        guard isNew || self.wait.map({ $0 <= 0 }) ?? false else { return false }
        self.wait = nil
        return true
    }

    /// Takes note of what came of using it.
    ///
    /// - Parameter faults: Why it could not be used; empty for that it serves.
    /// - Returns: Whether that is to be reported; the same faults again are not.
    mutating func isNews(_ faults: [String]) -> Bool {
        defer { self.faults = faults }
        self.wait = faults.isEmpty ? nil : Self.pause
        return faults.isEmpty || faults != self.faults
    }
}
