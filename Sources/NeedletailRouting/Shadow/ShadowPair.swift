import NIOCore
import NeedletailCore
import Synchronization

/// Carries what the client got to the job that compares: told once, awaited by one.
final class ShadowPair: Sendable {
    /// What the client got.
    enum Primary: Sendable {
        /// An error before the commit.
        case failed(NeedletailError, Duration)
        /// A reply, with its bytes as far as they were kept.
        case replied(Reply)
        /// The client left, so there is nothing to compare with.
        case abandoned
    }

    /// A reply.
    struct Reply: Sendable {
        var provider: ProviderID
        var model: String
        var dialect: DialectID
        var isStream: Bool
        var latency: Duration
        /// `nil` for a reply too long to be kept.
        var bytes: ByteBuffer?
        var error: NeedletailError?
        var usage: Usage?
    }

    private struct State {
        var primary: Primary?
        var waker: CheckedContinuation<Void, Never>?

        mutating func takeWaker() -> CheckedContinuation<Void, Never>? {
            defer { self.waker = nil }
            return self.waker
        }
    }

    private let state = Mutex(State())

    /// Tells what the client got; only the first call counts.
    func tell(_ primary: Primary) {
        self.state.withLock { state in
            if state.primary == nil { state.primary = primary }
            return state.takeWaker()
        }?.resume()
    }

    /// Waits until it is told; `nil` if the task is cancelled before.
    func primary() async -> Primary? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waker in
                let isReady = self.state.withLock { state in
                    guard state.primary == nil, !Task.isCancelled else { return true }
                    state.waker = waker
                    return false
                }
                if isReady { waker.resume() }
                if Task.isCancelled { self.wake() }
            }
        } onCancel: {
            self.wake()
        }
        return self.state.withLock { $0.primary }
    }

    private func wake() {
        self.state.withLock { $0.takeWaker() }?.resume()
    }
}
