import Synchronization

/// Where what is recorded goes: an exporter, in whose place another may be put at any moment without anything lost between
/// the two.
final class ExporterSlot<Element: Sendable>: Sendable {
    private let exporter = Mutex<BatchExporter<Element>?>(nil)

    /// Hands an element to the exporter that is there; without one it goes nowhere. Never waits.
    func push(_ element: Element) {
        // One that is closed has left this place before.
        while let exporter = self.exporter.withLock({ $0 }), !exporter.push(element) {}
    }

    /// Puts another in its place. Only then the one before may be closed.
    func replace(_ exporter: BatchExporter<Element>?) {
        self.exporter.withLock { $0 = exporter }
    }
}
