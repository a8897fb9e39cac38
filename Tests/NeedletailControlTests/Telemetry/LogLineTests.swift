import Logging
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailControl

@Suite("Logs: lines")
struct LogLineTests {
    private static func json(_ record: RequestRecord, isDetailed: Bool = false) throws -> JSONView {
        var bytes = ByteBuffer()
        RequestLogLine(record, isDetailed: isDetailed).writeJSON(into: &bytes)
        #expect(bytes.readableBytesView.count { $0 == 0x0A } == 1 && bytes.readableBytesView.last == 0x0A)
        return try JSONDocument(bytes).root
    }

    @Test("a request that went well")
    func success() throws {
        let trace = TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, isSampled: true)
        let record = RecordSamples.request(attempts: [RecordSamples.attempt()], isStreaming: true, trace: trace)
        record.cost.set(picoDollars: 30_000_000)
        var bytes = ByteBuffer()
        RequestLogLine(record, isDetailed: false).writeJSON(into: &bytes)
        let start =
            #"{"timestamp":"2023-11-14T22:13:20.123Z","level":"info","event":"request_success","request_id":"req_1","#
            + #""trace_id":"00000000000000010000000000000002","span_id":"0000000000000003","surface":"chat","#
            + #""operation":"chat","requested_model":"asked","provider":"main","model":"gpt","status":200,"#
            + #""stream":true,"attempts":1,"response_time":0.12,"time_to_first_token":0.021,"overhead_ms":0.15,"#
            + #""input_tokens":12,"output_tokens":34,"cached_input_tokens":5,"cost":0.00003,"cached":false,"#
            + #""key":"dev","tenant":"red"}"#
        #expect(String(buffer: bytes) == start + "\n")
    }

    @Test("a failure names its class, its cause and what to do; the attempts only for developers")
    func failure() throws {
        struct Reason: Error, CustomStringConvertible { let description = "connection reset" }
        let error = NeedletailError(
            .credentialRejected, "The provider refused our key.", provider: "main",
            upstream: .init(status: 401, requestID: "up-1"), cause: Reason())
        let record = RecordSamples.request(attempts: [RecordSamples.attempt(error: error)], error: error)
        let line = try Self.json(record)
        #expect(line["event"]?.string == "request_error" && line["level"]?.string == "warning")
        #expect(line["error_type"]?.string == "credential_rejected" && line["status"]?.int == 500)
        #expect(line["upstream_status"]?.int == 401 && line["upstream_request_id"]?.string == "up-1")
        #expect(line["cause"]?.string == "connection reset")
        #expect(line["hint"]?.string?.contains("api_key of 'main'") == true)
        #expect(line["attempt_log"] == nil)
        let detailed = try Self.json(record, isDetailed: true)
        #expect(detailed["attempt_log"] != nil)
    }

    @Test("every failure that is not the client's has a hint", arguments: NeedletailError.Code.allCases)
    func hints(code: NeedletailError.Code) {
        let error = NeedletailError(code, "", provider: "main")
        if error.disposition.status >= 500 { #expect(RecoveryHint.text(for: error) != nil) }
    }

    @Test("text for people shows no control characters of strangers")
    func text() {
        let error = NeedletailError(.upstreamFailed, "It \u{1B}[31mbroke\nbadly\u{202E}.", provider: "main")
        let record = RecordSamples.request(model: "a\u{7}b", error: error)
        var bytes = ByteBuffer()
        RequestLogLine(record, isDetailed: false).writeText(false, into: &bytes)
        let text = String(buffer: bytes)
        #expect(text.hasPrefix("22:13:20.123 warning 502 chat a b → main 120 ms req_1\n"), "\(text)")
        #expect(text.contains("    upstreamFailed: It  [31mbroke badly .\n    → "))
        RequestLogLine(record, isDetailed: false).writeText(true, into: &bytes)
        #expect(String(buffer: bytes).contains("\u{1B}[31m502\u{1B}[0m"))
    }

    @Test("a refusal")
    func refusal() {
        let refusal = RefusalRecord(
            requestID: "r", surface: .gemini, status: 401, error: NeedletailError(.unauthorized, "No key."))
        var bytes = ByteBuffer()
        RefusalLogLine(refusal, wallNanoseconds: 0).writeJSON(into: &bytes)
        #expect(
            String(buffer: bytes)
                == #"{"timestamp":"1970-01-01T00:00:00.000Z","level":"info","event":"request_refused","request_id":"r","#
                + #""surface":"gemini","status":401,"error_type":"unauthorized","error":"No key."}"# + "\n")
    }

    @Test(
        "times are those of the calendar",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"), (-1, "1969-12-31T23:59:59.000Z"),
            (4_102_444_800, "2100-01-01T00:00:00.000Z"), (1_705_314_645, "2024-01-15T10:30:45.000Z"),
        ] as [(Int64, String)])
    func times(seconds: Int64, text: String) {
        #expect(LogTime.text(seconds * 1_000_000_000) == text)
    }

    @Test("no colour where NO_COLOR or a dumb terminal asks for none")
    func color() {
        #expect(LogOutput.allowsColor([:]) && LogOutput.allowsColor(["NO_COLOR": ""]))
        #expect(!LogOutput.allowsColor(["NO_COLOR": "1"]) && !LogOutput.allowsColor(["TERM": "dumb"]))
    }
}
