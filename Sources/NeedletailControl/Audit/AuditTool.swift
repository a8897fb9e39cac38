import Foundation
public import NeedletailCore
public import NeedletailStore

/// What the commands do with the audit chain, of a gateway that may be running.
public struct AuditTool: Sendable {
    /// What came of looking the chain over.
    public struct Report: Sendable {
        /// What is wrong; empty for nothing.
        public var faults: [String]
        /// The end of the chain.
        public var head: AuditHead
        /// Whether an end was noted outside the store to compare with.
        public var isAnchored: Bool
    }

    /// Records that are read at a time.
    private static let page = 1_000

    private let store: SQLiteStore
    private let anchor: AuditAnchor
    private let time: TimeSource

    /// Works on a store.
    public init(_ store: SQLiteStore, time: TimeSource = .live) {
        self.store = store
        self.anchor = AuditAnchor(store: store.path)
        self.time = time
    }

    /// Takes note of what a command did.
    public func note(
        _ action: String, subject: String = "", _ outcome: AuditEvent.Outcome = .done, details: [String: String] = [:]
    ) throws(NeedletailError) {
        let event = AuditEvent(
            wallMilliseconds: self.time.wallNanoseconds() / 1_000_000, actor: "command:\(NSUserName())", action: action,
            subject: subject, outcome: outcome, details: details)
        self.anchor.write(try self.store.appendAudit { AuditChain.records(after: $0, [event]) })
    }

    /// Looks the chain over from its first record.
    ///
    /// - Parameter head: An end that somebody has noted elsewhere.
    public func verify(noted head: AuditHead? = nil) throws(NeedletailError) -> Report {
        // In this order: a gateway that runs meanwhile only adds.
        let outside = self.anchor.read()
        let noted = try self.store.auditHead()
        var anchors = [(head: noted, place: "the store's note of the end")]
        if let outside { anchors.append((outside, "the file \(self.anchor.path)")) }
        if let head { anchors.append((head, "the given end")) }
        var verification = AuditVerification(anchors: anchors)
        try self.each { verification.take($0) }
        let end = try self.store.auditHead()
        verification.finish(noted: end.sequence > noted.sequence ? end : noted)
        return Report(
            faults: verification.faults, head: verification.head, isAnchored: outside != nil || head != nil)
    }

    /// Records that fit, the newest first.
    public func list(_ question: AuditQuestion) throws(NeedletailError) -> [AuditRecord] {
        try self.store.auditRecords(question)
    }

    /// Hands out all records in their order.
    public func each(_ body: (AuditRecord) -> Void) throws(NeedletailError) {
        // From below any number that a gateway gives: what was put in there is found too.
        var last = Int64.min
        while true {
            let records = try self.store.auditRecords(after: last, limit: Self.page)
            for record in records { body(record) }
            guard let end = records.last, records.count == Self.page else { return }
            last = end.sequence
        }
    }
}
