import NIOCore
import NeedletailCore

/// One call that several requests wait for: who reads, how far each has come, and what must be kept for them. Pure; the
/// wakers of those who sleep stand in it, and are handed out to be woken.
struct FlightState: Sendable {
    /// Who must be woken once the lock is released.
    typealias Wakers = [CheckedContinuation<Void, Never>]

    /// How far the call has come.
    enum Phase: Sendable {
        /// Nothing has come.
        case waiting
        /// The reply has been committed; its chunks follow, if it is a stream.
        case committed(InferenceReply)
        /// The call failed before the commit.
        case failed(NeedletailError)
    }

    /// What a reader finds.
    enum Step: Sendable {
        case chunk(ByteBuffer)
        case finished
        case broken(NeedletailError)
        /// Nothing yet.
        case sleep
    }

    private struct Reader: Sendable {
        /// The number of the chunk that comes next.
        var position = 0
        var waker: CheckedContinuation<Void, Never>?
        /// Whether it was left behind: it kept everybody else waiting.
        var isCut = false
    }

    /// The bytes that are kept for readers. Below it nothing is dropped, so that a late request may join.
    private let bound: Int
    private(set) var phase = Phase.waiting
    private var readers: [Int: Reader] = [:]
    private var nextReader = 0
    private var chunks = CircularBuffer<ByteBuffer>()
    private var bytes = 0
    /// The number of the first chunk that is kept.
    private var base = 0
    private var end: Result<Void, NeedletailError>?
    private var pump: CheckedContinuation<Void, Never>?
    private var guardian: CheckedContinuation<Void, Never>?
    private var usage: Usage?
    private var isCharged = false
    /// Whether nobody waits any more.
    private(set) var isAbandoned = false
    /// Whether the call is over.
    private(set) var isOver = false
    /// Whether the call goes on when nobody waits for it any more.
    private let outlivesReaders: Bool

    init(bound: Int, outlivesReaders: Bool = false) {
        self.bound = bound
        self.outlivesReaders = outlivesReaders
    }

    // MARK: Readers

    /// Adds a reader who will see everything; `nil` if it is too late for that.
    mutating func join() -> Int? {
        if case .failed = self.phase { return nil }
        guard !self.isAbandoned, !self.isOver, self.base == 0 else { return nil }
        defer { self.nextReader += 1 }
        self.readers[self.nextReader] = Reader()
        return self.nextReader
    }

    /// Takes a reader away; the last one's leaving ends the call.
    ///
    /// The tokens were spent once and are charged once: to the first who reads to the end, or to the last who leaves.
    ///
    /// - Parameter atEnd: Whether it has read everything.
    /// - Returns: Whom to wake, and the tokens that this reader is charged, as far as any are known.
    mutating func leave(_ id: Int, atEnd: Bool) -> (Wakers, Usage?) {
        guard self.readers.removeValue(forKey: id) != nil else { return ([], nil) }
        let isPayer = !self.isCharged && (atEnd || self.readers.isEmpty)
        self.isCharged = self.isCharged || isPayer
        let charge = self.usage.map { isPayer ? $0 : Usage() }
        self.trim()
        var wakers = self.takePump()
        if self.readers.isEmpty, !self.isOver, !self.outlivesReaders {
            self.isAbandoned = true
            wakers += self.takeGuardian()
        }
        return (wakers, charge)
    }

    /// What a reader finds next.
    mutating func next(_ id: Int) -> (Wakers, Step) {
        guard var reader = self.readers[id] else { return ([], .finished) }
        guard !reader.isCut else {
            let message = "The reader fell too far behind the others of one shared reply."
            return ([], .broken(NeedletailError(.unavailable, message)))
        }
        let index = reader.position - self.base
        if index < self.chunks.count {
            let chunk = self.chunks[self.chunks.index(self.chunks.startIndex, offsetBy: index)]
            reader.position += 1
            self.readers[id] = reader
            self.trim()
            return (self.hasRoom ? self.takePump() : [], .chunk(chunk))
        }
        switch self.end {
        case .success: return ([], .finished)
        case .failure(let error): return ([], .broken(error))
        // One who has nothing to read may mean that the pump waits for somebody too slow.
        case nil: return (self.takePump(), .sleep)
        }
    }

    /// Lets a reader sleep until something happens.
    ///
    /// - Returns: Whether it sleeps; otherwise something has happened meanwhile.
    mutating func sleep(_ id: Int, _ waker: CheckedContinuation<Void, Never>) -> Bool {
        guard let reader = self.readers[id], !reader.isCut, self.end == nil,
            reader.position - self.base >= self.chunks.count
        else { return false }
        self.readers[id]?.waker = waker
        return true
    }

    /// Lets a reader sleep until the commit.
    mutating func sleepUntilCommit(_ id: Int, _ waker: CheckedContinuation<Void, Never>) -> Bool {
        guard case .waiting = self.phase, self.readers[id] != nil else { return false }
        self.readers[id]?.waker = waker
        return true
    }

    /// Wakes one reader, whose task was cancelled.
    mutating func wake(_ id: Int) -> Wakers {
        defer { self.readers[id]?.waker = nil }
        return self.readers[id]?.waker.map { [$0] } ?? []
    }

    // MARK: The call

    mutating func commit(_ reply: InferenceReply) -> Wakers {
        self.phase = .committed(reply)
        if case .complete(_, let usage) = reply.body { self.usage = usage }
        return self.takeReaders()
    }

    mutating func fail(_ error: NeedletailError) -> Wakers {
        self.phase = .failed(error)
        self.isOver = true
        return self.takeReaders() + self.takeGuardian()
    }

    mutating func append(_ chunk: ByteBuffer, usage: Usage?) -> Wakers {
        self.usage = usage
        self.chunks.append(chunk)
        self.bytes += chunk.readableBytes
        self.trim()
        return self.takeReaders()
    }

    mutating func finish(_ end: Result<Void, NeedletailError>, usage: Usage?) -> Wakers {
        if let usage { self.usage = usage }
        self.end = end
        self.isOver = true
        return self.takeReaders() + self.takeGuardian()
    }

    /// Whether another chunk may be read. Where somebody waits for it, those who are slowest are left behind instead.
    mutating func makeRoom() -> (Wakers, hasRoom: Bool) {
        guard !self.hasRoom else { return ([], true) }
        let head = self.base + self.chunks.count
        guard self.readers.values.contains(where: { $0.position == head }) else { return ([], false) }
        var wakers: Wakers = []
        for (id, reader) in self.readers where reader.position == self.base {
            self.readers[id]?.isCut = true
            self.readers[id]?.position = head
            self.readers[id]?.waker = nil
            if let waker = reader.waker { wakers.append(waker) }
        }
        self.trim()
        return (wakers, self.hasRoom)
    }

    /// Lets the pump sleep until there may be room.
    mutating func sleep(pump: CheckedContinuation<Void, Never>) -> Bool {
        let head = self.base + self.chunks.count
        guard !self.hasRoom, !self.isAbandoned, !self.readers.values.contains(where: { $0.position == head })
        else { return false }
        self.pump = pump
        return true
    }

    /// Lets the guardian sleep until the call is over or nobody waits for it.
    mutating func sleep(guardian: CheckedContinuation<Void, Never>) -> Bool {
        guard !self.isOver, !self.isAbandoned else { return false }
        self.guardian = guardian
        return true
    }

    mutating func takeGuardian() -> Wakers {
        defer { self.guardian = nil }
        return self.guardian.map { [$0] } ?? []
    }

    mutating func takePump() -> Wakers {
        defer { self.pump = nil }
        return self.pump.map { [$0] } ?? []
    }

    /// The bytes that are kept.
    var keptBytes: Int { self.bytes }
    private var hasRoom: Bool { self.bytes < self.bound }

    private mutating func takeReaders() -> Wakers {
        var wakers: Wakers = []
        for (id, reader) in self.readers {
            guard let waker = reader.waker else { continue }
            wakers.append(waker)
            self.readers[id]?.waker = nil
        }
        return wakers
    }

    /// Drops what all have read, once there is more than the bound.
    private mutating func trim() {
        guard self.bytes >= self.bound || self.base > 0 else { return }
        let slowest = self.readers.values.map(\.position).min() ?? self.base + self.chunks.count
        while self.base < slowest, let first = self.chunks.popFirst() {
            self.bytes -= first.readableBytes
            self.base += 1
        }
    }
}
