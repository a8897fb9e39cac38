import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("The ids of a reply's calls")
struct CallNamesTests {
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
        #expect(CallNames.named("call_x_0_1", in: "r") == "call_x_0_1")
        #expect(CallNames.named("call__1_2", in: "r") == "call_r_1_2")
        // A client may have chosen the request's id; not every upstream takes all of its letters.
        #expect(CallNames.named("call__1_2", in: "a.b:c/d") == "call_abcd_1_2")
    }

    @Test(
        "as many calls of one id as a reply holds get ids of their own, none of which is looked for by counting",
        .timeLimit(.minutes(5)))
    func many() {
        let calls = (0..<40_000).map { _ in ContentPart.toolCall(ToolCall(id: "a", name: "f", arguments: "{}")) }
        var reply = ChatResponse(id: "r", model: "m", choices: [ChatChoice(content: calls)])
        var names = CallNames(requestID: "r")
        names.name(in: &reply)
        let ids = reply.choices[0].content.map { part in
            if case .toolCall(let call) = part { call.id } else { "" }
        }
        #expect(Set(ids).count == 40_000)
    }

    @Test("two calls of one reply with one id get two, whole and streamed", arguments: [false, true])
    func distinct(isStreaming: Bool) async throws {
        let calls = [#"{"id":"same","name":"f","args":{"a":1}}"#, #"{"id":"same","name":"f","args":{"a":2}}"#]
        let parts = calls.map { #"{"functionCall":\#($0)}"# }.joined(separator: ",")
        let text =
            #"{"candidates":[{"content":{"role":"model","parts":[\#(parts)]},"finishReason":"STOP"}],"responseId":"r"}"#
        let bench = Bench(.gemini) { _ in isStreaming ? sse("data: \(text)\n\n") : json(text) }
        let reply = try await bench.ask(
            #"{"model":"m","stream":\#(isStreaming),"messages":[{"role":"user","content":"hi"}]}"#)
        let told =
            if case .complete(let body, _) = reply.body { String(buffer: body.bytes) } else {
                try await collect(reply).text
            }
        #expect(told.contains(#""id":"same""#) && told.contains(#""id":"same_2""#))
    }

    @Test("calls of several choices are told apart by their choice")
    func choices() {
        var names = CallNames(requestID: "r")
        var ids: [String] = []
        for (choice, id) in [(0, "a"), (1, "a"), (0, "a"), (0, "a_2"), (0, "a")] {
            var event = ChatEvent.toolCallStarted(index: 0, id: id, name: "f", isCustom: false, choice: choice)
            names.name(&event)
            if case .toolCallStarted(_, let id, _, _, _) = event { ids.append(id) }
        }
        #expect(ids == ["a", "a", "a_2", "a_2_2", "a_3"])
    }
}
