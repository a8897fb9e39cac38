import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import NeedletailTesting
import Synchronization
import Testing

/// Hooks are told every text and nothing else, and what they say is done, before and after a call, whole and streamed.
struct HookLayerTests {
    /// Says what it is told to.
    private final class ScriptedHook: Hook {
        let name = "hook"
        private let verdict: @Sendable (HookCall) throws(NeedletailError) -> HookVerdict
        private let seen = Mutex<[HookCall]>([])

        init(_ verdict: @escaping @Sendable (HookCall) throws(NeedletailError) -> HookVerdict) {
            self.verdict = verdict
        }

        var calls: [HookCall] { self.seen.withLock { $0 } }

        func review(_ call: HookCall, deadline: Instant?) async throws(NeedletailError) -> HookVerdict {
            self.seen.withLock { $0.append(call) }
            return try self.verdict(call)
        }
    }

    private let body =
        #"{"model":"m","messages":[{"role":"system","content":"be \"brief\""},{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"https://h/p"}}]}]}"#

    private func layer(_ next: any Provider, _ rule: HookRule) -> HookLayer {
        HookLayer(next, rules: [rule], dialects: { $0.dialect }, time: JumpingTime().source)
    }

    private func request(_ body: String) throws -> InferenceRequest {
        try RequestPeek.read(ByteBuffer(string: body), dialect: .openAIChat, operation: .chat)
    }

    private func sent(_ scripted: ScriptedProvider) -> String {
        guard case .wire(let wire, _)? = scripted.requests.first?.body else { return "" }
        return String(buffer: wire.bytes)
    }

    private let reply =
        #"{"id":"c","object":"chat.completion","model":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}"#

    private let stream = [
        #"data: {"id":"c","object":"chat.completion.chunk","model":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"hel"}}]}"#
            + "\n\n",
        #"data: {"id":"c","object":"chat.completion.chunk","model":"x","choices":[{"index":0,"delta":{"content":"lo"}}]}"#
            + "\n\n",
        #"data: {"id":"c","object":"chat.completion.chunk","model":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
            + "\n\ndata: [DONE]\n\n",
    ]

    @Test("before: texts with their places and roles; nothing changes where it is allowed")
    func allowed() async throws {
        let hook = ScriptedHook { _ in .allow }
        let scripted = ScriptedProvider("p")
        _ = try await self.layer(scripted, HookRule(hook)).respond(
            to: try self.request(self.body), context: .testing(keyName: "k", tenant: "t"))
        let call = try #require(hook.calls.first)
        #expect(call.texts.map(\.text) == [#"be "brief""#, "hi"])
        #expect(call.texts.map(\.path) == ["messages.0.content", "messages.1.content.0.text"])
        #expect(call.texts.map(\.role) == ["system", "user"])
        #expect(call.key == "k" && call.tenant == "t" && call.phase == .before && hook.calls.count == 1)
        #expect(self.sent(scripted) == self.body)
    }

    @Test("before: what it replaces is spliced in")
    func replaced() async throws {
        let hook = ScriptedHook { _ in .replace([1: "say \"hi\""]) }
        let scripted = ScriptedProvider("p")
        _ = try await self.layer(scripted, HookRule(hook)).respond(to: try self.request(self.body), context: .testing())
        #expect(self.sent(scripted) == self.body.replacing(#""text":"hi""#, with: #""text":"say \"hi\"""#))
    }

    @Test("before: a refusal asks nobody and gives its message")
    func refused() async throws {
        let scripted = ScriptedProvider("p")
        let layer = self.layer(scripted, HookRule(ScriptedHook { _ in .refuse("not that") }))
        do {
            _ = try await layer.respond(to: try self.request(self.body), context: .testing())
            Issue.record("it went through")
        } catch let error as NeedletailError {
            #expect(error.code == .invalidRequest && error.message == "not that")
        }
        #expect(scripted.callCount == 0)
    }

    @Test("a hook that cannot judge stops calls or lets them pass, as its rule says", arguments: [true, false])
    func failure(failsOpen: Bool) async throws {
        let scripted = ScriptedProvider("p")
        let hook = ScriptedHook { _ throws(NeedletailError) in throw NeedletailError(.unreachable, "gone") }
        let layer = self.layer(scripted, HookRule(hook, failsOpen: failsOpen))
        do {
            _ = try await layer.respond(to: try self.request(self.body), context: .testing())
            #expect(failsOpen)
        } catch let error as NeedletailError {
            #expect(!failsOpen && error.code == .unavailable && !error.message.contains("gone"))
        }
        #expect(scripted.callCount == (failsOpen ? 1 : 0))
    }

    @Test("texts beyond the limit are a failure, and not sent")
    func tooLarge() async throws {
        let hook = ScriptedHook { _ in .allow }
        let layer = self.layer(ScriptedProvider("p"), HookRule(hook, maximumSize: 5))
        await #expect(throws: NeedletailError.self) {
            try await layer.respond(to: try self.request(self.body), context: .testing())
        }
        #expect(hook.calls.isEmpty)
    }

    @Test("after: a whole reply is judged and replaced")
    func afterWhole() async throws {
        let hook = ScriptedHook { call in call.texts.first?.text == "hello" ? .replace([0: "bye"]) : .allow }
        let scripted = ScriptedProvider("p", [.reply(self.reply)])
        let answer = try await self.layer(scripted, HookRule(hook, phases: [.after])).respond(
            to: try self.request(self.body), context: .testing())
        guard case .complete(let wire, _) = answer.body else { return }
        #expect(try OpenAIChat.decodeReply(wire.bytes).text == "bye")
        #expect(hook.calls.map(\.phase) == [.after] && hook.calls.first?.provider == "p")
    }

    @Test("after: a stream is held until it is judged, and is the same bytes then")
    func afterStream() async throws {
        let hook = ScriptedHook { _ in .allow }
        let scripted = ScriptedProvider("p", [.stream(self.stream)])
        let answer = try await self.layer(scripted, HookRule(hook, phases: [.after])).respond(
            to: try self.request(self.body.replacing(#"{"model""#, with: #"{"stream":true,"model""#)),
            context: .testing())
        #expect(hook.calls.first?.texts.map(\.text) == ["hello"])
        guard case .stream(let stream) = answer.body else { return }
        var got = ""
        for try await chunk in stream { got += String(buffer: chunk) }
        #expect(got == self.stream.joined())
    }

    @Test(
        "after: what a stream loses by being written anew is told, and of one that stays nothing",
        arguments: [true, false])
    func afterStreamLosses(isReplaced: Bool) async throws {
        let chunks = self.stream.map {
            $0.replacing(#""content":"lo""#, with: #""content":"lo","odd":1"#)
                .replacing(#""model":"x""#, with: #""model":"x","provider":"y""#)
        }
        let answer = try await self.layer(
            ScriptedProvider("p", [.stream(chunks)]),
            HookRule(ScriptedHook { _ in isReplaced ? .replace([0: "bye"]) : .allow }, phases: [.after])
        ).respond(
            to: try self.request(self.body.replacing(#"{"model""#, with: #"{"stream":true,"model""#)),
            context: .testing())
        guard case .stream(let stream) = answer.body else {
            Issue.record("no stream")
            return
        }
        #expect(stream.ending.losses.ofContent == (isReplaced ? ["choices.delta.odd"] : []))
        #expect(stream.ending.losses.ofBookkeeping == (isReplaced ? ["provider"] : []))
    }

    @Test("after: a refused stream has shown nothing; a replaced one is written anew; one that may pass is not judged")
    func afterStreamVerdicts() async throws {
        let asked = try self.request(self.body.replacing(#"{"model""#, with: #"{"stream":true,"model""#))
        await #expect(throws: NeedletailError.self) {
            try await self.layer(
                ScriptedProvider("p", [.stream(self.stream)]),
                HookRule(ScriptedHook { _ in .refuse("no") }, phases: [.after])
            ).respond(to: asked, context: .testing())
        }
        let replaced = try await self.layer(
            ScriptedProvider("p", [.stream(self.stream)]),
            HookRule(ScriptedHook { _ in .replace([0: "bye"]) }, phases: [.after])
        ).respond(to: asked, context: .testing())
        guard case .stream(let stream) = replaced.body else { return }
        var decoder = OpenAIChat.makeStreamDecoder()
        var events: [ChatEvent] = []
        for try await chunk in stream { try decoder.decode(chunk, into: &events) }
        #expect(decoder.isComplete)
        #expect(events.contains(.text("bye", choice: 0)) && !events.contains(.text("hel", choice: 0)))
        let passing = ScriptedHook { _ in .refuse("no") }
        _ = try await self.layer(
            ScriptedProvider("p", [.stream(self.stream)]), HookRule(passing, phases: [.after], holdsStreams: false)
        ).respond(to: asked, context: .testing())
        #expect(passing.calls.isEmpty)
    }
}
