import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Calls without an id")
struct UnnamedCallsTests {
    private static let reply =
        #"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},"#
        + #""finishReason":"STOP"}]}"#

    @Test(
        "a reply without an id gives each request's calls ids of their own, whole and streamed",
        arguments: [false, true])
    func named(isStreaming: Bool) async throws {
        var seen: Set<String> = []
        for id in ["req_one", "req_two"] {
            let bench = Bench(.gemini) { _ in
                isStreaming ? sse("data: \(Self.reply)\n\n") : json(Self.reply)
            }
            let reply = try await bench.ask(
                #"{"model":"m","stream":\#(isStreaming),"messages":[{"role":"user","content":"hi"}]}"#,
                context: .testing(id: id))
            let text =
                if case .complete(let body, _) = reply.body { String(buffer: body.bytes) } else {
                    try await collect(reply).text
                }
            let start = try #require(text.firstRange(of: #""id":"call_"#)).upperBound
            seen.insert(String(text[start...].prefix { $0 != "\"" }))
        }
        #expect(seen == ["req_one_0_0", "req_two_0_0"])
    }

    @Test("an id that the provider gave stays")
    func given() {
        #expect(UnnamedCalls.named("call_x_0_1", in: "r") == "call_x_0_1")
        #expect(UnnamedCalls.named("call__1_2", in: "r") == "call_r_1_2")
        // A client may have chosen the request's id; not every upstream takes all of its letters.
        #expect(UnnamedCalls.named("call__1_2", in: "a.b:c/d") == "call_abcd_1_2")
    }
}
