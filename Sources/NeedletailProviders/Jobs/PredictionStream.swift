import NIOCore
import NeedletailCore
import Synchronization

/// The output of a prediction while it comes, as chunks of a chat completion.
final class PredictionStream: TransportBodySource {
    private struct State {
        var decoder = SSEDecoder()
        var encoder: any StreamEncoder
        var hasStarted = false
        var isOver = false
        /// What follows the output that came with it.
        var failure: NeedletailError?
    }

    /// What one read of the stream gave.
    private enum Step {
        case output(ByteBuffer)
        /// The prediction is done; what was still to be said before its end.
        case done(ByteBuffer)
        case more
    }

    private let body: TransportBody
    private let job: PredictionJob
    private let state: Mutex<State>

    init(_ body: TransportBody, _ job: PredictionJob) {
        self.body = body
        self.job = job
        self.state = Mutex(State(encoder: job.encoder))
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        while true {
            guard !self.state.withLock({ $0.isOver }) else { return nil }
            var chunk: ByteBuffer?
            do {
                if self.state.withLock({ $0.failure == nil }) { chunk = try await self.body.next() }
            } catch {
                self.cancel()
                throw error
            }
            switch try self.read(chunk) {
            case .output(let bytes): return bytes
            case .done(let bytes): return await self.end(bytes)
            case .more: continue
            }
        }
    }

    private func read(_ chunk: ByteBuffer?) throws(NeedletailError) -> Step {
        let result = self.state.withLock { state -> Result<Step, NeedletailError> in
            if let failure = state.failure { return .failure(failure) }
            var out = ByteBuffer()
            do throws(NeedletailError) { return .success(try Self.read(chunk, self.job.start, &state, &out)) } catch {
                guard out.readableBytes > 0 else { return .failure(error) }
                state.failure = error
                return .success(.output(out))
            }
        }
        do {
            return try result.get()
        } catch {
            self.cancel()
            throw error
        }
    }

    private static func read(
        _ chunk: ByteBuffer?, _ start: StreamStart, _ state: inout State, _ out: inout ByteBuffer
    ) throws(NeedletailError) -> Step {
        if let chunk { state.decoder.feed(chunk) }
        while let event = chunk == nil ? try state.decoder.finish() : try state.decoder.next() {
            switch String(buffer: event.name) {
            case "output":
                if !state.hasStarted {
                    state.hasStarted = true
                    state.encoder.encode(.started(start), into: &out)
                }
                let text = String(buffer: event.data)
                if !text.isEmpty { state.encoder.encode(.text(text, choice: 0), into: &out) }
            case "error": throw JobClient.streamFailure(Self.detail(event.data))
            case "done":
                // An empty object, or why it did not get to its end.
                let reason = (try? JSONDocument(event.data).root)?.present("reason")?.string
                guard reason == nil else {
                    throw JobClient.streamFailure("The prediction ended early: \(reason ?? "").")
                }
                if !state.hasStarted { state.encoder.encode(.started(start), into: &out) }
                return .done(out)
            default: continue
            }
        }
        guard chunk != nil else {
            throw NeedletailError(.unreachable, "The prediction's stream broke off.", mayHaveBeenProcessed: true)
        }
        return out.readableBytes > 0 ? .output(out) : .more
    }

    private static func detail(_ data: ByteBuffer) -> String? {
        (try? JSONDocument(data).root)?.present("detail")?.string ?? String(buffer: data)
    }

    /// Looks how many tokens it took, which the stream does not tell, and ends the reply.
    private func end(_ bytes: ByteBuffer) async -> ByteBuffer {
        let prediction = await self.job.look()
        var out = bytes
        self.state.withLock { state in
            state.isOver = true
            self.job.end(prediction, &state.encoder, into: &out)
        }
        self.body.drain()
        return out
    }

    func cancel() {
        let isRunning = self.state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
        if isRunning { self.job.cancel() }
        self.body.cancel()
    }
}
