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
    /// In the order of numbers. Those that are forgotten have no frame, which may hold a long conversation.
    private(set) var order: [(frame: SemanticFrame?, number: Int)] = []
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

    /// Keeps a reply and makes room for it.
    ///
    /// - Parameter requestSize: About how many bytes the frame's key takes: the conversation before is in it.
    mutating func insert(
        _ reply: CachedReply, _ vector: [Float], _ frame: SemanticFrame, requestSize: Int, now: Instant
    ) {
        let size =
            requestSize + frame.text.utf8.count + reply.bytes.readableBytes + vector.count * 4
            + ResponseCacheState.overhead
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
        self.compact()
    }

    /// Forgets what a predicate names.
    mutating func removeAll(where isMeant: (CacheKey, CachedReply) -> Bool) -> Int {
        let before = self.count
        for (frame, entries) in self.frames {
            for entry in entries where isMeant(frame.key, entry.reply) { self.remove(frame, entry.number) }
        }
        self.compact()
        return before - self.count
    }

    private mutating func dropOldest() {
        guard self.head < self.order.count else { return }
        let (frame, number) = self.order[self.head]
        if let frame { self.remove(frame, number) }
        self.head += 1
    }

    /// Drops the places of what is forgotten, once they are most of all.
    private mutating func compact() {
        guard self.order.count > 2 * self.count + 1_024 else { return }
        self.order.removeAll { $0.frame == nil }
        self.head = 0
    }

    /// Lets go of the frame of what is forgotten.
    private mutating func release(_ number: Int) {
        var (low, high) = (self.head, self.order.count)
        while low < high {
            let middle = low + (high - low) / 2
            if self.order[middle].number < number { low = middle + 1 } else { high = middle }
        }
        if low < self.order.count, self.order[low].number == number { self.order[low].frame = nil }
    }

    private mutating func remove(_ frame: SemanticFrame, _ number: Int) {
        guard let index = self.frames[frame]?.firstIndex(where: { $0.number == number }),
            let entry = self.frames[frame]?.remove(at: index)
        else { return }
        if self.frames[frame]?.isEmpty == true { self.frames[frame] = nil }
        self.release(number)
        self.count -= 1
        self.size -= entry.size
    }
}
