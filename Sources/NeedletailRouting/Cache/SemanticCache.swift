public import NeedletailCore
import Synchronization

/// Replies that were given to questions that mean the same, within one tenant and with everything else equal: parameters,
/// tools, and the conversation before.
public final class SemanticCache: Sendable {
    /// What the operator says.
    public struct Options: Sendable, Hashable {
        /// The cosine from which two questions mean the same, 0 to 1. Default 0.95.
        public var threshold: Double
        /// Replies that are kept. Default 10 000.
        public var maximumCount: Int

        /// Creates options.
        public init(threshold: Double = 0.95, maximumCount: Int = 10_000) {
            self.threshold = threshold
            self.maximumCount = maximumCount
        }
    }

    /// The vector for a text; `nil` where there is none to be had, which is a miss.
    public typealias Embedder = @Sendable (_ text: String, _ context: RequestContext) async -> [Float]?

    /// A question that was looked for.
    struct Probe: Sendable {
        var frame: SemanticFrame
        var vector: [Float]
    }

    private let options: Options
    private let embed: Embedder
    private let time: TimeSource
    private let state: Mutex<SemanticCacheState>

    /// Creates an empty cache.
    ///
    /// - Parameter cache: Whose bounds of bytes and age hold here too.
    public init(_ options: Options, like cache: ResponseCache.Options, time: TimeSource, embed: @escaping Embedder) {
        self.options = options
        self.embed = embed
        self.time = time
        self.state = Mutex(
            SemanticCacheState(
                maximumCount: options.maximumCount, maximumSize: cache.maximumSize, lifetime: cache.lifetime))
    }

    /// How many replies are kept.
    public var count: Int { self.state.withLock { $0.count } }

    /// What a question means; `nil` for one that is only compared byte for byte.
    func probe(_ key: CacheKey, _ context: RequestContext) async -> Probe? {
        guard let frame = SemanticFrame(key), let vector = await self.embed(frame.text, context),
            let unit = Self.normalized(vector)
        else { return nil }
        return Probe(frame: frame, vector: unit)
    }

    /// The reply to the question that means most nearly the same, and how long it has been kept, in seconds.
    func find(_ probe: Probe) -> (reply: CachedReply, age: Int64)? {
        let now = self.time.now()
        // Compared outside the lock: a frame may hold many.
        let candidates = self.state.withLock { $0.candidates(probe.frame, now: now) }
        var best: (cosine: Double, reply: CachedReply)?
        for entry in candidates where entry.vector.count == probe.vector.count {
            let cosine = Self.product(entry.vector, probe.vector)
            if cosine >= self.options.threshold, cosine > best?.cosine ?? -1 { best = (cosine, entry.reply) }
        }
        return best.map { ($0.reply, max(0, self.time.wallSeconds() - $0.reply.created)) }
    }

    /// - Parameter requestSize: About how many bytes the request takes.
    func insert(_ reply: CachedReply, for probe: Probe, requestSize: Int) {
        let now = self.time.now()
        self.state.withLock { $0.insert(reply, probe.vector, probe.frame, requestSize: requestSize, now: now) }
    }

    func purge(where isMeant: (CacheKey, CachedReply) -> Bool) -> Int {
        self.state.withLock { $0.removeAll(where: isMeant) }
    }

    private static func normalized(_ vector: [Float]) -> [Float]? {
        let length = Self.product(vector, vector).squareRoot()
        guard length.isFinite, length > 0 else { return nil }
        return vector.map { Float(Double($0) / length) }
    }

    private static func product(_ left: [Float], _ right: [Float]) -> Double {
        var sum = 0.0
        for index in 0..<min(left.count, right.count) { sum += Double(left[index]) * Double(right[index]) }
        return sum
    }
}
