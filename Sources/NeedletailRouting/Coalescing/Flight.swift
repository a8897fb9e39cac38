import NIOCore
import NeedletailCore
import Synchronization

/// One call upstream and those who wait for it. The shell around ``FlightState``: it holds the lock and wakes.
final class Flight: Sendable {
    /// When the call ends at the latest.
    let deadline: Instant?
    private let state: Mutex<FlightState>

    /// - Parameter outlivesReaders: Whether the call goes on to its end when nobody waits for it any more.
    init(deadline: Instant?, bound: Int, outlivesReaders: Bool = false) {
        self.deadline = deadline
        self.state = Mutex(FlightState(bound: bound, outlivesReaders: outlivesReaders))
    }

    /// Changes the state and wakes whom it says, outside the lock.
    private func update<Value: Sendable>(
        _ change: (inout FlightState) -> (FlightState.Wakers, Value)
    ) -> Value {
        let (wakers, value) = self.state.withLock { state in change(&state) }
        for waker in wakers { waker.resume() }
        return value
    }

    private func update(_ change: (inout FlightState) -> FlightState.Wakers) {
        self.update { (change(&$0), ()) }
    }

    // MARK: Readers

    /// A reader's number; `nil` if it is too late to join.
    func join() -> Int? {
        self.state.withLock { $0.join() }
    }

    /// Takes a reader away.
    ///
    /// - Returns: What it is charged.
    func leave(_ id: Int, atEnd: Bool) -> Usage? {
        self.update { $0.leave(id, atEnd: atEnd) }
    }

    /// The reply, for one reader, once it has been committed.
    func reply(for id: Int) async throws(NeedletailError) -> InferenceReply {
        while true {
            guard !Task.isCancelled else {
                _ = self.leave(id, atEnd: false)
                throw NeedletailError(.cancelled, "The request was cancelled.")
            }
            switch self.state.withLock({ $0.phase }) {
            case .waiting: await self.sleep(id) { $0.sleepUntilCommit(id, $1) }
            case .failed(let error): throw error
            case .committed(var reply):
                switch reply.body {
                case .complete(let body, _):
                    reply.body = .complete(body, self.leave(id, atEnd: true))
                case .stream(let stream):
                    let ending = StreamEnding()
                    reply.body = .stream(
                        ReplyStream(
                            dialect: stream.dialect, ending: ending,
                            reader: FlightReader(self, id, ending: ending, source: stream.ending)))
                }
                return reply
            }
        }
    }

    /// The next chunk, for one reader.
    func next(_ id: Int) async throws(NeedletailError) -> ByteBuffer? {
        while true {
            guard !Task.isCancelled else { throw NeedletailError(.cancelled, "The request was cancelled.") }
            switch self.update({ $0.next(id) }) {
            case .chunk(let chunk): return chunk
            case .finished: return nil
            case .broken(let error): throw error
            case .sleep: await self.sleep(id) { $0.sleep(id, $1) }
            }
        }
    }

    private func sleep(
        _ id: Int, _ register: (inout FlightState, CheckedContinuation<Void, Never>) -> Bool
    ) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waker in
                let isAsleep = self.state.withLock { state in register(&state, waker) }
                if !isAsleep { waker.resume() }
                // The handler may have run before there was anybody to wake.
                if Task.isCancelled { self.update { $0.wake(id) } }
            }
        } onCancel: {
            self.update { $0.wake(id) }
        }
    }

    // MARK: The call

    /// Says that the call will not be made; those who joined make their own.
    func refuse() {
        self.update { $0.fail(NeedletailError(.cancelled, "The call that the request had joined was not made.")) }
    }

    /// Makes the call and hands on what comes, until it is over or nobody waits for it.
    func run(_ provider: any Provider, _ request: InferenceRequest, _ context: RequestContext) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.call(provider, request, context) }
            await self.guardCall()
            group.cancelAll()
        }
    }

    private func call(_ provider: any Provider, _ request: InferenceRequest, _ context: RequestContext) async {
        let reply: InferenceReply
        do throws(NeedletailError) {
            reply = try await provider.respond(to: request, context: context)
        } catch {
            return self.update { $0.fail(error) }
        }
        guard case .stream(let stream) = reply.body else {
            return self.update { $0.commit(reply) + $0.finish(.success(()), usage: nil) }
        }
        self.update { $0.commit(reply) }
        var chunks = stream.makeAsyncIterator()
        do throws(NeedletailError) {
            while true {
                await self.waitForRoom()
                guard let chunk = try await chunks.next() else { break }
                self.update { $0.append(chunk, usage: stream.ending.usage) }
            }
            self.update { $0.finish(.success(()), usage: stream.ending.usage) }
        } catch {
            self.update { $0.finish(.failure(error), usage: stream.ending.usage) }
        }
    }

    private func waitForRoom() async {
        while !Task.isCancelled, !self.update({ $0.makeRoom() }) {
            await withTaskCancellationHandler {
                await withCheckedContinuation { waker in
                    if !self.state.withLock({ $0.sleep(pump: waker) }) { waker.resume() }
                    if Task.isCancelled { self.update { $0.takePump() } }
                }
            } onCancel: {
                self.update { $0.takePump() }
            }
        }
    }

    private func guardCall() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waker in
                if !self.state.withLock({ $0.sleep(guardian: waker) }) { waker.resume() }
                if Task.isCancelled { self.update { $0.takeGuardian() } }
            }
        } onCancel: {
            self.update { $0.takeGuardian() }
        }
    }
}
