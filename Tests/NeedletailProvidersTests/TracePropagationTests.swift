import HTTPTypes
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Providers are told of the trace")
struct TracePropagationTests {
    @Test("where the call has one, and the call knows that it was sent", arguments: [true, false])
    func headers(isTraced: Bool) async throws {
        let bench = Bench { _ throws(NeedletailError) in
            json(#"{"id":"c","choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#)
        }
        var context = RequestContext.testing()
        let trace = TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, isSampled: true, state: "vendor=1")
        let call = CallProgress(trace: isTraced ? trace : nil)
        context.call = call
        #expect(!call.wasSent)
        _ = try await bench.ask(#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#, context: context)
        let sent = try bench.sent.headers
        #expect(call.wasSent)
        #expect(
            sent[try #require(HTTPField.Name("traceparent"))]
                == (isTraced ? "00-00000000000000010000000000000002-0000000000000003-01" : nil))
        #expect(sent[try #require(HTTPField.Name("tracestate"))] == (isTraced ? "vendor=1" : nil))
    }

    @Test("a call that the provider cannot take was not sent")
    func unsent() async throws {
        let bench = Bench { _ throws(NeedletailError) in json("{}") }
        var context = RequestContext.testing(isStrict: true)
        let call = CallProgress()
        context.call = call
        await #expect(throws: NeedletailError.self) {
            try await bench.ask(#"{"model":"m","messages":[{"role":"nobody"}]}"#, .anthropicMessages, context: context)
        }
        #expect(!call.wasSent && bench.transport.requests.isEmpty)
    }
}
