public import NeedletailCore
import Synchronization

/// Remembers which provider issued what only it can read: signatures of reasoning, encrypted reasoning, ids of items.
///
/// A conversation whose next turn goes to another provider brings along what the one before signed, and is refused for
/// it: Anthropic wants signatures of its own, Google and OpenAI likewise. So everything of that kind is noted when it
/// passes on its way to a client, and looked up when it comes back; what another issued is left out
/// (``StateFilter``).
///
/// Content is not kept: an entry is a keyed hash (``SipHash``, with a key that is made at the start and never leaves the
/// process) and the number of the realm that reads it. The entries are spread over several locks by their hash, so that
/// event loops hardly ever wait for each other.
public final class IssuedStateTable: Sendable {
    /// How much is remembered, and for how long.
    public struct Limits: Sendable {
        /// The most entries; default 100,000, which take about 6 MB.
        public var count: Int
        /// How long an entry stays after it was last seen; default 24 hours.
        public var lifetime: Duration

        /// Creates limits.
        public init(count: Int = 100_000, lifetime: Duration = .seconds(24 * 3600)) {
            self.count = count
            self.lifetime = lifetime
        }
    }

    /// One part of the table, with a lock of its own.
    private final class Shard: Sendable {
        let state: Mutex<IssuedStateShard>
        init(_ state: IssuedStateShard) { self.state = Mutex(state) }
    }

    private static let shardCount = 16

    private let shards: [Shard]
    private let hash: SipHash
    private let realms = Mutex<Set<StateRealm>>([])
    private let time: TimeSource

    /// What the gateway itself makes up, as the ids of items of translated replies: nobody reads it.
    let gateway: StateRealm

    /// Creates an empty table.
    ///
    /// - Parameter random: For the key, which must not be guessed.
    public init(limits: Limits = Limits(), time: TimeSource, random: RandomSource) {
        self.hash = SipHash(random.next(), random.next())
        self.shards = (0..<Self.shardCount).map { _ in
            Shard(IssuedStateShard(capacity: limits.count / Self.shardCount, lifetime: limits.lifetime))
        }
        self.time = time
        self.gateway = StateRealm(number: self.hash.hash("gateway".utf8))
    }

    /// How many entries there are.
    var count: Int { self.shards.reduce(0) { $0 + $1.state.withLock(\.count) } }

    /// The realm of a name. From then on it counts among those that may have issued what is not known.
    func join(_ name: String) -> StateRealm {
        let realm = StateRealm(number: self.hash.hash("realm \(name)".utf8))
        self.realms.withLock { realms in _ = realms.insert(realm) }
        return realm
    }

    /// Whether nobody but `realm` can have issued what is not known.
    func isAlone(_ realm: StateRealm) -> Bool { self.realms.withLock { $0 == [realm] } }

    /// Notes who issued something.
    func note(_ state: String, issuedBy realm: StateRealm) {
        guard !state.isEmpty else { return }
        let digest = self.digest(state)
        let now = self.time.now()
        self.shard(digest).state.withLock { $0.insert(digest, realm, now: now) }
    }

    /// Who issued something; `nil` if that is not known, or no more.
    func issuer(of state: String) -> StateRealm? {
        let digest = self.digest(state)
        let now = self.time.now()
        return self.shard(digest).state.withLock { $0.find(digest, now: now) }
    }

    private func shard(_ digest: UInt64) -> Shard {
        self.shards[Int(truncatingIfNeeded: digest % UInt64(Self.shardCount))]
    }

    /// Signatures are base64, which clients and servers write in both of its alphabets, padded and not; Google's SDKs send
    /// back the other one than they were given.
    private func digest(_ state: String) -> UInt64 {
        self.hash.hash(
            state.utf8.lazy.filter { $0 != UInt8(ascii: "=") }.map { byte in
                switch byte {
                case UInt8(ascii: "-"): UInt8(ascii: "+")
                case UInt8(ascii: "_"): UInt8(ascii: "/")
                default: byte
                }
            })
    }
}
