import HTTPTypes
import NIOCore
import NeedletailCore

/// What all kinds of jobs have in common: creating one, asking how it is, giving it up.
struct JobClient: Sendable {
    /// The pauses between two questions; the last one repeats.
    static let pauses: [Duration] = [
        .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2),
    ]
    /// The largest answer that is read, in bytes.
    static let maximumReplySize = 64 << 20

    let transport: any HTTPTransport
    let cancellations: JobCancellations
    let time: TimeSource

    /// The answer to a request, if it is a success; the response itself, for the caller to hand on, if it is none.
    enum Answer {
        case good(JSONDocument)
        case refused(TransportResponse)
    }

    func ask(_ request: TransportRequest) async throws(NeedletailError) -> Answer {
        let response = try await self.transport.send(request)
        guard (200..<300).contains(response.status) else { return .refused(response) }
        let bytes = try await response.body.collect(upTo: Self.maximumReplySize)
        do {
            return .good(try JSONDocument(bytes))
        } catch {
            throw NeedletailError(.malformedReply, "The provider's answer about a job is not JSON.", cause: error)
        }
    }

    /// A request beside the one that came in, with its credentials.
    func request(_ method: HTTPRequest.Method, _ path: String, like other: TransportRequest) -> TransportRequest {
        var request = other
        request.method = method
        request.path = path
        request.headers[.contentType] = nil
        request.body = ByteBuffer()
        return request
    }

    /// Asks again and again, with pauses, until `isOver` says so.
    ///
    /// - Throws: What ended the waiting; the job is then given up, since nobody waits for it any more.
    func poll(
        _ path: String,
        cancelPath: String,
        like other: TransportRequest,
        until isOver: (JSONView) throws(NeedletailError) -> Bool
    ) async throws(NeedletailError) -> Answer {
        do {
            var round = 0
            while true {
                try await self.pause(round, deadline: other.deadline)
                round += 1
                switch try await self.ask(self.request(.get, path, like: other)) {
                case .good(let document):
                    if try isOver(document.root) { return .good(document) }
                case .refused(let response):
                    self.cancel(cancelPath, like: other)
                    return .refused(response)
                }
            }
        } catch {
            self.cancel(cancelPath, like: other)
            var error = error
            error.mayHaveBeenProcessed = true
            throw error
        }
    }

    func pause(_ round: Int, deadline: Instant?) async throws(NeedletailError) {
        let now = self.time.now()
        let wake = now.advanced(by: Self.pauses[min(round, Self.pauses.count - 1)])
        if let deadline, wake >= deadline { throw NeedletailError(.timedOut, "The job took longer than allowed.") }
        do {
            try await self.time.sleep(wake)
        } catch {
            throw NeedletailError(.cancelled, "The request was cancelled.", cause: error)
        }
    }

    func cancel(_ path: String, like other: TransportRequest) {
        self.cancellations.add(self.request(.post, path, like: other), to: self.transport)
    }

    /// A failed job as a response that says so.
    static func failure(_ message: String?) -> TransportResponse {
        var json = JSONWriter()
        json.beginObject()
        json.member("detail", message ?? "The job failed.")
        json.endObject()
        return TransportResponse(
            status: 500, headers: [.contentType: "application/json"], body: TransportBody(json.bytes))
    }

    /// A failed job inside a stream.
    static func streamFailure(_ message: String?) -> NeedletailError {
        var json = JSONWriter()
        json.beginObject()
        json.member("detail", message ?? "The job failed.")
        json.endObject()
        return OpenAIChat.decodeFailure(status: 500, headers: [:], body: json.bytes)
    }
}
