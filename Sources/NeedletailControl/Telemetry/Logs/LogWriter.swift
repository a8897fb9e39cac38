import Foundation
import NIOCore
import NeedletailCore
import Synchronization

/// Writes log lines to a file descriptor on a thread of its own.
///
/// Whoever logs puts a line, or the record that it is to be made of, into a bounded buffer and goes on; a full buffer
/// drops the line and counts it. A reader that is slow or stuck so costs neither time nor memory.
final class LogWriter: Sendable {
    /// What is to be written.
    enum Entry: Sendable {
        /// What somebody logged, to be written out here.
        case line(LogLine)
        /// A request, to be written out here.
        case request(RequestRecord, isDetailed: Bool)
        /// A refusal, to be written out here.
        case refusal(RefusalRecord, wallNanoseconds: Int64)
        /// An alert, to be written out here.
        case alert(AlertEvent)
    }

    /// Writes bytes; `false` when nobody reads any more.
    typealias Output = @Sendable (ByteBuffer) -> Bool

    private struct State {
        var entries: [Entry] = []
        var format: LogFormat
        var dropped = 0
        var isStopping = false
        var isDone = false
    }

    /// How many lines may wait, unless the caller says otherwise: some 10 MB at most, a second's worth of a busy gateway.
    static let defaultCapacity = 16_384
    /// How long the thread lets lines gather after it wrote some, so that a busy gateway wakes it a hundred times a
    /// second and not for every line.
    private static let gathering = 0.01

    private let state: Mutex<State>
    private let written = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)
    private let exporter = AtomicLazyReference<ExporterSlot<Entry>>()
    private let wake = NSCondition()
    private let capacity: Int
    private let output: Output

    /// Creates a writer whose thread runs until ``stop(within:)``.
    ///
    /// - Parameters:
    ///   - format: How records are written.
    ///   - capacity: How many lines may wait; at least 1.
    ///   - output: Where to; by default standard error.
    init(
        _ format: LogFormat, capacity: Int = LogWriter.defaultCapacity,
        output: @escaping Output = LogWriter.standardError
    ) {
        self.state = Mutex(State(format: format))
        self.capacity = max(1, capacity)
        self.output = output
        let thread = Thread { [self] in self.run() }
        thread.name = "needletail-log"
        thread.start()
    }

    /// Lines that were dropped since the start, because the buffer was full or nobody read.
    var droppedLines: Int { self.lost.load(ordering: .relaxed) }
    /// Lines that were written since the start.
    var writtenLines: Int { self.written.load(ordering: .relaxed) }

    /// Hands every line from now on to a collector too; only the first call counts.
    func export(to slot: ExporterSlot<Entry>) { _ = self.exporter.storeIfNil(slot) }

    /// Writes what comes from now on in another form.
    func replace(_ format: LogFormat) { self.state.withLock { $0.format = format } }

    /// Takes a line. Never waits.
    func write(_ entry: Entry) {
        self.exporter.load()?.push(entry)
        let isFirst = self.state.withLock { state -> Bool in
            guard state.entries.count < self.capacity, !state.isDone else {
                state.dropped += 1
                self.lost.wrappingAdd(1, ordering: .relaxed)
                return false
            }
            state.entries.append(entry)
            return state.entries.count == 1
        }
        // The thread sleeps only while there is nothing.
        guard isFirst else { return }
        self.wake.lock()
        self.wake.signal()
        self.wake.unlock()
    }

    /// Writes what waits and ends the thread.
    ///
    /// - Parameter limit: How long to wait for a reader that is slow. Default 2 s.
    func stop(within limit: Duration = .seconds(2)) {
        self.state.withLock { $0.isStopping = true }
        let seconds = Double(limit.wholeNanoseconds) / 1e9
        let end = Date(timeIntervalSinceNow: seconds)
        self.wake.lock()
        self.wake.broadcast()
        while !self.state.withLock({ $0.isDone }), self.wake.wait(until: end) {}
        self.wake.unlock()
    }

    private func run() {
        while let (entries, dropped, format) = self.next() {
            var bytes = ByteBuffer()
            for entry in entries { format.write(entry, into: &bytes) }
            if dropped > 0 { format.writeDropped(dropped, into: &bytes) }
            if self.output(bytes) {
                self.written.wrappingAdd(entries.count, ordering: .relaxed)
            } else {
                self.lost.wrappingAdd(entries.count, ordering: .relaxed)
            }
            if !self.state.withLock({ $0.isStopping }) { Thread.sleep(forTimeInterval: Self.gathering) }
        }
        self.wake.lock()
        self.wake.broadcast()
        self.wake.unlock()
    }

    /// What waits; sleeps while there is nothing. `nil` when all is written and the writer stops.
    private func next() -> ([Entry], dropped: Int, LogFormat)? {
        self.wake.lock()
        defer { self.wake.unlock() }
        while true {
            let (taken, isOver) = self.state.withLock { state -> (([Entry], dropped: Int, LogFormat)?, Bool) in
                guard !state.entries.isEmpty else {
                    if state.isStopping { state.isDone = true }
                    return (nil, state.isStopping)
                }
                defer { (state.entries, state.dropped) = ([], 0) }
                return ((state.entries, dropped: state.dropped, state.format), false)
            }
            if isOver { return nil }
            if let taken { return taken }
            self.wake.wait()
        }
    }

    /// Writes to standard error.
    static let standardError: Output = { bytes in
        do {
            try FileHandle.standardError.write(contentsOf: Data(bytes.readableBytesView))
            return true
        } catch {
            return false
        }
    }
}
