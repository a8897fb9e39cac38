import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import Synchronization
import Testing

@testable import NeedletailGateway

@Suite("Gateway: surfaces", .timeLimit(.minutes(15)))
struct GatewayHandlerTests {
    @Test(
        "each surface asks the stack with its dialect and operation, whatever the query",
        arguments: [
            ("/v1/chat/completions", DialectID.openAIChat, NeedletailCore.Operation.chat),
            ("/v1/messages?beta=true", .anthropicMessages, .chat),
            ("/v1/messages/count_tokens", .anthropicMessages, .countTokens),
            ("/chat/completions", .openAIChat, .chat),
        ])
    func surfaces(_ path: String, _ dialect: DialectID, _ operation: NeedletailCore.Operation) async throws {
        let seen = Mutex<InferenceRequest?>(nil)
        try await withGateway(answer: { (request, _) throws(NeedletailError) in
            seen.withLock { $0 = request }
            return wholeReply("{\"a\":1}")
        }) { ask, _ in
            let answer = try await ask(post(path, body: "{\"model\":\"m\"}"))
            #expect(answer.status == 200 && answer.body == "{\"a\":1}")
            #expect(answer.headers["content-type"] == "application/json")
            let request = try #require(seen.withLock { $0 })
            #expect(request.operation == operation && request.replyDialect == dialect)
            guard case .wire(let body, _) = request.body else {
                Issue.record("not the client's bytes")
                return
            }
            #expect(body.dialect == dialect && String(buffer: body.bytes) == "{\"model\":\"m\"}")
        }
    }

    @Test("a reply says who answered, how often was tried, and what was lost")
    func replyHeaders() async throws {
        try await withGateway(answer: { (_, context) throws(NeedletailError) in
            _ = context.request.countAttempt(limit: .max)
            _ = context.request.countAttempt(limit: .max)
            return wholeReply(
                "{}", headers: [.retryAfter: "7", .contentLength: "99", .server: "up"],
                losses: [Loss("seed", "none"), Loss("n\r\nx: y", "none")])
        }) { ask, _ in
            let headers = try await ask(post("/v1/chat/completions")).headers
            #expect(headers["x-needletail-provider"] == "one" && headers["x-needletail-model"] == "m-1")
            #expect(headers["x-needletail-attempts"] == "2")
            #expect(headers["x-needletail-lossy"]?.hasPrefix("seed,n") == true && headers["x"] == nil)
            #expect(headers["retry-after"] == "7" && headers["server"] == "up" && headers["content-length"] == "2")
        }
    }

    @Test("the names of what was lost cannot mean anything in a header, and end in dots where they are many")
    func lossNames() async throws {
        let names = ["metadata.a b", "x,y;z=1", "tools.ü\u{1F600}", "a\r\nb", "stop-1_2"]
        let many = Array(repeating: Loss(String(repeating: "n", count: 300), "none"), count: 9)
        try await withGateway(answer: { (_, context) throws(NeedletailError) in
            wholeReply("{}", losses: context.request.isStrict ? many : names.map { Loss($0, "none") })
        }) { ask, _ in
            let few = try await ask(post("/v1/chat/completions")).headers["x-needletail-lossy"]
            #expect(few == "metadata.a_b,x_y_z_1,tools.__,a__b,stop-1_2")
            let cut = try await ask(post("/v1/chat/completions", "x-needletail-strict: true\r\n"))
            #expect(cut.headers["x-needletail-lossy"]?.hasSuffix("n,...") == true, "\(cut)")
        }
    }

    @Test("what was lost of an answer comes before a provider's bookkeeping, and by itself where there is both")
    func bookkeeping() async throws {
        let metrics = Loss("metrics", "none", isBookkeeping: true)
        let seed = Loss("seed", "none")
        for (losses, all, content) in [
            ([metrics, seed], "seed,metrics", "seed"), ([metrics], "metrics", nil), ([seed], "seed", nil),
        ] as [([Loss], String, String?)] {
            try await withGateway(answer: { (_, _) throws(NeedletailError) in
                wholeReply("{}", losses: losses)
            }) { ask, _ in
                let headers = try await ask(post("/v1/chat/completions")).headers
                #expect(headers["x-needletail-lossy"] == all)
                #expect(headers["x-needletail-lossy-content"] == content)
            }
        }
    }

    @Test(
        "a target may be a whole URL",
        arguments: [
            ("http://x/v1/models", 200), ("HTTPS://x:443/v1/models?limit=1", 200), ("http://x/v1/models/a", 404),
            ("http://x", 404), ("http://x?/v1/models", 404), ("ftp://x/v1/models", 404), ("/http://x/v1/models", 404),
        ])
    func absoluteForm(_ target: String, _ status: Int) async throws {
        try await withGateway { ask, _ in
            let answer = try await ask(get(target))
            #expect(answer.status == status, "\(answer)")
        }
    }

    @Test(
        "request ids are taken over when well formed, and made otherwise",
        arguments: [
            ("abc-1._Z", true), (String(repeating: "a", count: 128), true), (String(repeating: "a", count: 129), false),
            ("a b", false), ("ü", false), ("a/b", false),
        ])
    func requestIDs(_ id: String, _ isTaken: Bool) async throws {
        let seen = Mutex("")
        try await withGateway(answer: { (_, context) throws(NeedletailError) in
            seen.withLock { $0 = context.id }
            return wholeReply("{}")
        }) { ask, _ in
            for path in ["/v1/chat/completions", "/v1/messages"] {
                let headers = try await ask(post(path, "x-request-id: \(id)\r\n")).headers
                let given = headers["x-request-id"] ?? ""
                #expect((given == id) == isTaken && given == seen.withLock { $0 })
                if !isTaken { #expect(given.hasPrefix("req_") && given.utf8.count == 28) }
                #expect(headers["request-id"] == (path == "/v1/messages" ? given : nil))
            }
        }
    }

    @Test(
        "the client's headers reach the context, and its timeout the deadline",
        arguments: [
            ("x-needletail-timeout: 30s\r\n", 30.0, nil), ("x-needletail-timeout: 1500ms\r\n", 1.5, nil),
            ("x-needletail-timeout: 2\r\n", 2.0, nil), ("x-needletail-timeout: 90m\r\n", 5400.0, nil),
            ("x-stainless-read-timeout: 12\r\nx-needletail-timeout: 30s\r\n", 30.0, 12.0), ("", nil, nil),
            ("x-stainless-read-timeout: none\r\n", nil, nil), ("x-stainless-read-timeout: 5\r\n", nil, 5.0),
        ] as [(String, Double?, Double?)])
    func context(_ header: String, _ seconds: Double?, _ readSeconds: Double?) async throws {
        let seen = Mutex<RequestContext?>(nil)
        let time = ManualTime()
        try await withGateway(
            access: AccessTable([AccessKey(name: "dev", secret: "s3", tenant: "crew", models: ["a*"])]),
            routingHeaders: [.cookie, .userAgent],
            time: time,
            answer: { (_, context) throws(NeedletailError) in
                seen.withLock { $0 = context }
                return wholeReply("{}")
            }
        ) { ask, _ in
            let rest =
                "authorization: bearer s3\r\nAnthropic-Beta: one\r\nanthropic-beta: two\r\nOpenAI-Project: p\r\n"
                + "x-needletail-strict: TRUE\r\nx-stainless-retry-count: 2\r\ncookie: c\r\n"
            #expect(try await ask(post("/v1/messages", header + rest)).status == 200)
            let context = try #require(seen.withLock { $0 })
            #expect(context.deadline == seconds.map { time.source.now().advanced(by: .seconds($0)) })
            #expect(context.request.readTimeout == readSeconds.map { .seconds($0) })
            #expect(context.request.forwardedHeaders[values: .anthropicBeta] == ["one", "two"])
            #expect(context.request.forwardedHeaders.count == 3 && context.request.isStrict)
            #expect(context.request.clientRetryCount == 2)
            #expect(context.request.keyName == "dev" && context.request.allowedModels == ["a*"])
            #expect(context.request.tenant == "crew")
            #expect(context.request.routingHeaders == [.cookie: "c"], "no other is kept")
        }
    }

    @Test(
        "a header that cannot be read is refused",
        arguments: [
            "x-needletail-timeout: soon", "x-needletail-timeout: 0", "x-needletail-timeout: -1s",
            "x-needletail-timeout: 1.2.3s", "x-needletail-timeout: 5 s", "x-needletail-strict: maybe",
        ])
    func badHeaders(_ header: String) async throws {
        let asked = Signal()
        try await withGateway(answer: { (_, _) throws(NeedletailError) in
            asked.fire()
            return wholeReply("{}")
        }) { ask, _ in
            let answer = try await ask(post("/v1/chat/completions", header + "\r\n"))
            #expect(answer.status == Self.status(NeedletailError(.invalidRequest, ""), .openAIChat))
            #expect(asked.count == 0)
        }
    }

    @Test(
        "every error has its status, a wait where there is one, and says when not to try again",
        arguments:
            NeedletailError.Code.allCases, [DialectID.openAIChat, .anthropicMessages])
    func errors(_ code: NeedletailError.Code, _ dialect: DialectID) async throws {
        try await withGateway(answer: { (_, _) throws(NeedletailError) in
            throw NeedletailError(code, "Broken.", retryAfter: code == .overloaded ? .milliseconds(2100) : nil)
        }) { ask, _ in
            let answer = try await ask(post(dialect == .openAIChat ? "/v1/chat/completions" : "/v1/messages"))
            let error = NeedletailError(code, "Broken.")
            #expect(answer.status == Self.status(error, dialect))
            #expect(answer.headers["content-type"] == "application/json")
            #expect(answer.headers["x-request-id"] != nil)
            if [429, 503, 529].contains(answer.status) {
                #expect(answer.headers["retry-after"] == (code == .overloaded ? "3" : "1"))
            }
            // Another target may be paid for by another budget, but not for this client's asking again.
            let isInVain =
                error.disposition.retry == .never || error.disposition.retry == .otherCredential
                || code == .budgetExceeded
            #expect(answer.headers["x-should-retry"] == (isInVain ? "false" : nil))
        }
    }

    @Test("a stream arrives chunk by chunk, and ends properly")
    func stream() async throws {
        let next = Signal()
        try await withGateway(answer: { (_, _) throws(NeedletailError) in
            let step = Mutex(0)
            let reader = ScriptedReader { () throws(NeedletailError) in
                let count = step.withLock { step in
                    step += 1
                    return step
                }
                await next.wait(count)
                return count < 3 ? ByteBuffer(string: "data: \(count)\n\n") : nil
            }
            return InferenceReply(
                provider: "one", model: "m", body: .stream(ReplyStream(dialect: .openAIChat, reader: reader)))
        }) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(post("/v1/chat/completions"))
            let head = Answer(await client.wait { $0.hasSuffix("\r\n\r\n") })
            #expect(head.status == 200 && head.headers["content-type"] == "text/event-stream; charset=utf-8")
            #expect(head.headers["cache-control"] == "no-cache" && head.headers["x-needletail-provider"] == "one")
            next.fire()
            #expect(await client.wait { $0.hasSuffix("\n\n\r\n") }.hasSuffix("9\r\ndata: 1\n\n\r\n"))
            next.fire()
            next.fire()
            #expect(await client.all().hasSuffix("9\r\ndata: 2\n\n\r\n0\r\n\r\n"))
        }
    }

    @Test("while a stream runs, nothing keeps what was asked")
    func forgetsTheRequest() async throws {
        let asked = Mutex(ByteBuffer(string: "{\"stream\":true}"))
        let isAlone = Mutex<Bool?>(nil)
        let peek: GatewayServices.Peek = { (_, dialect, operation) throws(NeedletailError) in
            InferenceRequest(
                operation: operation, model: "m", isStreaming: true,
                body: .wire(WireBody(dialect: dialect, bytes: asked.withLock { $0 }), BodyLandmarks()),
                replyDialect: dialect)
        }
        try await withGateway(
            peek: peek,
            answer: { (_, _) throws(NeedletailError) in
                let count = Mutex(0)
                let reader = ScriptedReader { () throws(NeedletailError) in
                    let number = count.withLock { count in
                        count += 1
                        return count
                    }
                    if number == 2 {
                        // A buffer that is cleared gets another storage if somebody else has it too.
                        let stays = asked.withLock { buffer in
                            let before = unsafe buffer.withVeryUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
                            buffer.clear()
                            let after = unsafe buffer.withVeryUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
                            return after == before
                        }
                        isAlone.withLock { $0 = stays }
                    }
                    return number < 3 ? ByteBuffer(string: "data: \(number)\n\n") : nil
                }
                return InferenceReply(
                    provider: "one", model: "m", body: .stream(ReplyStream(dialect: .openAIChat, reader: reader)))
            }
        ) { ask, _ in
            let answer = try await ask(post("/v1/chat/completions"))
            #expect(answer.body.contains("data: 2"))
            #expect(isAlone.withLock { $0 } == true)
        }
    }

    @Test("a stream that breaks ends with an error event and a proper end")
    func brokenStream() async throws {
        try await withGateway(answer: { (_, _) throws(NeedletailError) in
            let isFirst = Atomic(true)
            let reader = ScriptedReader { () throws(NeedletailError) in
                if isFirst.exchange(false, ordering: .relaxed) { return ByteBuffer(string: "data: 1\n\n") }
                throw NeedletailError(.unreachable, "Gone.")
            }
            return InferenceReply(
                provider: "one", model: "m", body: .stream(ReplyStream(dialect: .openAIChat, reader: reader)))
        }) { ask, _ in
            let answer = try await ask(post("/v1/chat/completions", "x-request-id: r1\r\n"))
            var event = ByteBuffer()
            OpenAIChat.encodeStreamFailure(NeedletailError(.unreachable, "Gone."), requestID: "r1", into: &event)
            let size =
                event.readableBytes == 0
                ? "" : "\(String(event.readableBytes, radix: 16))\r\n\(String(buffer: event))\r\n"
            #expect(answer.body == "9\r\ndata: 1\n\n\r\n" + size + "0\r\n\r\n")
        }
    }

    @Test("a client that leaves cancels the stack's call, and abandons a stream", arguments: [true, false])
    func disconnect(_ streams: Bool) async throws {
        let began = Signal()
        let ended = Signal()
        try await withGateway(answer: { (_, _) throws(NeedletailError) in
            let wait: @Sendable () async -> Void = {
                let end = Signal()
                await withTaskCancellationHandler {
                    began.fire()
                    await end.wait()
                } onCancel: {
                    end.fire()
                }
            }
            guard streams else {
                await wait()
                ended.fire()
                throw NeedletailError(.cancelled, "Gone.")
            }
            let reader = ScriptedReader { () throws(NeedletailError) in
                await wait()
                throw NeedletailError(.cancelled, "Gone.")
            }
            let stream = ReplyStream(dialect: .openAIChat, reader: reader)
            stream.onEnd { if case .abandoned = $0.end { ended.fire() } }
            return InferenceReply(provider: "one", model: "m", body: .stream(stream))
        }) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(post("/v1/chat/completions"))
            await began.wait()
            try await client.close()
            await ended.wait()
            #expect(ended.count == 1)
        }
    }

    @Test("models are listed in both shapes, one or all, as the key may see them")
    func models() async throws {
        let models = [
            ListedModel(id: "a", owner: "one", created: 784_111_777), ListedModel(id: "p/b", owner: "two"),
            ListedModel(id: "c", owner: "two"),
        ]
        let access = AccessTable([AccessKey(name: "k", secret: "s", models: ["a", "p/b"])])
        try await withGateway(access: access, models: models) { ask, _ in
            let key = "x-api-key: s\r\n"
            let list = try await ask(get("/v1/models", key))
            #expect(
                list.body == """
                    {"object":"list","data":[{"id":"a","object":"model","created":784111777,"owned_by":"one"},\
                    {"id":"p/b","object":"model","created":0,"owned_by":"two"}]}
                    """)
            let page = try await ask(get("/v1/models?limit=1000", key + "anthropic-version: 2023-06-01\r\n"))
            #expect(
                page.body == """
                    {"data":[{"type":"model","id":"a","display_name":"a","created_at":"1994-11-06T08:49:37Z"},\
                    {"type":"model","id":"p/b","display_name":"p/b","created_at":"1970-01-01T00:00:00Z"}],\
                    "has_more":false,"first_id":"a","last_id":"p/b"}
                    """)
            for path in ["/v1/models/p/b", "/v1/models/p%2Fb"] {
                let one = try await ask(get(path, key))
                #expect(one.body == #"{"id":"p/b","object":"model","created":0,"owned_by":"two"}"#)
            }
            let hidden = try await ask(get("/v1/models/c", key))
            #expect(hidden.status == Self.status(NeedletailError(.notFound, ""), .openAIChat))
        }
    }

    @Test("Ollama's clients are told the version, the models and what one of them is")
    func ollamaQuestions() async throws {
        let models = [ListedModel(id: "a", owner: "one", created: 784_111_777), ListedModel(id: "c", owner: "two")]
        let access = AccessTable([AccessKey(name: "k", secret: "s", models: ["a"])])
        try await withGateway(access: access, models: models) { ask, _ in
            let key = "authorization: Bearer s\r\n"
            let version = try await ask(get("/api/version", key))
            #expect(version.status == 200 && version.body.hasPrefix(#"{"version":"0."#))
            let list = try await ask(get("/api/tags", key))
            #expect(
                list.body
                    == #"{"models":[{"name":"a","model":"a","modified_at":"1994-11-06T08:49:37Z","size":0,"digest":"","details":{"family":"one"}}]}"#
            )
            for body in [#"{"model":"a"}"#, #"{"name":"a"}"#] {
                let one = try await ask(post("/api/show", key, body: body))
                #expect(one.status == 200 && one.body.contains(#""capabilities":["completion""#))
            }
            let hidden = try await ask(post("/api/show", key, body: #"{"model":"c"}"#))
            #expect(hidden.status == 404 && hidden.body.hasPrefix(#"{"error":"#))
            #expect(try await ask(post("/api/show", key, body: "[")).status == 400)
            #expect(try await ask(get("/api/show", key)).status == 405)
            #expect(try await ask(post("/api/show", body: #"{"model":"a"}"#)).status == 401)
        }
    }

    @Test("health is 200 until the process drains, and needs no key")
    func health() async throws {
        let phase = ServingPhase()
        try await withGateway(access: AccessTable([AccessKey(name: "k", secret: "s")]), phase: phase) { ask, _ in
            let healthy = try await ask(get("/health"))
            #expect(healthy.status == 200 && healthy.body == #"{"status":"healthy"}"#)
            let head = try await ask(get("/health", method: "HEAD"))
            #expect(head.status == 200 && head.body.isEmpty && head.headers["content-length"] == "20")
            phase.beginDraining()
            let draining = try await ask(get("/health"))
            #expect(draining.status == 503 && draining.headers["retry-after"] == "1")
        }
    }

    @Test(
        "a path or method that is not there is told so, with what is allowed",
        arguments: [
            ("/nothing", "GET", 404, nil), ("/v1/v1/chat/completions", "POST", 404, nil),
            ("/v1/models/", "GET", 404, nil),
            ("/v1/messages/batches", "POST", 404, nil), ("*", "OPTIONS", 404, nil),
            ("/v1/chat/completions", "GET", 405, "POST, OPTIONS"), ("/v1/models", "POST", 405, "GET, HEAD, OPTIONS"),
            ("/health", "DELETE", 405, "GET, HEAD, OPTIONS"), ("/v1/messages", "OPTIONS", 204, "POST, OPTIONS"),
        ] as [(String, String, Int, String?)])
    func unknown(_ path: String, _ method: String, _ status: Int, _ allow: String?) async throws {
        try await withGateway { ask, _ in
            let answer = try await ask(get(path, method: method))
            let dialect: DialectID = path.hasPrefix("/v1/messages") ? .anthropicMessages : .openAIChat
            let expected = status == 404 ? Self.status(NeedletailError(.notFound, ""), dialect) : status
            #expect(answer.status == expected && answer.headers["allow"] == allow)
        }
    }

    /// What the dialect says; its own tests hold it to the table.
    private static func status(_ error: NeedletailError, _ dialect: DialectID) -> Int {
        var body = ByteBuffer()
        return dialect.dialect.encodeFailure(error, requestID: "r", into: &body)
    }
}
