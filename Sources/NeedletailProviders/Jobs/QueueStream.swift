import HTTPTypes
import NIOCore
import NeedletailCore
import Synchronization

/// The pieces of a job's output while it runs, as its worker wrote them.
final class QueueStream: TransportBodySource {
    private let client: JobClient
    private let job: QueueJob
    private let request: TransportRequest
    /// How often in a row there was nothing new; `nil` once it is over.
    private let idleRounds = Mutex<Int?>(0)

    init(_ client: JobClient, _ job: QueueJob, _ request: TransportRequest) {
        self.client = client
        self.job = job
        self.request = request
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        do throws(NeedletailError) {
            while let round = self.idleRounds.withLock({ $0 }) {
                if round > 0 { try await self.client.pause(round - 1, deadline: self.request.deadline) }
                let asked = self.client.request(.get, self.job.path("stream"), like: self.request)
                switch try await self.client.ask(asked) {
                case .refused(let response):
                    let body = await response.body.prefix(HTTPProvider.maximumFailureSize)
                    throw OpenAIChat.decodeFailure(status: response.status, headers: response.headers, body: body)
                case .good(let document):
                    let out = try Self.pieces(document.root)
                    let state = QueueJob.State(document.root)
                    self.idleRounds.withLock { rounds in
                        guard let count = rounds else { return }
                        rounds = state != .running ? nil : out.readableBytes > 0 ? 0 : count + 1
                    }
                    if state == .failed { throw JobClient.streamFailure(QueueJob.fault(document.root)) }
                    if out.readableBytes > 0 { return out }
                }
            }
            return nil
        } catch {
            self.cancel()
            throw error
        }
    }

    /// The worker sends whole events as text; others send each chunk as an object.
    private static func pieces(_ root: JSONView) throws(NeedletailError) -> ByteBuffer {
        var out = ByteBuffer()
        for piece in root.present("stream")?.elements ?? root.elements {
            guard let output = piece.present("output") else { continue }
            try self.write(output, into: &out)
        }
        return out
    }

    private static func write(_ output: JSONView, into out: inout ByteBuffer) throws(NeedletailError) {
        switch output.kind {
        case .string: out.writeString(output.string ?? "")
        case .object:
            out.writeStaticString("data: ")
            out.writeImmutableBuffer(output.raw)
            out.writeStaticString("\n\n")
        case .array: for element in output.elements { try self.write(element, into: &out) }
        default: throw NeedletailError(.malformedReply, "The job's output is no chunk of a chat completion.")
        }
    }

    func cancel() {
        let isRunning = self.idleRounds.withLock { rounds in
            defer { rounds = nil }
            return rounds != nil
        }
        if isRunning { self.client.cancel(self.job.path("cancel"), like: self.request) }
    }
}
