import Logging
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

/// A stack whose upstream repeats what it was asked.
private final class Upstream: Provider {
    let id: ProviderID = "up"
    let dialect: DialectID
    let isStream: Bool
    private let seen = Mutex<[InferenceRequest]>([])

    init(_ dialect: DialectID, isStream: Bool = false) {
        self.dialect = dialect
        self.isStream = isStream
    }

    var requests: [InferenceRequest] { self.seen.withLock { $0 } }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let number = self.seen.withLock { requests in
            requests.append(request)
            return requests.count
        }
        let id = self.dialect == .openAIResponses ? "resp_up_\(number)" : request.replyID ?? ""
        let response =
            #"{"id":"\#(id)","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"answer \#(number)"}]}]}"#
        var reply = InferenceReply(
            provider: self.id, model: request.model,
            body: .complete(WireBody(dialect: .openAIResponses, bytes: ByteBuffer(string: response)), nil))
        if self.isStream {
            let events = [
                #"data: {"type":"response.created","response":{"id":"\#(id)","output":[]}}"# + "\n\n",
                #"data: {"type":"response.output_text.delta","delta":"{\"type\":\"response.completed\""}"# + "\n\n",
                #"data: {"type":"response.completed","response":\#(response)}"# + "\n\n",
            ]
            reply.body = .stream(ReplyStream(dialect: .openAIResponses, reader: Chunks(events)))
        }
        reply.upstream = self.dialect
        return reply
    }
}

private final class Chunks: ReplyReader {
    private var chunks: ArraySlice<String>
    init(_ chunks: [String]) { self.chunks = chunks[...] }
    func next() async throws(NeedletailError) -> ByteBuffer? {
        self.chunks.popFirst().map { ByteBuffer(string: $0) }
    }
}

@Suite("The store of responses: the layer")
struct ResponseStoreLayerTests {
    private let clock = JumpingTime()

    private func layer(_ upstream: Upstream) -> ResponseStoreLayer {
        ResponseStoreLayer(
            upstream, store: ResponseStore(limits: .init(lifetime: .seconds(60)), time: self.clock.source),
            random: .seeded(7))
    }

    private static func context(_ key: String? = "alice") -> RequestContext {
        RequestContext(
            RequestInfo(
                id: "r", keyName: key, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })))
    }

    private static func request(
        _ body: String, _ operation: NeedletailCore.Operation = .chat, model: String = "m"
    ) -> InferenceRequest {
        InferenceRequest(
            operation: operation, model: model,
            body: .wire(
                WireBody(dialect: .openAIResponses, bytes: ByteBuffer(string: body)),
                BodyLandmarks(end: body.utf8.count - 1)),
            replyDialect: .openAIResponses)
    }

    /// Asks, reads all, and returns the response's id.
    @discardableResult
    private func ask(
        _ layer: ResponseStoreLayer, _ body: String, _ operation: NeedletailCore.Operation = .chat,
        model: String = "m", key: String? = "alice"
    ) async throws -> JSONView {
        let reply = try await layer.respond(to: Self.request(body, operation, model: model), context: Self.context(key))
        switch reply.body {
        case .complete(let body, _): return try JSONDocument(body.bytes).root
        case .stream(let stream):
            var last = ByteBuffer()
            for try await chunk in stream { last = chunk }
            let data = String(buffer: last).dropFirst(6)
            return try #require(try JSONDocument(ByteBuffer(substring: data)).root["response"])
        }
    }

    private static func sent(_ upstream: Upstream) throws -> JSONView {
        guard case .wire(let body, _) = try #require(upstream.requests.last).body else {
            throw NeedletailError(.internalFailure, "no bytes")
        }
        return try JSONDocument(body.bytes).root
    }

    private static func failure(_ body: () async throws -> Void) async -> NeedletailError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? NeedletailError
        }
    }

    @Test("What another dialect's provider said is written out in the place of its id", arguments: [false, true])
    func expands(_ isStream: Bool) async throws {
        let upstream = Upstream(.openAIChat, isStream: isStream)
        let layer = self.layer(upstream)
        let first = try #require(try await self.ask(layer, #"{"model":"m","input":"one"}"#)["id"]?.string)
        #expect(first.hasPrefix("resp_"))
        let body = #"{"model":"m","previous_response_id":"\#(first)","input":[{"role":"user","content":"two"}],"x":1}"#
        let second = try #require(try await self.ask(layer, body)["id"]?.string)
        #expect(second != first)
        try await self.ask(layer, #"{"input":"three","previous_response_id":"\#(second)","model":"m"}"#)
        let sent = try Self.sent(upstream)
        #expect(sent["previous_response_id"] == nil)
        let said = try #require(sent["input"]).elements.map { item in
            item["content"]?.string ?? item["content"]?.elements.first { _ in true }?["text"]?.string ?? ""
        }
        #expect(said == ["one", "answer 1", "two", "answer 2", "three"])
        let request = try #require(upstream.requests.last)
        #expect(request.echo == [Extension("previous_response_id", JSONText(string: second))])
        guard case .wire(let wire, let landmarks) = request.body, let model = landmarks.model else {
            throw NeedletailError(.internalFailure, "no landmarks")
        }
        #expect(wire.bytes.getString(at: wire.bytes.readerIndex + model.lowerBound, length: model.count) == #""m""#)
    }

    @Test("What continues a provider's own response is for that provider, byte for byte", arguments: [false, true])
    func pins(_ isStream: Bool) async throws {
        let upstream = Upstream(.openAIResponses, isStream: isStream)
        let layer = self.layer(upstream)
        try await self.ask(layer, #"{"model":"m","input":"one"}"#)
        let body = #"{ "model":"m","previous_response_id":"resp_up_1","input":"two" }"#
        try await self.ask(layer, body)
        let request = try #require(upstream.requests.last)
        #expect(request.pin == "up")
        guard case .wire(let wire, _) = request.body else { return }
        #expect(String(buffer: wire.bytes) == body)
        try await self.ask(layer, "include=x", .retrieveResponse, model: "resp_up_1")
        #expect(upstream.requests.last?.operation == .retrieveResponse)
        #expect(upstream.requests.last?.pin == "up")
        try await self.ask(layer, "", .deleteResponse, model: "resp_up_1")
        let error = await Self.failure { try await self.ask(layer, "", .retrieveResponse, model: "resp_up_1") }
        #expect(error?.code == .notFound)
    }

    @Test("A key sees its own responses alone", arguments: [DialectID.openAIChat, .openAIResponses])
    func tenants(_ dialect: DialectID) async throws {
        let upstream = Upstream(dialect)
        let layer = self.layer(upstream)
        let id = try #require(try await self.ask(layer, #"{"model":"m","input":"secret"}"#)["id"]?.string)
        for other in ["bob", nil] {
            for operation in [NeedletailCore.Operation.retrieveResponse, .deleteResponse, .listInputItems] {
                let error = await Self.failure {
                    try await self.ask(layer, "", operation, model: id, key: other)
                }
                #expect(error?.code == .notFound)
            }
        }
        let error = await Self.failure {
            try await self.ask(layer, #"{"model":"m","input":"x","previous_response_id":"\#(id)"}"#, key: "bob")
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.parameter == "previous_response_id")
        #expect(upstream.requests.count == 1)
    }

    @Test("Without keys an unknown id may be a provider's own")
    func unknownWithoutKeys() async throws {
        let upstream = Upstream(.openAIResponses)
        let body = #"{"model":"m","input":"x","previous_response_id":"resp_old"}"#
        try await self.ask(self.layer(upstream), body, key: nil)
        #expect(upstream.requests.last?.pin == nil)
    }

    @Test("What is not to be stored is not")
    func notStored() async throws {
        let layer = self.layer(Upstream(.openAIChat))
        let id = try #require(
            try await self.ask(layer, #"{"model":"m","input":"one","store":false}"#)["id"]?.string)
        let error = await Self.failure { try await self.ask(layer, "", .retrieveResponse, model: id) }
        #expect(error?.code == .notFound)
    }

    @Test("A response is over after its lifetime")
    func lifetime() async throws {
        let layer = self.layer(Upstream(.openAIChat))
        let id = try #require(try await self.ask(layer, #"{"model":"m","input":"one"}"#)["id"]?.string)
        try await self.ask(layer, "", .retrieveResponse, model: id)
        self.clock.advance(by: .seconds(61))
        let error = await Self.failure { try await self.ask(layer, "", .retrieveResponse, model: id) }
        #expect(error?.code == .notFound)
    }

    @Test("A kept response is retrieved, listed and deleted")
    func operations() async throws {
        let layer = self.layer(Upstream(.openAIChat))
        let body =
            #"{"model":"m","input":[{"role":"user","content":"a"},{"type":"function_call_output","call_id":"c","output":"b","id":"fco"},{"role":"user","content":[{"type":"input_text","text":"d"}]}]}"#
        let response = try await self.ask(layer, body)
        let id = try #require(response["id"]?.string)
        let again = try await self.ask(layer, "", .retrieveResponse, model: id)
        #expect(again.raw == response.raw)

        let list = try await self.ask(layer, "order=asc&limit=2", .listInputItems, model: id)
        #expect(list["object"]?.string == "list")
        let items = try #require(list["data"]).elements.map { $0 }
        #expect(items.map { $0["type"]?.string } == ["message", "function_call_output"])
        #expect(items[0]["content"]?.elements.map { $0["text"]?.string } == ["a"])
        #expect(items[1]["id"]?.string == "fco")
        #expect(list["has_more"]?.bool == true)
        #expect(list["last_id"]?.string == "fco")
        let rest = try await self.ask(layer, "order=asc&after=fco", .listInputItems, model: id)
        #expect(rest["data"]?.elements.map { $0["content"]?.elements.map { $0["text"]?.string } } == [["d"]])
        #expect(rest["has_more"]?.bool == false)
        let newest = try await self.ask(layer, "", .listInputItems, model: id)
        #expect(newest["data"]?.elements.map { $0["type"]?.string }.last == "message")
        let error = await Self.failure { try await self.ask(layer, "limit=0", .listInputItems, model: id) }
        #expect(error?.parameter == "limit")

        #expect(try await self.ask(layer, "", .deleteResponse, model: id)["deleted"]?.bool == true)
        let gone = await Self.failure { try await self.ask(layer, "", .retrieveResponse, model: id) }
        #expect(gone?.code == .notFound)
    }

    @Test("A router asks nobody but the provider that a request is for")
    func router() async throws {
        let (one, two) = (ScriptedProvider("one"), ScriptedProvider("two"))
        let router = Router(
            id: "g", targets: [Target(one), Target(two)], balancer: .priority, time: self.clock.source,
            random: .seeded(1))
        var request = Self.request(#"{"model":"m"}"#)
        request.pin = "two"
        _ = try await router.respond(to: request, context: Self.context())
        #expect(one.callCount == 0)
        #expect(two.callCount == 1)
        request.pin = "three"
        let error = await Self.failure { _ = try await router.respond(to: request, context: Self.context()) }
        #expect(error?.parameter == "previous_response_id")
    }
}
