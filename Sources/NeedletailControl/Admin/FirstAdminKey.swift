public import NeedletailCore
public import NeedletailGateway
public import NeedletailStore
import Synchronization

/// The admin key that a gateway makes for itself when it listens for other machines and nobody has given it one. It is told
/// once; the store keeps a hash.
public final class FirstAdminKey: StoredAccess {
    /// Its name, for logs and the audit record.
    static let name = "first-run"
    /// Where the store keeps its hash.
    private static let state = "admin/first_key"

    private let hash = Mutex<String?>(nil)

    init() {}

    /// Never: without it nobody may come in.
    public var isEmpty: Bool { false }

    /// See ``StoredAccess/find(_:)``; looked up by its hash, so where a comparison ends says nothing of it.
    public func find(_ secret: String) -> AccessKey? {
        guard let hash = self.hash.withLock({ $0 }), Self.text(secret) == hash else { return nil }
        return AccessKey(name: Self.name, secret: "")
    }

    /// Reads what the store has; called on a thread that may block.
    ///
    /// - Returns: Whether there is one.
    @discardableResult
    func read(_ store: SQLiteStore) throws(NeedletailError) -> Bool {
        let hash = try store.states(Self.state)[Self.state]
        self.hash.withLock { $0 = hash }
        return hash != nil
    }

    /// Makes one where there is none. Of several gateways that start at once on one store, one makes it.
    ///
    /// - Returns: The key itself, which cannot be had again; `nil` if there is one.
    static func makeFirst(
        in store: SQLiteStore, random: RandomSource, time: TimeSource
    ) throws(NeedletailError) -> Secret? {
        let secret = KeySecret.make(random)
        let isFirst = try store.saveIfAbsent(
            state: Self.state, Self.text(secret.exposed), wallSeconds: time.wallSeconds())
        return isFirst ? secret : nil
    }

    /// Makes one in the place of the one before.
    ///
    /// - Returns: The key itself, which cannot be had again.
    public static func make(
        in store: SQLiteStore, random: RandomSource = .live, time: TimeSource = .live
    ) throws(NeedletailError) -> Secret {
        let secret = KeySecret.make(random)
        try store.save(states: [Self.state: Self.text(secret.exposed)], wallSeconds: time.wallSeconds())
        return secret
    }

    private static func text(_ secret: String) -> String {
        KeySecret.hash(secret).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
