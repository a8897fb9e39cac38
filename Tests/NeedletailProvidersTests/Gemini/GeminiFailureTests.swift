import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Gemini: errors")
struct GeminiFailureTests {
    private static func body(
        _ code: Int, _ status: String, _ message: String = "Words.", details: String = ""
    ) -> String {
        #"{"error":{"code":\#(code),"message":"\#(message)","status":"\#(status)","details":[\#(details)]}}"#
    }

    @Test(
        "What an error means",
        arguments: [
            (400, "INVALID_ARGUMENT", "Words.", "", .invalidRequest),
            (400, "INVALID_ARGUMENT", "API key not valid.", "", .credentialRejected),
            (400, "INVALID_ARGUMENT", "x", #"{"reason":"API_KEY_INVALID"}"#, .credentialRejected),
            (401, "UNAUTHENTICATED", "x", "", .credentialRejected),
            (403, "PERMISSION_DENIED", "x", "", .credentialRejected),
            (403, "PERMISSION_DENIED", "No access to model.", "", .modelForbidden),
            (404, "NOT_FOUND", "x", "", .notFound), (429, "RESOURCE_EXHAUSTED", "x", "", .rateLimited),
            (500, "INTERNAL", "x", "", .upstreamFailed), (503, "UNAVAILABLE", "x", "", .overloaded),
            (504, "DEADLINE_EXCEEDED", "x", "", .timedOut),
        ] as [(Int, String, String, String, NeedletailError.Code)], [false, true])
    func classes(_ row: (Int, String, String, String, NeedletailError.Code), _ isInside: Bool) throws {
        let (code, status, message, details, expected) = row
        for body in [
            Self.body(code, status, message, details: details),
            "[\(Self.body(code, status, message, details: details))]",
        ] {
            let error =
                isInside
                ? try #require(Gemini.failure(inside: try JSONText(body).view()))
                : Gemini.decodeFailure(status: code, headers: [:], body: ByteBuffer(string: body))
            #expect(error.code == expected, "\(status)")
        }
    }

    @Test(
        "How long to wait",
        arguments: [
            (#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"48.5s"}"#, "x", 48_500),
            (#"{"retryDelay":{"seconds":"3","nanos":500000000}}"#, "x", 3_500),
            ("", "Please retry in 2.5s.", 2_500), ("", "x", nil),
        ] as [(String, String, Int?)])
    func waits(_ details: String, _ message: String, _ milliseconds: Int?) {
        let body = ByteBuffer(string: Self.body(429, "RESOURCE_EXHAUSTED", message, details: details))
        let error = Gemini.decodeFailure(status: 429, headers: [:], body: body)
        #expect(error.retryAfter == milliseconds.map { .milliseconds($0) })
    }

    @Test("An error for a client has Google's form, with the wait and the field at fault")
    func written() throws {
        var error = NeedletailError(.invalidRequest, "Not so.", parameter: "contents[0]")
        error.retryAfter = .milliseconds(1500)
        var out = ByteBuffer()
        #expect(Gemini.encodeFailure(error, requestID: "req-1", into: &out) == 400)
        let json = try GeminiFixture.object(out)
        #expect(json[path: "error.code"] as? Int == 400 && json[path: "error.status"] as? String == "INVALID_ARGUMENT")
        #expect(json[path: "error.details.0.retryDelay"] as? String == "1.500s")
        #expect(json[path: "error.details.1.fieldViolations.0.field"] as? String == "contents[0]")
        let again = Gemini.decodeFailure(status: 400, headers: [:], body: out)
        #expect(again.code == .invalidRequest && again.parameter == "contents[0]" && again.message == "Not so.")
        #expect(again.retryAfter == error.retryAfter)
    }

    @Test("Every code has a word", arguments: NeedletailError.Code.allCases)
    func words(_ code: NeedletailError.Code) throws {
        let error = NeedletailError(code, "x")
        var out = ByteBuffer()
        let status = Gemini.encodeFailure(error, requestID: "", into: &out)
        let json = try GeminiFixture.object(out)
        #expect(json[path: "error.code"] as? Int == status && status == error.disposition.status)
        #expect((json[path: "error.status"] as? String)?.allSatisfy { $0.isUppercase || $0 == "_" } == true)
        var stream = ByteBuffer()
        Gemini.encodeStreamFailure(error, requestID: "", into: &stream)
        let event = String(buffer: stream)
        #expect(event.hasPrefix("data: {") && event.hasSuffix("}\r\n\r\n"))
    }

    @Test("The list of models names them without their folder, and only those that chat")
    func models() async throws {
        let bench = Bench(GeminiStreamTests.spec, options: .init(basePath: "/v1beta")) { _ in
            json(
                #"{"models":[{"name":"models/gemini-x","supportedGenerationMethods":["generateContent"]},{"name":"models/embed","supportedGenerationMethods":["embedContent"]},{"name":"models/bare"}]}"#
            )
        }
        #expect(try await bench.provider.listModels(deadline: nil)?.map(\.id) == ["gemini-x", "bare"])
        #expect(try bench.sent.path == "/v1beta/models?pageSize=1000")
    }
}
