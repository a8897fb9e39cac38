import Logging
import NeedletailCore
import Synchronization

/// Writes what is done to the gateway into the audit chain: in batches, on the store's own thread, off every request's way.
///
/// What the store does not take waits. When too much waits, acts are refused (``hasRoom``); what happens by itself is then
/// counted, told to the log, and written as a number when the store is back.
final class AuditTrail: Sendable {
    /// Runs work that blocks on the store.
    typealias Perform =
        @Sendable (_ work: @escaping @Sendable () throws(NeedletailError) -> Void) async throws(NeedletailError) -> Void

    private struct State {
        var waiting: [AuditEvent] = []
        var refusals = RefusalCountState()
        var lost = 0
        /// The end of the chain, once something was written.
        var head: AuditHead?
    }

    /// Events that wait at most.
    static let capacity = 4_096
    /// How often what waits is written.
    static let interval = Duration.seconds(1)

    private let store: any AuditStore
    private let anchor: AuditAnchor?
    private let perform: Perform
    private let time: TimeSource
    private let logger: Logger
    private let notice: StoreNotice
    private let state = Mutex(State())

    init(
        _ store: any AuditStore, anchor: AuditAnchor?, time: TimeSource, logger: Logger, perform: @escaping Perform
    ) {
        self.store = store
        self.anchor = anchor
        self.time = time
        self.logger = logger
        self.notice = StoreNotice(
            away: "The audit record cannot be written; events wait until it can",
            back: "The audit record is written again.", logger: logger)
        self.perform = perform
    }

    /// Whether another act can be recorded; where it cannot, it must not be done.
    var hasRoom: Bool { self.state.withLock { $0.waiting.count < Self.capacity } }

    /// Takes note of something; it is written within a second.
    func note(
        _ action: String, by actor: String, role: String = "", from peer: String = "", subject: String = "",
        _ outcome: AuditEvent.Outcome = .done, details: [String: String] = [:]
    ) {
        let event = AuditEvent(
            wallMilliseconds: self.time.wallNanoseconds() / 1_000_000, actor: actor, role: role, peer: peer,
            action: action, subject: subject, outcome: outcome, details: details)
        let isLost = self.state.withLock { state in
            guard state.waiting.count < Self.capacity else {
                state.lost += 1
                return true
            }
            state.waiting.append(event)
            return false
        }
        if isLost {
            self.logger.error("An audit event could not be kept; it is counted.", metadata: ["event": "\(event.text)"])
        }
    }

    /// Takes note of a refusal, see ``RefusalCountState``.
    func noteRefusal(_ kind: RefusalCountState.Kind) {
        guard let kind = self.state.withLock({ $0.refusals.add(kind) }) else { return }
        self.note(
            kind.action, by: kind.actor, from: kind.peer, subject: kind.subject, .refused,
            details: ["reason": kind.reason])
    }

    /// Writes what waits until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            do { try await self.time.sleep(self.time.now().advanced(by: Self.interval)) } catch { return }
            self.noteCounts(isClosing: false)
            await self.flush()
        }
    }

    /// Writes all that waits: the gateway ends. Must be called on a thread that may block.
    func close() {
        self.noteCounts(isClosing: true)
        // What could not be written has been told; there is no later.
        try? self.write()
        if let head = self.state.withLock({ $0.head }) { self.tell(head) }
    }

    /// Writes what waits now. What the store does not take waits on.
    func flush() async {
        guard self.state.withLock({ !$0.waiting.isEmpty }) else { return }
        try? await self.perform { () throws(NeedletailError) in try self.write() }
    }

    private func noteCounts(isClosing: Bool) {
        let now = self.time.now()
        for (kind, count) in self.state.withLock({ $0.refusals.take(now: now, isClosing: isClosing) }) {
            self.note(
                kind.action, by: kind.actor, from: kind.peer, subject: kind.subject, .refused,
                details: ["reason": kind.reason, "more": "\(count)"])
        }
    }

    private func write() throws(NeedletailError) {
        let (events, lost) = self.state.withLock { state in (state.waiting, state.lost) }
        guard !events.isEmpty else { return }
        var all = events
        if lost > 0 {
            all.append(
                AuditEvent(
                    wallMilliseconds: self.time.wallNanoseconds() / 1_000_000, actor: "gateway", action: "audit.lost",
                    outcome: .failed, details: ["count": "\(lost)"]))
        }
        let written = all
        do throws(NeedletailError) {
            let head = try self.store.appendAudit { AuditChain.records(after: $0, written) }
            self.anchor?.write(head)
            let isFirst = self.state.withLock { state in
                defer { state.head = head }
                state.waiting.removeFirst(events.count)
                state.lost -= lost
                return state.head == nil
            }
            self.notice.note(nil)
            if isFirst { self.tell(head) }
        } catch {
            self.notice.note(error)
            throw error
        }
    }

    /// Says where the chain ends, so that the log, sent elsewhere, knows of what is cut off.
    private func tell(_ head: AuditHead) {
        self.logger.notice("The audit record ends here.", metadata: ["needletail.audit_head": "\(head.text)"])
    }
}
