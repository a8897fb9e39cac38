public import NIOCore
import Synchronization

/// Reads a streamed reply, chunk by chunk. One reader, one consumer; it may hold mutable state without a lock.
public protocol ReplyReader: AnyObject {
    /// The next chunk: one or more whole events. `nil` after the last.
    ///
    /// - Throws: What broke the stream. Nothing follows it.
    func next() async throws(NeedletailError) -> ByteBuffer?
}

/// The chunks of a streamed reply, as they arrive.
///
/// One element is what one network read completed, never a part of an event: translation works on whole chunks, so the
/// cost of suspending is paid per read. Only one iterator may be made.
public struct ReplyStream: AsyncSequence, Sendable {
    /// A chunk.
    public typealias Element = ByteBuffer
    /// What may break the stream.
    public typealias Failure = NeedletailError

    /// The dialect that the chunks are written in.
    public let dialect: DialectID
    private let handoff: Handoff
    /// Where the end of the stream is recorded.
    public let ending: StreamEnding

    /// Wraps `reader`.
    ///
    /// - Parameters:
    ///   - dialect: The dialect of the chunks.
    ///   - ending: Made by the caller so that the reader can record usage in it.
    ///   - reader: What to read from.
    public init(dialect: DialectID, ending: StreamEnding = StreamEnding(), reader: sending any ReplyReader) {
        self.dialect = dialect
        self.ending = ending
        self.handoff = Handoff(reader)
    }

    /// Runs `action` exactly once, when the stream has finished, failed, or been dropped.
    public func onEnd(_ action: @escaping @Sendable (Outcome) -> Void) {
        self.ending.add(action)
    }

    /// The one iterator; a second one throws at its first step.
    public func makeAsyncIterator() -> Iterator {
        Iterator(reader: self.handoff.take(), ending: self.ending)
    }

    /// Steps through the chunks.
    public struct Iterator: AsyncIteratorProtocol {
        private let reader: (any ReplyReader)?
        private let ending: StreamEnding

        fileprivate init(reader: (any ReplyReader)?, ending: StreamEnding) {
            self.reader = reader
            self.ending = ending
        }

        /// The next chunk, or `nil` at the end.
        public mutating func next() async throws(NeedletailError) -> ByteBuffer? {
            guard let reader = self.reader else {
                throw NeedletailError(.internalFailure, "A reply stream was iterated twice.")
            }
            do {
                if let chunk = try await reader.next() { return chunk }
            } catch {
                self.ending.end(error.code == .cancelled ? .abandoned : .failed(error))
                throw error
            }
            self.ending.end(.finished)
            return nil
        }
    }
}

/// Hands a reader over from the task that made it to the one that reads.
private final class Handoff: Sendable {
    private let reader: Mutex<(any ReplyReader)?>

    init(_ reader: sending any ReplyReader) {
        self.reader = Mutex(reader)
    }

    func take() -> (any ReplyReader)? {
        self.reader.withLock { reader in
            defer { reader = nil }
            return reader
        }
    }
}

/// The end of a stream, shared by every copy of it; its `deinit` is what notices a dropped stream.
public final class StreamEnding: Sendable {
    private struct State {
        var actions: [@Sendable (Outcome) -> Void] = []
        var usage: Usage?
        var losses: [Loss] = []
        var outcome: Outcome?
    }

    private let state = Mutex(State())

    /// Creates an ending that has not come.
    public init() {}

    deinit {
        self.end(.abandoned)
    }

    /// Records the usage known so far; the last one counts.
    public func setUsage(_ usage: Usage) {
        self.state.withLock { $0.usage = usage }
    }

    /// The usage known so far.
    public var usage: Usage? {
        self.state.withLock { $0.usage }
    }

    /// Notes what translation has lost so far, each field once.
    public func addLosses(_ losses: [Loss]) {
        self.state.withLock { state in
            state.losses.add(losses)
        }
    }

    /// What translation has lost so far.
    public var losses: [Loss] {
        self.state.withLock { $0.losses }
    }

    func add(_ action: @escaping @Sendable (Outcome) -> Void) {
        let ended = self.state.withLock { state -> Outcome? in
            if state.outcome == nil { state.actions.append(action) }
            return state.outcome
        }
        if let ended { action(ended) }
    }

    /// Ends the stream; only the first call counts.
    public func end(_ end: Outcome.End) {
        // The lock decides, the actions run outside it.
        let ended = self.state.withLock { state -> (actions: [@Sendable (Outcome) -> Void], outcome: Outcome)? in
            guard state.outcome == nil else { return nil }
            let outcome = Outcome(end, usage: state.usage, losses: state.losses)
            state.outcome = outcome
            defer { state.actions = [] }
            return (state.actions, outcome)
        }
        guard let ended else { return }
        for action in ended.actions { action(ended.outcome) }
    }
}
