import HTTPTypes
import NIOCore
public import NIOHTTP1
public import NeedletailCore

/// The mock upstream on a listener: what `needletail mock` serves.
///
/// Besides the dialects there are `GET /__mock/stats` and `POST /__mock/reset`.
public struct MockServerHandler: EdgeHandler {
    private let engine: MockEngine
    private let time: TimeSource

    /// Serves `engine`, waiting by `time`.
    public init(engine: MockEngine, time: TimeSource) {
        self.engine = engine
        self.time = time
    }

    /// Never refuses: whatever comes is for the script to judge.
    public func admit(_ head: HTTPRequestHead) -> EdgeAdmission { .admitted() }

    /// Plays the reply.
    public func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {
        let mockRequest = MockRequest(
            method: request.head.method.rawValue,
            path: request.head.uri,
            headers: Self.fields(request.head.headers),
            body: request.body
        )
        if let response = self.control(mockRequest) { return responder.send(response) }
        let reply = self.engine.reply(to: mockRequest)
        self.engine.statistics.begin(reply)
        var progress = reply.leadInProgress
        var headSent = false
        let (end, last) = await self.play(reply, through: responder, &progress, &headSent)
        // Counted first: a client that has seen the end finds it in the statistics.
        self.engine.statistics.end(reply, end, progress: progress, headSent: headSent)
        switch last {
        case .send(let response): responder.send(response)
        case .finish: responder.finish()
        case .reset: responder.reset()
        }
    }

    /// What ends an exchange.
    private enum Last {
        case send(EdgeResponse), finish, reset
    }

    private func control(_ request: MockRequest) -> EdgeResponse? {
        switch (request.method, request.barePath) {
        case ("GET", "/__mock/stats"):
            return EdgeResponse(
                status: 200, headers: [.contentType: "application/json"], body: self.engine.statistics.json())
        case ("POST", "/__mock/reset"):
            self.engine.reset()
            return EdgeResponse(
                status: 200, headers: [.contentType: "application/json"], body: ByteBuffer(string: "{}"))
        default:
            return nil
        }
    }

    private func play(
        _ reply: MockReply,
        through responder: EdgeResponder,
        _ progress: inout MockProgress,
        _ headSent: inout Bool
    ) async -> (MockStatistics.End, Last) {
        let pause = MockPause(time: self.time, deadline: nil)
        do {
            for step in reply.leadIn {
                guard try await self.pass(step, pause) else {
                    return (.cutShort, .reset)
                }
            }
            headSent = true
            if let body = reply.wholeBody {
                return (.completed, .send(EdgeResponse(status: reply.status, headers: reply.headers, body: body)))
            }
            responder.start(status: reply.status, headers: reply.headers)
            var steps = reply.steps
            while let step = steps.next() {
                progress.take(steps.progress)
                switch step {
                case .bytes(let bytes):
                    try await responder.write(bytes)
                case .end:
                    return (progress.isCutShort ? .cutShort : .completed, .finish)
                case .wait, .stall, .garbledHead, .reset:
                    guard try await self.pass(step, pause) else {
                        return (.cutShort, .reset)
                    }
                }
            }
            return (.completed, .finish)
        } catch {
            return (progress.isCutShort ? .cutShort : .aborted, .reset)
        }
    }

    /// Waits; `false` where the connection is to break. A head that is no HTTP cannot be written through the edge, so
    /// that it is a break too.
    private func pass(_ step: MockStep, _ pause: MockPause) async throws(NeedletailError) -> Bool {
        switch step {
        case .wait(let duration): try await pause.wait(duration)
        case .stall: try await pause.waitForEver()
        case .garbledHead, .reset: return false
        case .bytes, .end: break
        }
        return true
    }

    /// An error of the edge itself, in the path's dialect.
    public func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse {
        let path = head.map { MockRequest(path: $0.uri).barePath } ?? ""
        let dialect = MockDialects.fallback(path: path, headers: [:])
        let status = error.disposition.status
        let body = dialect.failure(MockRefusal(status, error.message), requestID: "req_mock_edge")
        return EdgeResponse(status: status, headers: [.contentType: "application/json"], body: body)
    }

    private static func fields(_ headers: HTTPHeaders) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return fields
    }
}
