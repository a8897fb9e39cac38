public import NeedletailCore
import Synchronization

/// Joins what several callers ask for at about the same time into one call, and hands each its part.
///
/// The call belongs to nobody's task: it runs in a ``JobRunner``, so that a caller who leaves harms no other. Callers whose
/// requests cannot be joined are told apart by a key.
public final class MicroBatcher<Key: Hashable & Sendable, Input: Sendable, Output: Sendable>: Sendable {
    /// Makes one output for each input, in order.
    public typealias Process = @Sendable (_ key: Key, _ inputs: [Input]) async throws(NeedletailError) -> [Output]

    private struct Open {
        var number: UInt64
        var submissions: [BatchSubmission<Input, Output>] = []
        var inputs = 0
    }

    /// What a caller has to do for its batch.
    private enum Step {
        case full
        case wait
        case begin(UInt64)
        case send(Open)
    }

    private struct State {
        var open: [Key: Open] = [:]
        var serial: UInt64 = 0
        /// Inputs that wait or are under way.
        var held = 0
    }

    /// How long is waited for others, and how much is joined.
    public let options: MicroBatchOptions
    private let runner: JobRunner
    private let time: TimeSource
    private let process: Process
    private let state = Mutex(State())

    /// Creates a batcher.
    ///
    /// - Parameters:
    ///   - runner: Runs the calls; where it takes none, each caller makes its own.
    ///   - process: Makes the call.
    public init(
        _ options: MicroBatchOptions = MicroBatchOptions(), runner: JobRunner, time: TimeSource,
        process: @escaping Process
    ) {
        self.options = options
        self.runner = runner
        self.time = time
        self.process = process
    }

    /// Inputs that wait or are under way.
    public var held: Int { self.state.withLock { $0.held } }

    /// Asks for the outputs of some inputs, together with what others ask for.
    ///
    /// - Throws: What the call threw; `.unavailable` when too much waits already; `.cancelled` when the task was.
    public func submit(_ inputs: [Input], key: Key) async throws(NeedletailError) -> [Output] {
        guard !inputs.isEmpty else { return [] }
        let submission = BatchSubmission<Input, Output>(inputs)
        let step = self.state.withLock { state -> Step in
            guard state.held == 0 || state.held + inputs.count <= self.options.maximumHeld else { return .full }
            state.held += inputs.count
            var open = state.open[key] ?? Open(number: 0)
            let isNew = open.submissions.isEmpty
            if isNew {
                state.serial += 1
                open.number = state.serial
            }
            open.submissions.append(submission)
            open.inputs += inputs.count
            guard open.inputs < self.options.maximumInputs else {
                state.open[key] = nil
                return .send(open)
            }
            state.open[key] = open
            return isNew ? .begin(open.number) : .wait
        }
        switch step {
        case .full:
            throw NeedletailError(
                .unavailable, "More than \(self.options.maximumHeld) inputs wait to be sent.", retryAfter: .seconds(1))
        case .wait: break
        case .begin(let number):
            let end = self.time.now().advanced(by: self.options.window)
            let isAccepted = self.runner.start {
                do { try await self.time.sleep(end) } catch {}
                if let open = self.take(key, number) { await self.send(open, key) }
            }
            if !isAccepted, let open = self.take(key, number) { Self.release(open) }
        case .send(let open):
            if !self.runner.start({ await self.send(open, key) }) { Self.release(open) }
        }
        defer { self.state.withLock { $0.held -= inputs.count } }
        switch await submission.outcome() {
        case .result(let result): return try result.get()
        case .alone: return try await self.alone(inputs, key)
        }
    }

    private func take(_ key: Key, _ number: UInt64) -> Open? {
        self.state.withLock { state in
            guard state.open[key]?.number == number else { return nil }
            return state.open.removeValue(forKey: key)
        }
    }

    private static func release(_ open: Open) {
        for submission in open.submissions { submission.settle(.alone) }
    }

    private func alone(_ inputs: [Input], _ key: Key) async throws(NeedletailError) -> [Output] {
        let outputs = try await self.process(key, inputs)
        guard outputs.count == inputs.count else { throw Self.mismatch(outputs.count, inputs.count) }
        return outputs
    }

    private static func mismatch(_ outputs: Int, _ inputs: Int) -> NeedletailError {
        NeedletailError(.malformedReply, "\(outputs) outputs came for \(inputs) inputs.")
    }

    /// Makes the call for those who still wait.
    private func send(_ open: Open, _ key: Key) async {
        let waiting = open.submissions.filter { !$0.isSettled }
        guard !waiting.isEmpty else { return }
        do throws(NeedletailError) {
            let outputs = try await self.alone(waiting.flatMap(\.inputs), key)
            var start = 0
            for submission in waiting {
                let end = start + submission.inputs.count
                submission.settle(.result(.success(Array(outputs[start..<end]))))
                start = end
            }
        } catch {
            // What is wrong with the request may be wrong with one caller's part of it: each asks for its own.
            let isRequest = error.disposition.retry == .never && error.code != .cancelled
            for submission in waiting {
                submission.settle(isRequest && waiting.count > 1 ? .alone : .result(.failure(error)))
            }
        }
    }
}
