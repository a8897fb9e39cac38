public import HTTPTypes
import Synchronization

/// What a call upstream tells of itself while it lasts; one per attempt that is observed.
public final class CallProgress: Sendable {
    /// What the upstream is to be told of the trace; `nil` for nothing.
    public let traceparent: String?
    /// What goes with it; `nil` for nothing.
    public let tracestate: String?
    /// What the call cost.
    public let cost = RecordedCost()
    private let sent = Atomic<Bool>(false)

    /// What it is to be told in the words of a tracer that keeps the span; empty where none does.
    public let traceFields: HTTPFields

    /// Creates the progress of a call that has not been sent.
    public init(trace: TraceContext? = nil, traceFields: HTTPFields = [:]) {
        self.traceparent = trace?.traceparent
        self.tracestate = trace?.state
        self.traceFields = traceFields
    }

    /// Whether anything was sent.
    public var wasSent: Bool { self.sent.load(ordering: .relaxed) }

    /// Called by a leaf just before it sends.
    public func markSent() {
        self.sent.store(true, ordering: .relaxed)
    }
}
