import NIOCore
import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailGateway

@Suite("Gateway: Gemini's surface", .timeLimit(.minutes(15)))
struct GeminiSurfaceTests {
    @Test(
        "Both versions of each path lead to the dialect",
        arguments: ["/v1beta/models/", "/v1/models/"],
        [
            ("generateContent", NeedletailCore.Operation.chat), ("streamGenerateContent?alt=sse", .chat),
            ("streamGenerateContent", .chat), ("countTokens", .countTokens),
        ])
    func paths(_ prefix: String, _ method: (String, NeedletailCore.Operation)) async throws {
        let seen = Mutex<InferenceRequest?>(nil)
        try await withGateway(answer: { (request, _) throws(NeedletailError) in
            seen.withLock { $0 = request }
            return wholeReply("{}")
        }) { ask, _ in
            #expect(try await ask(post("\(prefix)a%2Fb:\(method.0)")).status == 200)
            let request = try #require(seen.withLock { $0 })
            #expect(request.operation == method.1 && request.replyDialect == .gemini)
        }
    }

    @Test("An error is an object, and in the place of an array the one element of it")
    func errors() async throws {
        try await withGateway(answer: { (_, _) throws(NeedletailError) in
            throw NeedletailError(.rateLimited, "Slow down.", retryAfter: .seconds(7))
        }) { ask, _ in
            for (path, start) in [
                ("generateContent", "{"), ("streamGenerateContent?alt=sse", "{"), ("streamGenerateContent", "["),
            ] {
                let answer = try await ask(post("/v1beta/models/m:\(path)"))
                #expect(answer.status == 429 && answer.headers["retry-after"] == "7")
                #expect(answer.body.hasPrefix(start) && answer.body.contains(#""status":"RESOURCE_EXHAUSTED""#))
                let body = try JSONDocument(ByteBuffer(string: answer.body)).root
                let error = body.elements.first { _ in true } ?? body
                #expect(error["error"]?["code"]?.int == 429)
            }
        }
    }

    @Test("Models are listed in Google's form, and one by its name")
    func models() async throws {
        try await withGateway(models: [ListedModel(id: "p/x", owner: "p")]) { ask, _ in
            let list = try await ask(get("/v1beta/models?pageSize=5"))
            #expect(list.status == 200 && list.body.contains(#""name":"models/p/x""#))
            let one = try await ask(get("/v1beta/models/p/x"))
            #expect(one.status == 200 && one.body.contains(#""supportedGenerationMethods""#))
            let none = try await ask(get("/v1beta/models/other"))
            #expect(none.status == 404 && none.body.contains(#""status":"NOT_FOUND""#))
        }
    }
}
