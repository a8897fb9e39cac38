public import NeedletailCore

extension KeyTool {
    /// Changes a key. What it opens and may use is changed for all keys of its name; whether it is on and when it ends, for
    /// those that are meant.
    ///
    /// - Parameters:
    ///   - key: A name, or the id of one key.
    ///   - taken: Names that the configuration gives to its own keys.
    ///   - groups: Those that the configuration has; `nil` where nobody knows.
    /// - Returns: The newest of those that are meant, as it is now.
    /// - Throws: `.notFound`, and `.invalidRequest` that says what is wrong; then nothing is changed.
    @discardableResult
    public func change(
        _ key: String, _ patch: KeyPatch, taken: [String] = [], groups: [String]? = nil
    ) throws(NeedletailError) -> StoredKey {
        let all = try self.list()
        let meant = try Self.meant(by: key, among: all)
        let old = meant.newest.name
        if let name = patch.name, name != old {
            guard !all.contains(where: { $0.name == name }) else {
                throw NeedletailError(.invalidRequest, "There is a key '\(name)'; choose another name.")
            }
            guard !taken.contains(name) else {
                throw NeedletailError(.invalidRequest, "The configuration has a key '\(name)'; choose another name.")
            }
        }
        var newest = meant.newest
        var changed: [StoredKey] = []
        for var key in all where key.name == old {
            let before = key.limits.budget?.exhaustion
            try patch.applyCommon(to: &key)
            // One that has gone since does not stand in the way of another change.
            if key.limits.budget?.exhaustion != before { try Self.check(key.limits, groups) }
            if meant.ids.contains(key.id) { patch.applyOwn(to: &key, now: self.now) }
            if key.id == newest.id { newest = key }
            changed.append(key)
        }
        try self.save(changed)
        return newest
    }

    /// Forgets keys: they open nothing any more. What they have cost stays written down.
    ///
    /// - Parameter key: A name, for all its keys; or the id of one.
    public func delete(_ key: String) throws(NeedletailError) {
        try self.remove(Array(try Self.meant(by: key, among: try self.list()).ids))
    }

    /// The key with an id, or the newest of a name.
    public func find(_ key: String) throws(NeedletailError) -> StoredKey {
        try Self.meant(by: key, among: try self.list()).newest
    }

    /// The key with an id; where none has it, the keys of that name. Ids first, so that no name can stand before one.
    static func meant(
        by key: String, among all: [StoredKey]
    ) throws(NeedletailError) -> (newest: StoredKey, ids: Set<String>) {
        let own = all.filter { $0.id == key }
        let keys = own.isEmpty ? all.filter { $0.name == key } : own
        if let newest = keys.max(by: { ($0.created, $0.id) < ($1.created, $1.id) }) {
            return (newest, Set(keys.map(\.id)))
        }
        let nearest = NearestNames.nearestNames(to: key, among: all.map(\.name), limit: 1).first
        throw NeedletailError(
            .notFound, "There is no key '\(key.prefix(200))'\(nearest.map { "; did you mean '\($0)'?" } ?? ".")")
    }
}
