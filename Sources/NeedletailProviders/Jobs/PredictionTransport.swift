import HTTPTypes
import NIOCore
import NeedletailCore

/// Answers chat completions with predictions: creates one, then waits for it or reads its stream.
struct PredictionTransport: HTTPTransport {
    /// How long creating a prediction may wait for its result; the rest is polled.
    static let wait = "wait=30"

    private let client: JobClient
    private let connect: @Sendable (_ url: String) throws(NeedletailError) -> any HTTPTransport

    init(
        _ client: JobClient,
        connect: @escaping @Sendable (_ url: String) throws(NeedletailError) -> any HTTPTransport
    ) {
        self.client = client
        self.connect = connect
    }

    /// Closes what the jobs are created with.
    func close() async { await self.client.transport.close() }

    /// `request` is a chat completion at a path that ends in `/predictions`.
    func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
        let chat = try OpenAIChat.decodeRequest(request.body)
        let root = String(request.path.dropLast("/predictions".count))
        let (path, version) = try Self.place(of: chat.model, below: root)
        var creation = request
        creation.path = path
        creation.body = try PredictionInput.encode(chat, version: version)
        if !chat.isStreaming, let name = HTTPField.Name("prefer") { creation.headers[name] = Self.wait }
        switch try await self.client.ask(creation) {
        case .refused(let response): return response
        case .good(let document):
            let prediction = try Prediction(document.root)
            let job = PredictionJob(client: self.client, request: request, root: root, chat: chat, id: prediction.id)
            if chat.isStreaming, prediction.state == .running, let url = prediction.streamURL {
                return try await self.stream(url, job)
            }
            return try await self.whole(prediction, job)
        }
    }

    /// Where predictions of a model are created, and the version to name there.
    private static func place(
        of model: String, below root: String
    ) throws(NeedletailError) -> (path: String, version: String?) {
        let isPlain = { (text: Substring) in
            !text.isEmpty && text.first != "."
                && text.utf8.allSatisfy { byte in
                    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
                }
        }
        if let colon = model.lastIndex(of: ":") {
            let version = model[model.index(after: colon)...]
            if isPlain(version) { return (root + "/predictions", String(version)) }
        }
        let parts = model.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, parts.allSatisfy(isPlain) {
            return (root + "/models/\(parts[0])/\(parts[1])/predictions", nil)
        }
        if parts.count == 1, model.utf8.count == 64, isPlain(parts[0]) { return (root + "/predictions", model) }
        throw NeedletailError(
            .notFound, "A model is named OWNER/NAME, OWNER/NAME:VERSION or by its version.", parameter: "model")
    }

    private func whole(_ created: Prediction, _ job: PredictionJob) async throws(NeedletailError) -> TransportResponse {
        var prediction = created
        if prediction.state == .running {
            let answer = try await self.client.poll(job.path, cancelPath: job.cancelPath, like: job.request) {
                root throws(NeedletailError) in try Prediction(root).state != .running
            }
            switch answer {
            case .refused(let response): return response
            case .good(let document): prediction = try Prediction(document.root)
            }
        }
        if case .failed(let message) = prediction.state { return JobClient.failure(message) }
        return job.chat.isStreaming ? job.streamed(prediction) : try job.reply(prediction)
    }

    private func stream(_ url: String, _ job: PredictionJob) async throws(NeedletailError) -> TransportResponse {
        do {
            let transport = try self.connect(url)
            var request = job.request
            request.method = .get
            request.path = URLPath.path(of: url)
            // The address itself is the secret; the key stays where the jobs are.
            request.headers = [.accept: "text/event-stream", .userAgent: "needletail"]
            request.body = ByteBuffer()
            let response = try await transport.send(request)
            guard response.status == 200 else {
                job.cancel()
                return response
            }
            return TransportResponse(
                status: 200, headers: [.contentType: StreamFraming.serverSentEvents.contentType],
                body: TransportBody(PredictionStream(response.body, job)))
        } catch {
            job.cancel()
            var error = error
            error.mayHaveBeenProcessed = true
            throw error
        }
    }
}

/// One prediction that has been created, and for whom.
struct PredictionJob: Sendable {
    let client: JobClient
    let request: TransportRequest
    let root: String
    let chat: ChatRequest
    let id: String

    var path: String { "\(self.root)/predictions/\(PathTemplate.encoded(self.id))" }
    var cancelPath: String { self.path + "/cancel" }

    func cancel() {
        self.client.cancel(self.cancelPath, like: self.request)
    }

    /// How the prediction is now; `nil` if that cannot be found out.
    func look() async -> Prediction? {
        guard
            case .good(let document)? = try? await self.client.ask(
                self.client.request(.get, self.path, like: self.request))
        else { return nil }
        return try? Prediction(document.root)
    }

    func reply(_ prediction: Prediction) throws(NeedletailError) -> TransportResponse {
        let choice = ChatChoice(
            content: [.text(TextPart(prediction.text))],
            stopReason: prediction.stopReason(limit: self.chat.maxOutputTokens))
        let reply = ChatResponse(
            id: prediction.id, model: self.chat.model, choices: [choice], usage: prediction.usage)
        var out = ByteBuffer()
        _ = try OpenAIChat.encodeReply(reply, created: self.client.time.wallSeconds(), into: &out)
        return TransportResponse(
            status: 200, headers: [.contentType: "application/json"], body: TransportBody(out))
    }

    /// A prediction that cannot be streamed, as a stream of one piece.
    func streamed(_ prediction: Prediction) -> TransportResponse {
        var encoder = self.encoder
        var out = ByteBuffer()
        encoder.encode(.started(self.start), into: &out)
        encoder.encode(.text(prediction.text, choice: 0), into: &out)
        self.end(prediction, &encoder, into: &out)
        return TransportResponse(
            status: 200, headers: [.contentType: StreamFraming.serverSentEvents.contentType],
            body: TransportBody(out))
    }

    var start: StreamStart { StreamStart(id: self.id, model: self.chat.model) }

    var encoder: any StreamEncoder {
        OpenAIChat.makeStreamEncoder(
            StreamEncoderOptions(
                includesUsage: self.chat.includesStreamUsage, model: self.chat.model,
                created: self.client.time.wallSeconds(), replyID: self.id))
    }

    func end(_ prediction: Prediction?, _ encoder: inout any StreamEncoder, into out: inout ByteBuffer) {
        let reason = prediction?.stopReason(limit: self.chat.maxOutputTokens) ?? .endTurn
        encoder.encode(.finished(reason, stopSequence: nil, choice: 0), into: &out)
        if let usage = prediction?.usage { encoder.encode(.usage(usage), into: &out) }
        encoder.finish(into: &out)
    }
}
