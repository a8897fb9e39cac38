import NIOCore
import NeedletailCore

/// What is kept, least recently used first out, within a bound of bytes and of age. Pure.
struct ResponseCacheState {
    /// What an entry takes besides its key and reply: the nodes of table and list, generously.
    static let overhead = 512

    private struct Node {
        var key: CacheKey
        var reply: CachedReply
        var expires: Instant
        var size: Int
        var older: Int?
        var newer: Int?
    }

    private let maximumSize: Int
    private let lifetime: Duration
    private var places: [CacheKey: Int] = [:]
    private var nodes: [Node?] = []
    private var free: [Int] = []
    private var oldest: Int?
    private var newest: Int?
    /// The bytes that are kept, about.
    private(set) var size = 0

    init(maximumSize: Int, lifetime: Duration) {
        self.maximumSize = maximumSize
        self.lifetime = lifetime
    }

    /// How many replies are kept.
    var count: Int { self.places.count }

    /// The reply for a key, which becomes the one used last.
    mutating func find(_ key: CacheKey, now: Instant) -> CachedReply? {
        guard let place = self.places[key], let node = self.nodes[place] else { return nil }
        guard now < node.expires else {
            self.remove(place)
            return nil
        }
        self.unlink(place)
        self.link(place)
        return node.reply
    }

    /// Keeps a reply, in the place of one that was there, and makes room for it.
    ///
    /// - Parameter requestSize: About how many bytes the key takes.
    /// - Returns: How many others had to go.
    @discardableResult
    mutating func insert(_ reply: CachedReply, for key: CacheKey, requestSize: Int, now: Instant) -> Int {
        if let place = self.places[key] { self.remove(place) }
        let size = requestSize + reply.bytes.readableBytes + Self.overhead
        guard size <= self.maximumSize else { return 0 }
        var evicted = 0
        while self.size + size > self.maximumSize, let oldest = self.oldest {
            self.remove(oldest)
            evicted += 1
        }
        let node = Node(key: key, reply: reply, expires: now.advanced(by: self.lifetime), size: size)
        let place: Int
        if let reused = self.free.popLast() {
            place = reused
            self.nodes[place] = node
        } else {
            place = self.nodes.count
            self.nodes.append(node)
        }
        self.places[key] = place
        self.size += size
        self.link(place)
        return evicted
    }

    /// Forgets what a predicate names.
    ///
    /// - Returns: How many there were.
    mutating func removeAll(where isMeant: (CacheKey, CachedReply) -> Bool) -> Int {
        let meant = self.places.values.filter { place in self.nodes[place].map { isMeant($0.key, $0.reply) } ?? false }
        for place in meant { self.remove(place) }
        return meant.count
    }

    private mutating func remove(_ place: Int) {
        guard let node = self.nodes[place] else { return }
        self.unlink(place)
        self.places[node.key] = nil
        self.nodes[place] = nil
        self.free.append(place)
        self.size -= node.size
    }

    /// Makes a node the newest.
    private mutating func link(_ place: Int) {
        self.nodes[place]?.older = self.newest
        self.nodes[place]?.newer = nil
        if let newest = self.newest { self.nodes[newest]?.newer = place }
        self.newest = place
        if self.oldest == nil { self.oldest = place }
    }

    private mutating func unlink(_ place: Int) {
        guard let node = self.nodes[place] else { return }
        if let older = node.older { self.nodes[older]?.newer = node.newer } else { self.oldest = node.newer }
        if let newer = node.newer { self.nodes[newer]?.older = node.older } else { self.newest = node.older }
    }
}
