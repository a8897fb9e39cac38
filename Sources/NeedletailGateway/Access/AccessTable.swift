package import NIOHTTP1

/// Keys that come and go while the gateway runs. Asked on an event loop: it must not block.
public protocol StoredAccess: Sendable {
    /// Whether there is none at all.
    var isEmpty: Bool { get }
    /// The key behind a secret, if it may be used now.
    func find(_ secret: String) -> AccessKey?
    /// Whether an unknown key may be tried out until one is found. Default true; signatures are not found so.
    func isGuess(_ secret: String) -> Bool
}

extension StoredAccess {
    /// See ``StoredAccess/isGuess(_:)``.
    public func isGuess(_ secret: String) -> Bool { true }
}

/// The client keys of a configuration. Immutable: a reload makes a new one.
public struct AccessTable: Sendable {
    /// What became of a look at a request's headers.
    public enum Verdict: Sendable {
        /// No keys are configured.
        case open
        /// The key is known.
        case known(AccessKey)
        /// There is a key and it is not known.
        case unknown
        /// There is no key.
        case missing
    }

    /// By the hash of the secret.
    private let keys: [Int: [AccessKey]]
    private let isUnlocked: Bool
    private let stored: (any StoredAccess)?

    /// Whether no key is asked for.
    public var isOpen: Bool { self.isUnlocked && self.stored?.isEmpty ?? true }

    /// Creates a table.
    ///
    /// - Parameters:
    ///   - keys: `nil` lets everybody pass unless there are stored keys, an empty list nobody. Of two keys with one secret
    ///     the first counts.
    ///   - stored: Keys beside these.
    public init(_ keys: [AccessKey]? = nil, stored: (any StoredAccess)? = nil) {
        self.keys = Dictionary(grouping: keys ?? []) { Self.hash($0.secret) }
        self.isUnlocked = keys == nil
        self.stored = stored
    }

    /// Looks the key of a request up. Of several headers the first in ``Credential``'s order counts.
    package func check(_ head: HTTPRequestHead) -> Verdict {
        guard !self.isOpen else { return .open }
        guard let secret = Credential.find(in: head) else { return .missing }
        for key in self.keys[Self.hash(secret)] ?? [] where ConstantTime.equal(key.secret, secret) {
            return .known(key)
        }
        if let key = self.stored?.find(secret) { return .known(key) }
        return .unknown
    }

    /// Whether an unknown key is a try to find one.
    func isGuess(_ secret: String) -> Bool { self.stored?.isGuess(secret) ?? true }

    /// Seeded per process, so where a guess lands tells its sender nothing.
    private static func hash(_ secret: String) -> Int {
        var hasher = Hasher()
        hasher.combine(secret)
        return hasher.finalize()
    }
}

/// Compares secrets.
enum ConstantTime {
    /// Whether two texts have the same bytes; takes a time that depends on the lengths only.
    static func equal(_ left: String, _ right: String) -> Bool {
        let (one, other) = (left.utf8.span, right.utf8.span)
        guard one.count == other.count else { return false }
        var difference: UInt8 = 0
        for index in one.indices { difference |= one[index] ^ other[index] }
        return difference == 0
    }
}
