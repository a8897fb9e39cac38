/// Something that somebody did, or tried to do, to the gateway itself.
public struct AuditEvent: Sendable, Hashable {
    /// How it ended.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// It was done.
        case done
        /// Whoever asked may not.
        case refused
        /// It was allowed and did not work.
        case failed
    }

    /// When, in milliseconds since 1970.
    public var wallMilliseconds: Int64
    /// Who: an admin key's name, `local`, a user of this machine, or the gateway itself.
    public var actor: String
    /// What the actor may do; empty where nobody asked.
    public var role: String
    /// From which address; empty for this process.
    public var peer: String
    /// What, for example `keys.rotate`.
    public var action: String
    /// To what, for example a key's name.
    public var subject: String
    /// How it ended.
    public var outcome: Outcome
    /// What else is known; never a secret.
    public var details: [String: String]

    /// Creates an event.
    public init(
        wallMilliseconds: Int64, actor: String, role: String = "", peer: String = "", action: String,
        subject: String = "", outcome: Outcome = .done, details: [String: String] = [:]
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.actor = actor
        self.role = role
        self.peer = peer
        self.action = action
        self.subject = subject
        self.outcome = outcome
        self.details = details
    }
}

/// An event in the chain.
public struct AuditRecord: Sendable, Hashable {
    /// Counts from 1 without a gap.
    public var sequence: Int64
    /// What happened, as ``AuditEvent/text`` writes it: what is hashed is what is kept, to the letter.
    public var text: String
    /// The hash of the record before, in hexadecimal; 64 zeros for the first.
    public var previous: String
    /// SHA-256 over ``previous`` and ``text``, in hexadecimal.
    public var hash: String

    /// Creates a record.
    public init(sequence: Int64, text: String, previous: String, hash: String) {
        self.sequence = sequence
        self.text = text
        self.previous = previous
        self.hash = hash
    }

    /// What happened; `nil` for a text that is none of this gateway's.
    public var event: AuditEvent? { AuditEvent(text: self.text) }
}

/// The end of the chain.
public struct AuditHead: Sendable, Hashable {
    /// The newest record's number; 0 for none.
    public var sequence: Int64
    /// Its hash.
    public var hash: String

    /// Before the first record.
    public static let none = AuditHead(sequence: 0, hash: String(repeating: "0", count: 64))

    /// Creates a head.
    public init(sequence: Int64, hash: String) {
        self.sequence = sequence
        self.hash = hash
    }
}

/// Which records are wanted, the newest first.
public struct AuditQuestion: Sendable, Hashable {
    /// Only those before this number; `nil` for the newest.
    public var before: Int64?
    /// Only this actor's.
    public var actor: String?
    /// Only actions that begin so.
    public var action: String?
    /// Only those that ended so.
    public var outcome: AuditEvent.Outcome?
    /// From this moment on, in milliseconds since 1970.
    public var since: Int64?
    /// How many at most.
    public var limit: Int

    /// Creates a question.
    public init(
        before: Int64? = nil, actor: String? = nil, action: String? = nil, outcome: AuditEvent.Outcome? = nil,
        since: Int64? = nil, limit: Int = 100
    ) {
        self.before = before
        self.actor = actor
        self.action = action
        self.outcome = outcome
        self.since = since
        self.limit = limit
    }
}

/// Keeps the audit chain. Methods block; they are called on a thread that may, never on an event loop.
public protocol AuditStore: Sendable {
    /// Adds what `make` makes of the chain's end, in one transaction.
    ///
    /// - Returns: The new end.
    func appendAudit(_ make: (AuditHead) -> [AuditRecord]) throws(NeedletailError) -> AuditHead
    /// The end of the chain, as it was last written down beside the records.
    func auditHead() throws(NeedletailError) -> AuditHead
    /// Records in their order, from the one after a number.
    func auditRecords(after sequence: Int64, limit: Int) throws(NeedletailError) -> [AuditRecord]
    /// Records that fit, the newest first.
    func auditRecords(_ question: AuditQuestion) throws(NeedletailError) -> [AuditRecord]
}
