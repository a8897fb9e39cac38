import NeedletailCore
import Synchronization

/// Hands on the requests whose spans are recorded.
final class SpanExporter: RequestObserver {
    private let slot: ExporterSlot<RequestRecord>
    private let samplesErrors: Atomic<Bool>

    /// - Parameters:
    ///   - slot: To whom.
    ///   - samplesErrors: Whether requests that failed are handed on although their trace is not recorded.
    init(_ slot: ExporterSlot<RequestRecord>, samplesErrors: Bool = true) {
        self.slot = slot
        self.samplesErrors = Atomic(samplesErrors)
    }

    /// Says anew whether requests that failed are handed on although their trace is not recorded.
    func replace(samplesErrors: Bool) { self.samplesErrors.store(samplesErrors, ordering: .relaxed) }

    func requestEnded(_ request: RequestRecord) {
        guard let trace = request.trace else { return }
        guard trace.isSampled || request.error != nil && self.samplesErrors.load(ordering: .relaxed) else { return }
        self.slot.push(request)
    }
}
