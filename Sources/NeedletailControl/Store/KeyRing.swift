import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Synchronization

/// The stored keys, in memory: a store that is away takes no valid key's access, and no request waits for it.
final class KeyRing: StoredAccess {
    private struct Entry {
        var key: StoredKey
        var access: AccessKey
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        var revision: Int?
        /// Whether there has been a key since the start: deleting the last one does not let everybody in.
        var hadKeys = false
    }

    /// How much they may use.
    let limits = KeyLimitTable()
    private let store: any KeyStore
    private let time: TimeSource
    private let state = Mutex(State())

    /// Reads the keys; called on a thread that may block.
    init(_ store: any KeyStore, time: TimeSource) throws(NeedletailError) {
        self.store = store
        self.time = time
        try self.refresh()
    }

    /// Whether there has been no key since the start, so that the configuration alone says who may come in.
    var isEmpty: Bool { self.state.withLock { !$0.hadKeys } }

    /// All of them, without the keys themselves.
    var known: [StoredKey] { self.state.withLock { $0.entries.values.map(\.key) } }

    /// The key behind a secret, if it may be used now.
    func find(_ secret: String) -> AccessKey? {
        guard secret.hasPrefix(KeySecret.beginning) else { return nil }
        // By its hash: where a lookup ends says nothing of the secret.
        let hash = KeySecret.hash(secret)
        guard let entry = self.state.withLock({ $0.entries[hash] }),
            entry.key.isValid(at: self.time.wallSeconds())
        else { return nil }
        return entry.access
    }

    /// What a name stands for, of its newest key that may be used now; looks at all of them.
    func explainedKey(_ name: String) -> ExplainedKey? {
        let now = self.time.wallSeconds()
        let entries = self.state.withLock {
            $0.entries.values.filter { $0.key.name == name && $0.key.isValid(at: now) }
        }
        return entries.max { $0.key.created < $1.key.created }.map { entry in
            ExplainedKey(name: name, grant: entry.key.grant, priority: entry.access.priority)
        }
    }

    /// Reads the keys again if somebody else has written; called on a thread that may block.
    ///
    /// - Parameters:
    ///   - isForced: Whether this process has, which the revision does not tell.
    ///   - preparing: Called with the new keys and those of the old whose names are gone, while the old ones still open what
    ///     they did and the new ones nothing: what bounds keys is to hold for all of these until this function returns.
    /// - Returns: Whether they were read.
    @discardableResult
    func refresh(
        isForced: Bool = false, preparing: ([StoredKey]) -> Void = { _ in }
    ) throws(NeedletailError) -> Bool {
        let revision = try self.store.revision()
        guard isForced || self.state.withLock({ $0.revision }) != revision else { return false }
        let keys = try self.store.keys()
        let names = Set(keys.map(\.name))
        let both = keys + self.known.filter { !names.contains($0.name) }
        preparing(both)
        self.replaceLimits(both)
        let entries = keys.map { key in
            let access = AccessKey(
                name: key.name, secret: "", grant: key.grant, priority: key.limits.priority ?? .normal)
            return (key.hash, Entry(key: key, access: access))
        }
        self.state.withLock { state in
            state.entries = Dictionary(entries, uniquingKeysWith: { first, _ in first })
            state.revision = revision
            if !state.entries.isEmpty { state.hadKeys = true }
        }
        self.replaceLimits(keys)
        return true
    }

    private func replaceLimits(_ keys: [StoredKey]) {
        self.limits.replace(keys.limits.mapValues(\.policy), accounts: keys.accounts, now: self.time.now())
    }
}
