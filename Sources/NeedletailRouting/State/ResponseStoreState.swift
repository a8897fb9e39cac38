import NIOCore
import NeedletailCore

/// What is remembered of responses. Pure; bounded in entries, bytes and time.
///
/// All entries live equally long, so that the oldest is both the first to expire and the first to make room.
struct ResponseStoreState {
    /// Whose response it is. Keys of clients never see each other's.
    struct Key: Hashable {
        /// The name of the client's key; empty where there are no keys.
        var tenant: String
        /// The response's id.
        var id: String
    }

    /// What is known of a response.
    enum Record {
        /// A provider of the dialect issued it and keeps it.
        case issued(by: ProviderID)
        /// The gateway keeps it.
        case kept(KeptResponse)

        /// Bytes, with what the entry itself takes.
        var size: Int {
            switch self {
            case .issued: ResponseStoreState.entrySize
            case .kept(let response): ResponseStoreState.entrySize + response.size
            }
        }
    }

    /// Who is to be forgotten when somebody asks for it.
    struct Owner {
        /// The client's own user, where the request names one.
        var user: String?
        /// The tenant of the client's key.
        var tenant: String?
    }

    private struct Entry {
        var record: Record
        var owner: Owner
        var expires: Instant
        var serial: UInt64
    }

    /// What an entry takes besides its content: key, places in table and queue.
    static let entrySize = 512

    private let limits: ResponseStore.Limits
    private var entries: [Key: Entry] = [:]
    /// The entries by age; what has been removed or replaced since is passed over.
    private var queue: [(key: Key, serial: UInt64)] = []
    private var head = 0
    private var serial: UInt64 = 0
    /// Bytes of all entries.
    private(set) var size = 0

    init(_ limits: ResponseStore.Limits) {
        self.limits = limits
    }

    /// How many entries there are.
    var count: Int { self.entries.count }

    /// Finds a response that has not expired.
    func find(_ key: Key, now: Instant) -> Record? {
        guard let entry = self.entries[key], entry.expires > now else { return nil }
        return entry.record
    }

    /// Remembers a response; the oldest ones make room. One that is larger than ``ResponseStore/Limits/responseSize`` is
    /// not kept.
    mutating func insert(_ record: Record, as key: Key, of owner: Owner = Owner(), now: Instant) {
        self.remove(key)
        guard record.size <= self.limits.responseSize else { return }
        self.serial += 1
        self.entries[key] = Entry(
            record: record, owner: owner, expires: now.advanced(by: self.limits.lifetime), serial: self.serial)
        self.queue.append((key, self.serial))
        self.size += record.size
        self.trim(now)
    }

    /// Forgets the responses whose owner a test picks.
    ///
    /// - Returns: How many there were.
    mutating func removeAll(where isMeant: (Owner) -> Bool) -> Int {
        let keys = self.entries.filter { isMeant($0.value.owner) }.map(\.key)
        for key in keys { self.remove(key) }
        return keys.count
    }

    /// Forgets a response.
    ///
    /// - Returns: Whether it was there.
    @discardableResult
    mutating func remove(_ key: Key) -> Bool {
        guard let entry = self.entries.removeValue(forKey: key) else { return false }
        self.size -= entry.record.size
        return true
    }

    private mutating func trim(_ now: Instant) {
        while self.head < self.queue.count {
            let oldest = self.queue[self.head]
            if let entry = self.entries[oldest.key], entry.serial == oldest.serial {
                let isOver = self.size > self.limits.size || self.entries.count > self.limits.count
                guard isOver || entry.expires <= now else { break }
                self.remove(oldest.key)
            }
            self.head += 1
        }
        // The part that has been passed over is cut off when it is the larger one.
        guard self.head > self.queue.count / 2 else { return }
        self.queue.removeFirst(self.head)
        self.head = 0
    }
}
