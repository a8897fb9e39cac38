import NeedletailCore
import Synchronization

/// Before when a provider asked not to be called, for each model that clients name. Bounded; asking costs one atomic load
/// while nothing is remembered.
final class ModelRests: Sendable {
    /// The most models that are remembered at a time: of more, those that may be asked again first are forgotten.
    static let capacity = 256
    /// The longest name that is remembered, in UTF-8: no provider's is longer, and clients may send any.
    static let longestName = 256

    private let isKnown = Atomic<Bool>(false)
    private let ends = Mutex<[String: Instant]>([:])

    init() {}

    /// Whether no model rests.
    var isEmpty: Bool { !self.isKnown.load(ordering: .relaxed) }

    /// Before when a model is not to be asked for; `nil` when it may be.
    func rest(of model: String, now: Instant) -> Instant? {
        guard !self.isEmpty else { return nil }
        return self.ends.withLock { ends in
            guard let end = ends[model] else { return nil }
            if now < end { return end }
            ends[model] = nil
            self.isKnown.store(!ends.isEmpty, ordering: .relaxed)
            return nil
        }
    }

    /// Remembers that a model is not to be asked for before `end`; an earlier time changes nothing.
    func rest(_ model: String, until end: Instant, now: Instant) {
        guard model.utf8.count <= Self.longestName else { return }
        self.ends.withLock { ends in
            if let known = ends[model], known >= end { return }
            ends[model] = end
            if ends.count > Self.capacity {
                ends = ends.filter { now < $0.value }
                if ends.count > Self.capacity, let first = ends.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
                    ends[first.key] = nil
                }
            }
            self.isKnown.store(!ends.isEmpty, ordering: .relaxed)
        }
    }

    /// Forgets all.
    func wake() {
        self.ends.withLock { ends in
            ends = [:]
            self.isKnown.store(false, ordering: .relaxed)
        }
    }
}
