import HTTPTypes
import NIOCore
import NeedletailCore

/// One request on its way through the engine.
struct MockCall: Sendable {
    let script: MockScript
    let request: MockRequest
    let path: String
    let body: JSONView?
    let dialect: any MockDialect.Type
    let operation: MockOperation?
    private let random: MockRandom
    private let requestID: String

    init(
        script: MockScript,
        request: MockRequest,
        path: String,
        body: JSONView?,
        dialect: any MockDialect.Type,
        operation: MockOperation?
    ) {
        self.script = script
        self.request = request
        self.path = path
        self.body = body
        self.dialect = dialect
        self.operation = operation
        let content = MockRandom.combine(MockRandom.hash(path), MockRandom.hash(request.body))
        var random = MockRandom(seed: MockRandom.combine(script.seed, content))
        self.requestID = "req_mock_" + random.hex()
        self.random = random
    }

    private var model: String {
        self.dialect.target(path: self.path)?.model ?? self.body?["model"]?.string ?? ""
    }

    // MARK: Matching

    /// Whether the conditions hold that do not depend on other requests.
    func meets(_ match: MockMatch) -> Bool {
        if let path = match.path {
            guard MockGlob.matches(path, self.path) else { return false }
        } else if self.request.method != "POST", match.method == nil {
            return false
        }
        if let method = match.method, method.uppercased() != self.request.method { return false }
        if let model = match.model, !MockGlob.matches(model, self.model) { return false }
        if let key = match.key, !MockGlob.matches(key, self.request.key) { return false }
        let streams = self.dialect.target(path: self.path)?.isStreaming ?? self.body?["stream"]?.bool ?? false
        if let isStreaming = match.isStreaming, isStreaming != streams { return false }
        if let text = match.contains, !String(buffer: self.request.body).contains(text) { return false }
        return true
    }

    // MARK: Answering

    func reply(_ rule: MockRule?) -> MockReply {
        let scripted = rule?.reply ?? MockScriptedReply()
        var reply = self.content(scripted, fault: rule?.fault)
        for field in scripted.headers { reply.headers[field.name] = nil }
        for field in scripted.headers { reply.headers.append(field) }
        let delay = scripted.delay ?? self.defaultDelay
        if delay > .zero { reply.leadIn = [.wait(delay)] }
        if let fault = rule?.fault { self.strikeHead(fault, &reply) }
        return reply
    }

    /// 100 to 200 ms for what a model would have to think about, nothing for the rest.
    private var defaultDelay: Duration {
        guard self.operation == .chat else { return .zero }
        if let delay = self.script.delay { return delay }
        var random = self.random
        return .microseconds(100_000 + random.below(100_001))
    }

    private func content(_ scripted: MockScriptedReply, fault: MockFault?) -> MockReply {
        let status = scripted.status ?? 200
        if let raw = scripted.raw { return self.raw(raw, status: status, scripted, fault: fault) }
        if status >= 400 {
            return self.refuse(MockRefusal(status, scripted.text ?? "The mock was told to answer \(status)."))
        }
        do {
            return try self.answer(status: status, scripted, fault: fault)
        } catch {
            return self.refuse(error)
        }
    }

    private func answer(
        status: Int,
        _ scripted: MockScriptedReply,
        fault: MockFault?
    ) throws(MockRefusal) -> MockReply {
        switch self.operation {
        case nil:
            let other = MockOtherOperations(path: self.path, body: self.body)
            if let answer = try other.answer() {
                var reply = self.whole(
                    MockWhole(bytes: answer.bytes), status: status, usage: scripted.usage ?? answer.usage, fault: fault)
                reply.headers[.contentType] = answer.contentType
                return reply
            }
            throw MockRefusal(404, "Unknown request URL: \(self.request.method) \(self.path).")
        case .listModels:
            return self.whole(
                MockWhole(bytes: self.dialect.modelList(self.script.models)), status: status, fault: fault)
        case .model(let name):
            return self.whole(MockWhole(bytes: self.dialect.model(name)), status: status, fault: fault)
        case .countTokens:
            let tokens = try self.prompt().inputTokens
            let usage = scripted.usage ?? self.script.usage
            let body = self.dialect.tokenCount(usage?.input ?? tokens)
            return self.whole(MockWhole(bytes: body), status: status, fault: fault)
        case .chat:
            let prompt = try self.prompt()
            let answer = MockAnswer.compose(
                prompt, reply: scripted, fault: fault, usage: scripted.usage ?? self.script.usage, random: self.random)
            guard prompt.isStreaming else {
                let whole = self.dialect.whole(answer)
                return self.whole(whole, status: status, usage: answer.usage, fault: fault, chunks: scripted.chunks)
            }
            let steps = MockStreamSteps(
                answer,
                writer: self.dialect.makeStreamWriter(answer),
                fault: fault,
                faultBytes: self.faultBytes,
                chunkDelay: scripted.chunkDelay ?? self.script.chunkDelay
            )
            var headers = self.headers(self.dialect.streamContentType)
            headers[.cacheControl] = "no-cache"
            return MockReply(
                status: status, headers: headers, leadIn: [], steps: MockSteps(steps),
                account: self.account(answer.usage))
        }
    }

    private func prompt() throws(MockRefusal) -> MockPrompt {
        guard let body = self.body, body.kind == .object else {
            throw MockRefusal(400, "We could not parse the JSON body of your request.")
        }
        return try self.dialect.read(body, path: self.path)
    }

    // MARK: Bodies

    private func whole(
        _ whole: MockWhole,
        status: Int,
        usage: MockUsage = MockUsage(input: 0, output: 0),
        fault: MockFault?,
        chunks: Int? = nil
    ) -> MockReply {
        let offset = fault.flatMap { Self.offset($0.place, in: whole, chunks: chunks) }
        let steps = Self.steps([whole.bytes], fault: offset == nil ? nil : fault, at: offset ?? 0, self.wholeFaultBytes)
        return MockReply(
            status: status,
            headers: self.headers("application/json"),
            leadIn: [],
            steps: steps,
            wholeBody: offset == nil ? whole.bytes : nil,
            account: self.account(usage)
        )
    }

    private static func offset(_ place: MockFault.Place, in whole: MockWhole, chunks: Int?) -> Int? {
        switch place {
        case .connect, .headers: return nil
        case .firstEvent: return 0
        case .chunk(let number):
            let text = whole.text ?? 0..<whole.bytes.readableBytes
            let chunks = chunks ?? max(number, 8)
            guard number >= 1, number <= chunks else { return nil }
            return text.lowerBound + Int((Double(text.count) * Double(number - 1) / Double(chunks)).rounded(.down))
        case .toolArguments: return whole.toolArguments
        case .thinking: return whole.thinking
        case .beforeUsage: return whole.usage
        case .beforeDone: return max(0, whole.bytes.readableBytes - 1)
        }
    }

    private func raw(
        _ raw: MockScriptedReply.RawBody,
        status: Int,
        _ scripted: MockScriptedReply,
        fault: MockFault?
    ) -> MockReply {
        let pieces = MockRawPieces.split(raw, chunks: scripted.chunks)
        let offset = fault.flatMap { MockRawPieces.offset($0.place, in: pieces) }
        let pause = scripted.chunkDelay ?? self.script.chunkDelay
        let isOne = pieces.count <= 1 && offset == nil
        return MockReply(
            status: status,
            headers: self.headers(raw.contentType),
            leadIn: [],
            steps: Self.steps(
                pieces, fault: offset == nil ? nil : fault, at: offset ?? 0, self.faultBytes, pause: pause),
            wholeBody: isOne ? raw.bytes : nil,
            account: self.account(
                status < 400
                    ? scripted.usage ?? self.script.usage ?? MockUsage(input: 0, output: 0)
                    : MockUsage(input: 0, output: 0))
        )
    }

    /// Sends `pieces`, with the fault `offset` bytes from the start.
    private static func steps(
        _ pieces: [ByteBuffer],
        fault: MockFault?,
        at offset: Int,
        _ faultBytes: MockFaultBytes,
        pause: Duration = .zero
    ) -> MockSteps {
        var list: [MockStep] = []
        var faultAt: Int?
        var position = 0
        for piece in pieces {
            if pause > .zero { list.append(.wait(pause)) }
            var rest = piece
            if let fault, faultAt == nil, offset < position + piece.readableBytes || piece.readableBytes == 0 {
                let before = rest.readSlice(length: max(0, offset - position)) ?? ByteBuffer()
                if before.readableBytes > 0 { list.append(.bytes(before)) }
                faultAt = list.count
                list += fault.steps(faultBytes)
                if fault.kind.isFinal { return MockSteps(list, faultAt: faultAt, isCutShort: true) }
            }
            position += piece.readableBytes
            if rest.readableBytes > 0 { list.append(.bytes(rest)) }
        }
        return MockSteps(list + [.end], faultAt: faultAt)
    }

    private func refuse(_ refusal: MockRefusal) -> MockReply {
        let body = self.dialect.failure(refusal, requestID: self.requestID)
        return MockReply(
            status: refusal.status,
            headers: self.headers("application/json"),
            leadIn: [],
            steps: MockSteps([.bytes(body), .end]),
            wholeBody: body,
            account: self.account(MockUsage(input: 0, output: 0))
        )
    }

    // MARK: Heads

    /// A fault before or in the place of the head.
    private func strikeHead(_ fault: MockFault, _ reply: inout MockReply) {
        guard fault.place == .connect || fault.place == .headers else { return }
        let isConnect = fault.place == .connect
        var steps: [MockStep] = []
        switch fault.kind {
        case .garbage:
            steps = [.garbledHead]
        case .errorEvent:
            let delay = reply.leadIn
            reply = self.refuse(self.failure)
            reply.leadIn = isConnect ? [] : delay
            reply.leadInProgress.hasFaulted = true
            return
        case .reset, .stall, .slow:
            steps = fault.steps(self.faultBytes)
        }
        reply.isConnectFault = isConnect
        reply.leadInProgress.hasFaulted = true
        reply.leadInProgress.isCutShort = fault.kind != .slow
        if reply.leadInProgress.isCutShort {
            reply.leadIn = isConnect ? steps : reply.leadIn + steps
        } else {
            reply.leadIn = isConnect ? steps + reply.leadIn : reply.leadIn + steps
        }
    }

    private var failure: MockRefusal {
        MockRefusal(self.dialect.failureStatus, "The mock was told to fail here.")
    }

    private var faultBytes: MockFaultBytes {
        MockFaultBytes(
            garbage: self.dialect.garbage,
            errorEvent: self.dialect.streamFailure(self.failure, requestID: self.requestID)
        )
    }

    /// In a body that is no stream, the error comes without the frame of an event.
    private var wholeFaultBytes: MockFaultBytes {
        MockFaultBytes(
            garbage: self.dialect.garbage,
            errorEvent: self.dialect.failure(self.failure, requestID: self.requestID)
        )
    }

    private func headers(_ contentType: String) -> HTTPFields {
        var headers: HTTPFields = [.contentType: contentType]
        if let name = HTTPField.Name(self.dialect.requestIDHeader) { headers[name] = self.requestID }
        return headers
    }

    private func account(_ usage: MockUsage) -> MockReply.Account {
        let isInference = self.operation == .chat || (self.operation == nil && self.request.method == "POST")
        return MockReply.Account(model: self.model, usage: usage, isInference: isInference)
    }
}
