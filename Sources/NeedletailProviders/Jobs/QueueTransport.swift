import HTTPTypes
import NIOCore
import NeedletailCore

/// Answers chat completions with jobs of a queue whose worker speaks OpenAI's dialect
/// (<https://github.com/runpod-workers/worker-vllm#openai-compatibility>): the request goes in as it is, and what comes out
/// is the reply or pieces of its stream.
struct QueueTransport: HTTPTransport {
    private let client: JobClient

    init(_ client: JobClient) {
        self.client = client
    }

    /// Closes what the jobs are created with.
    func close() async { await self.client.transport.close() }

    /// `request` is a chat completion at a path that ends in `/run`.
    func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
        let isStreaming = (try? JSONDocument(request.body).root)?["stream"]?.bool ?? false
        var json = JSONWriter()
        json.beginObject()
        json.key("input")
        json.beginObject()
        json.member("openai_route", "/v1/chat/completions")
        json.key("openai_input")
        json.raw(JSONText(unchecked: request.body))
        json.endObject()
        json.endObject()
        var creation = request
        creation.body = json.bytes
        // The other path answers within the same request where the job is short.
        if !isStreaming { creation.path += "sync" }
        switch try await self.client.ask(creation) {
        case .refused(let response): return response
        case .good(let document):
            let job = try QueueJob(document.root, root: String(request.path.dropLast("/run".count)))
            guard isStreaming else { return try await self.whole(document, job, request) }
            return TransportResponse(
                status: 200, headers: [.contentType: StreamFraming.serverSentEvents.contentType],
                body: TransportBody(QueueStream(self.client, job, request)))
        }
    }

    private func whole(
        _ created: JSONDocument, _ job: QueueJob, _ request: TransportRequest
    ) async throws(NeedletailError) -> TransportResponse {
        var document = created
        if QueueJob.State(document.root) == .running {
            let answer = try await self.client.poll(job.path("status"), cancelPath: job.path("cancel"), like: request) {
                QueueJob.State($0) != .running
            }
            switch answer {
            case .refused(let response): return response
            case .good(let last): document = last
            }
        }
        guard QueueJob.State(document.root) == .completed else {
            return JobClient.failure(QueueJob.fault(document.root))
        }
        guard var output = document.root.present("output") else {
            throw NeedletailError(.malformedReply, "The job has no output.")
        }
        var elements = output.elements
        output = elements.next() ?? output
        return TransportResponse(
            status: 200, headers: [.contentType: "application/json"], body: TransportBody(output.raw))
    }
}

/// One job of a queue.
struct QueueJob: Sendable {
    enum State: Equatable {
        case running, completed, failed

        init(_ root: JSONView) {
            self =
                switch root.present("status")?.string {
                case "COMPLETED": .completed
                case "FAILED", "CANCELLED", "TIMED_OUT": .failed
                default: .running
                }
        }
    }

    let id: String
    let root: String

    init(_ view: JSONView, root: String) throws(NeedletailError) {
        guard let id = view.present("id")?.string, !id.isEmpty else {
            throw NeedletailError(.malformedReply, "The provider's answer names no job.")
        }
        self.id = id
        self.root = root
    }

    func path(_ operation: String) -> String { "\(self.root)/\(operation)/\(PathTemplate.encoded(self.id))" }

    /// Why a job failed.
    static func fault(_ root: JSONView) -> String? {
        let error = root.present("error") ?? root.present("output")?.present("error")
        return error?.string ?? error?.present("message")?.string
    }
}
