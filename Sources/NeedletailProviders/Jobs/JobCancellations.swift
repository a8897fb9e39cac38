import NeedletailCore
import Synchronization

/// Cancels jobs whose clients have gone away.
///
/// A reply is given up in a place that cannot wait, so the request that cancels its job is kept here until ``run()``, which
/// whoever composes the stack keeps running, sends it.
public final class JobCancellations: Sendable {
    /// More than this many are not kept: their jobs run to their own end.
    static let capacity = 10_000
    /// This many are sent at a time, so that one server that does not answer does not hold up the others.
    static let concurrency = 16
    /// How long a cancellation may take.
    static let timeouts = Timeouts(
        connect: .seconds(5), firstToken: .seconds(10), idle: .seconds(10), total: .seconds(15))

    private struct Entry {
        var request: TransportRequest
        var transport: any HTTPTransport
    }

    private struct State {
        var pending: [Entry] = []
        var waker: CheckedContinuation<Void, Never>?

        mutating func takeWaker() -> CheckedContinuation<Void, Never>? {
            defer { self.waker = nil }
            return self.waker
        }
    }

    private let state = Mutex(State())

    /// Creates a list with nothing on it.
    public init() {}

    func add(_ request: TransportRequest, to transport: any HTTPTransport) {
        var request = request
        request.timeouts = Self.timeouts
        request.deadline = nil
        let entry = Entry(request: request, transport: transport)
        let waker = self.state.withLock { state in
            if state.pending.count < Self.capacity { state.pending.append(entry) }
            return state.takeWaker()
        }
        waker?.resume()
    }

    /// Sends what is on the list, and what comes to it, until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            await self.flush()
            await self.wait()
        }
    }

    /// Whether nothing is on the list.
    public var isEmpty: Bool { self.state.withLock { $0.pending.isEmpty } }

    /// Sends what is on the list now; a cancelled task gives it up.
    public func flush() async {
        let entries = self.state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        await withTaskGroup(of: Void.self) { group in
            for (index, entry) in entries.enumerated() {
                if index >= Self.concurrency { await group.next() }
                group.addTask {
                    // A job that cannot be cancelled ends by itself.
                    guard let response = try? await entry.transport.send(entry.request) else { return }
                    response.body.drain()
                }
            }
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waker in
                let isReady = self.state.withLock { state in
                    guard state.pending.isEmpty else { return true }
                    state.waker = waker
                    return false
                }
                if isReady { waker.resume() }
                if Task.isCancelled { self.wake() }
            }
        } onCancel: {
            self.wake()
        }
    }

    private func wake() {
        self.state.withLock { $0.takeWaker() }?.resume()
    }
}
