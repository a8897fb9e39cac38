public import NIOCore
import NeedletailCore
import Synchronization

/// What a mock upstream has really served: the ground truth for metrics and money.
///
/// - `requests`: inference calls received; lists of models and counts of tokens are `other`.
/// - `completed`: served to the proper end, whatever the status.
/// - `aborted`: the client went away before.
/// - `faults`: replies in which a fault was played; one that was cut short by it is neither completed nor aborted.
/// - tokens: of a completed reply as it claims; of one that broke off, its input if the head was sent, and the output
///   that was sent.
public final class MockStatistics: Sendable {
    /// Counters, for all or for one model.
    public struct Counts: Sendable, Hashable {
        /// Inference calls received.
        public var requests = 0
        /// Served to the proper end.
        public var completed = 0
        /// Given up by the client.
        public var aborted = 0
        /// Replies with a fault.
        public var faults = 0
        /// Input served.
        public var inputTokens = 0
        /// Output served.
        public var outputTokens = 0
    }

    /// How a reply ended.
    public enum End: Sendable, Hashable {
        /// Properly.
        case completed
        /// By its fault.
        case cutShort
        /// By the client.
        case aborted
    }

    private struct State {
        var total = Counts()
        var other = 0
        var byModel: [String: Counts] = [:]
    }

    /// Names beyond this many share one entry, since clients make names up.
    private static let maximumModels = 1_024
    private let state = Mutex(State())

    /// Starts at zero.
    public init() {}

    /// All counters.
    public var total: Counts { self.state.withLock { $0.total } }
    /// The counters of one model.
    public func counts(model: String) -> Counts { self.state.withLock { $0.byModel[model] ?? Counts() } }

    /// Counts a request that has arrived.
    func begin(_ reply: MockReply) {
        self.update(reply.account) { $0.requests += 1 }
    }

    /// Counts its end; called exactly once.
    func end(_ reply: MockReply, _ end: End, progress: MockProgress, headSent: Bool) {
        self.update(reply.account) { counts in
            if progress.hasFaulted { counts.faults += 1 }
            let usage = reply.account.usage
            switch end {
            case .completed:
                counts.completed += 1
                counts.inputTokens &+= usage.input
                counts.outputTokens &+= usage.output
                return
            case .aborted: counts.aborted += 1
            case .cutShort: break
            }
            guard headSent else { return }
            counts.inputTokens &+= usage.input
            counts.outputTokens &+= min(usage.output, progress.outputTokens)
        }
    }

    private func update(_ account: MockReply.Account, _ change: (inout Counts) -> Void) {
        self.state.withLock { state in
            guard account.isInference else {
                var counts = Counts()
                change(&counts)
                state.other += counts.requests
                return
            }
            change(&state.total)
            guard !account.model.isEmpty else { return }
            let isKnown = state.byModel[account.model] != nil || state.byModel.count < Self.maximumModels
            change(&state.byModel[isKnown ? account.model : "(others)", default: Counts()])
        }
    }

    /// Starts again at zero.
    func reset() {
        self.state.withLock { $0 = State() }
    }

    /// The body of `GET /__mock/stats`.
    public func json() -> ByteBuffer {
        let state = self.state.withLock { $0 }
        var json = JSONWriter()
        json.beginObject()
        Self.write(state.total, into: &json)
        json.member("other", state.other)
        json.key("by_model")
        json.beginObject()
        for (model, counts) in state.byModel.sorted(by: { $0.key < $1.key }) {
            json.key(model)
            json.beginObject()
            Self.write(counts, into: &json)
            json.endObject()
        }
        json.endObject()
        json.endObject()
        return json.bytes
    }

    private static func write(_ counts: Counts, into json: inout JSONWriter) {
        json.member("requests", counts.requests)
        json.member("completed", counts.completed)
        json.member("aborted", counts.aborted)
        json.member("faults", counts.faults)
        json.member("input_tokens", counts.inputTokens)
        json.member("output_tokens", counts.outputTokens)
    }
}
