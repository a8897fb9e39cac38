import NIOCore
import NeedletailCore

/// Replies by what their questions mean: vectors of length one, oldest first out, within bounds of number, bytes and age.
/// Pure.
struct SemanticCacheState {
    /// Replies of one frame; each is compared with every question of that frame.
    static let maximumOfFrame = 1_000

    struct Entry: Sendable {
        var vector: [Float]
        var reply: CachedReply
        var expires: Instant
        fileprivate var number: Int
        fileprivate var size: Int
    }

    private let maximumCount: Int
    private let maximumSize: Int
    private let lifetime: Duration
    private var frames: [SemanticFrame: [Entry]] = [:]
    private var order: [(frame: SemanticFrame, number: Int)] = []
    private var head = 0
    private var next = 0
    /// Replies that are kept.
    private(set) var count = 0
    /// The bytes that they take, about.
    private(set) var size = 0

    init(maximumCount: Int, maximumSize: Int, lifetime: Duration) {
        self.maximumCount = max(1, maximumCount)
        self.maximumSize = maximumSize
        self.lifetime = lifetime
    }

    /// The replies of a frame that are not too old.
    func candidates(_ frame: SemanticFrame, now: Instant) -> [Entry] {
        (self.frames[frame] ?? []).filter { now < $0.expires }
    }

    mutating func insert(_ reply: CachedReply, _ vector: [Float], _ frame: SemanticFrame, now: Instant) {
        let size = reply.bytes.readableBytes + vector.count * 4 + ResponseCacheState.overhead
        guard size <= self.maximumSize else { return }
        while self.count >= self.maximumCount || self.size + size > self.maximumSize { self.dropOldest() }
        if let first = self.frames[frame]?.first, self.frames[frame]?.count ?? 0 >= Self.maximumOfFrame {
            self.remove(frame, first.number)
        }
        self.next += 1
        self.frames[frame, default: []].append(
            Entry(
                vector: vector, reply: reply, expires: now.advanced(by: self.lifetime), number: self.next, size: size))
        self.order.append((frame, self.next))
        self.count += 1
        self.size += size
    }

    /// Forgets what a predicate names.
    mutating func removeAll(where isMeant: (CacheKey, CachedReply) -> Bool) -> Int {
        let before = self.count
        for (frame, entries) in self.frames {
            for entry in entries where isMeant(frame.key, entry.reply) { self.remove(frame, entry.number) }
        }
        return before - self.count
    }

    private mutating func dropOldest() {
        guard self.head < self.order.count else { return }
        let (frame, number) = self.order[self.head]
        self.head += 1
        self.remove(frame, number)
        if self.head > 1_024, self.head > self.order.count / 2 {
            self.order.removeFirst(self.head)
            self.head = 0
        }
    }

    private mutating func remove(_ frame: SemanticFrame, _ number: Int) {
        guard let index = self.frames[frame]?.firstIndex(where: { $0.number == number }),
            let entry = self.frames[frame]?.remove(at: index)
        else { return }
        if self.frames[frame]?.isEmpty == true { self.frames[frame] = nil }
        self.count -= 1
        self.size -= entry.size
    }
}
