import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization

@testable import NeedletailRouting

/// Faults that are put into a simulated gateway from outside, to show that the simulation finds what it looks for. None
/// needs a line in the code that ships.
enum PlantedBug: String, Sendable, CaseIterable {
    case attemptCountOffByOne
    case nestedGroupMultipliesTries
    case permitLeakedOnCancellation
    case permitLeakedOnThrow
    case permitLeakedOnDroppedStream
    case permitSettledTwice
    case halfOpenAdmitsTwo
    case openAdmitsOne
    case clientAbortCountsAsFailure
    case retryAfterCommit
    case deadlineIgnoredInBackoff
    case retryAfterIgnored
    case refusedRequestConsumes
    case refillOverBurst
    case lastMemberEjected
    case staleSnapshotAfterReload
    case hedgeLoserNotCancelled
    case randomSourceNotSeeded
    case queueUnfair
    case slowStartSkipped
}

/// What planted bugs share in one run.
final class PlantedBugState: Sendable {
    /// What is never let go.
    private let kept = Mutex<[any Sendable]>([])

    func keep(_ value: any Sendable) {
        self.kept.withLock { $0.append(value) }
    }

    func release() {
        self.kept.withLock { $0 = [] }
    }
}

extension PlantedBug {
    /// Puts the bug between a router and a place.
    func wrap(
        _ provider: any Provider, _ deployment: Deployment, _ state: PlantedBugState, _ executor: VirtualExecutor
    ) -> any Provider {
        switch self {
        case .permitLeakedOnCancellation, .permitLeakedOnThrow, .permitLeakedOnDroppedStream, .permitSettledTwice:
            LeakyProvider(next: provider, deployment: deployment, bug: self, state: state, time: executor.time)
        case .clientAbortCountsAsFailure: AbortBlamingProvider(next: provider)
        case .retryAfterCommit: RestartingProvider(next: provider)
        case .retryAfterIgnored: HintlessProvider(next: provider)
        case .hedgeLoserNotCancelled: UncancelledProvider(next: provider, executor: executor)
        case .lastMemberEjected:
            EjectingProvider(next: provider, deployment: deployment, time: executor.time)
        default: provider
        }
    }

    /// Puts the bug around a router that clients ask.
    func wrap(_ router: any Provider, _ scopes: [LimitScope], _ executor: VirtualExecutor) -> any Provider {
        switch self {
        case .deadlineIgnoredInBackoff: TimelessProvider(next: router)
        case .refusedRequestConsumes: DebitingProvider(next: router, scopes: scopes, time: executor.time)
        default: router
        }
    }

    /// Puts the bug around a router inside another.
    func wrapInner(_ router: any Provider) -> any Provider {
        self == .nestedGroupMultipliesTries ? ForgetfulProvider(next: router) : router
    }
}

/// Takes one more permit than it gives back.
private struct LeakyProvider: Provider {
    let next: any Provider
    let deployment: Deployment
    let bug: PlantedBug
    let state: PlantedBugState
    let time: TimeSource

    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let size = RequestSize(request)
        do {
            let reply = try await self.next.respond(to: request, context: context)
            if self.bug == .permitSettledTwice {
                for scope in self.deployment.gate.limits {
                    if case .success(let hold?) = scope.reserve(size, now: self.time.now()) {
                        hold.end(used: 0, now: self.time.now())
                        hold.end(used: 0, now: self.time.now())
                    }
                }
            }
            if self.bug == .permitLeakedOnDroppedStream, case .stream(let stream) = reply.body {
                self.state.keep(stream)
            }
            return reply
        } catch {
            let isLeak =
                self.bug == .permitLeakedOnThrow && error.code != .cancelled
                || self.bug == .permitLeakedOnCancellation && error.code == .cancelled
            if isLeak, case .success(let permit) = self.deployment.gate.admit(size, now: self.time.now()) {
                self.state.keep(permit)
            }
            throw error
        }
    }
}

/// Has a request that was refused pay as soon as it can.
private final class DebitingProvider: Provider {
    private let next: any Provider
    private let scopes: [LimitScope]
    private let time: TimeSource
    private let debts = Atomic(0)

    init(next: any Provider, scopes: [LimitScope], time: TimeSource) {
        self.next = next
        self.scopes = scopes
        self.time = time
    }

    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let now = self.time.now()
        for _ in 0..<self.debts.exchange(0, ordering: .relaxed) {
            for scope in self.scopes {
                if case .success(let hold?) = scope.reserve(RequestSize(input: 0, output: 0), now: now) {
                    hold.end(used: 0, now: now)
                }
            }
        }
        do {
            return try await self.next.respond(to: request, context: context)
        } catch {
            if context.request.attempts == 0 { self.debts.wrappingAdd(1, ordering: .relaxed) }
            throw error
        }
    }
}

/// Says that the provider failed when the client left.
private struct AbortBlamingProvider: Provider {
    let next: any Provider
    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        do {
            return try await self.next.respond(to: request, context: context)
        } catch {
            guard error.code == .cancelled else { throw error }
            throw NeedletailError(.unreachable, "The connection broke.", cause: error)
        }
    }
}

/// Begins a stream again that broke, whatever the client has seen.
private struct RestartingProvider: Provider {
    let next: any Provider
    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let reply = try await self.next.respond(to: request, context: context)
        guard case .stream(let stream) = reply.body else { return reply }
        let ending = StreamEnding()
        let reader = Reader(stream.makeAsyncIterator(), self.next, request, context)
        var copy = reply
        copy.body = .stream(ReplyStream(dialect: stream.dialect, ending: ending, reader: reader))
        return copy
    }

    private final class Reader: ReplyReader {
        private var iterator: ReplyStream.Iterator
        private let provider: any Provider
        private let request: InferenceRequest
        private let context: RequestContext
        private var isSecond = false

        init(
            _ iterator: ReplyStream.Iterator, _ next: any Provider, _ request: InferenceRequest,
            _ context: RequestContext
        ) {
            self.iterator = iterator
            self.provider = next
            self.request = request
            self.context = context
        }

        func next() async throws(NeedletailError) -> ByteBuffer? {
            do {
                return try await self.iterator.next()
            } catch {
                guard error.code != .cancelled, !self.isSecond else { throw error }
                self.isSecond = true
                let reply = try await self.provider.respond(to: self.request, context: self.context)
                guard case .stream(let stream) = reply.body else { throw error }
                self.iterator = stream.makeAsyncIterator()
                return try await self.iterator.next()
            }
        }
    }
}

/// Keeps to itself when to come again.
private struct HintlessProvider: Provider {
    let next: any Provider
    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        do {
            return try await self.next.respond(to: request, context: context)
        } catch {
            var error = error
            error.retryAfter = nil
            throw error
        }
    }
}

/// Goes on when it is cancelled.
private struct UncancelledProvider: Provider {
    let next: any Provider
    let executor: VirtualExecutor
    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let next = self.next
        let task = Task(executorPreference: self.executor) { () -> Result<InferenceReply, NeedletailError> in
            do throws(NeedletailError) {
                return .success(try await next.respond(to: request, context: context))
            } catch {
                return .failure(error)
            }
        }
        // A client that leaves is obeyed, a hedge that has lost is not: both are cancelled, and nobody tells.
        return try await task.value.get()
    }
}

/// Counts tries from zero again.
private struct ForgetfulProvider: Provider {
    let next: any Provider
    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let info = RequestInfo(id: context.id, keyName: context.request.keyName, logger: context.logger)
        let copy = RequestContext(info, deadline: context.deadline, attempt: context.attempt)
        return try await self.next.respond(to: request, context: copy)
    }
}

/// Forgets the deadline.
private struct TimelessProvider: Provider {
    let next: any Provider
    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        var copy = context
        copy.deadline = nil
        return try await self.next.respond(to: request, context: copy)
    }
}

/// Takes a place out that is unwell, whoever else is left.
private struct EjectingProvider: Provider {
    let next: any Provider
    let deployment: Deployment
    let time: TimeSource
    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard self.deployment.statistics.health(now: self.time.now()) >= 0.8 else {
            throw NeedletailError(.unavailable, "This place is taken out.")
        }
        return try await self.next.respond(to: request, context: context)
    }
}
