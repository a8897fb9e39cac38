import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("What a client sees of a stream in parts")
struct ContinuationStateTests {
    private let start = ChatEvent.started(StreamStart(id: "1", model: "m"))

    private func state(
        _ rescue: MidStreamPolicy.Rescue = .continue, repeatsReasoning: Bool = true
    ) -> ContinuationState {
        ContinuationState(rescue, repeatsReasoning: repeatsReasoning)
    }

    private func call(_ index: Int, _ arguments: String) -> [ChatEvent] {
        [
            .toolCallStarted(index: index, id: "c\(index)", name: "f", isCustom: false, choice: 0),
            .toolCallArguments(index: index, fragment: arguments, choice: 0),
        ]
    }

    @Test("text goes on where it stopped, with one beginning")
    func text() {
        var state = self.state()
        var out: [ChatEvent] = []
        state.take([self.start, .text("alpha ", choice: 0), .text("beta", choice: 0)], into: &out)
        #expect(state.mayContinue)
        #expect(state.text == "alpha beta")
        out += state.beginPart(after: nil)
        state.take([.started(StreamStart(id: "2", model: "n")), .text("beta gamma", choice: 0)], into: &out)
        state.take([.finished(.endTurn, stopSequence: nil, choice: 0)], into: &out)
        #expect(
            out == [
                self.start, .text("alpha ", choice: 0), .text("beta", choice: 0), .text(" gamma", choice: 0),
                .finished(.endTurn, stopSequence: nil, choice: 0),
            ])
        #expect(state.isFinished)
    }

    @Test("calls wait until the answer has ended, and those of a broken part are never seen")
    func calls() {
        var state = self.state()
        var out: [ChatEvent] = []
        state.take([self.start] + self.call(0, #"{"a":1}"#) + self.call(1, #"{"b":"#), into: &out)
        #expect(out == [self.start])
        #expect(state.mayContinue)
        #expect(state.beginPart(after: nil).isEmpty)
        state.take([self.start] + self.call(0, "{}"), into: &out)
        #expect(out == [self.start])
        let end = ChatEvent.finished(.toolCalls, stopSequence: nil, choice: 0)
        state.take([end], into: &out)
        #expect(out == [self.start] + self.call(0, "{}") + [end])
    }

    @Test("calls beyond the bound are let go and no longer begun anew")
    func bound() {
        var state = self.state()
        var out: [ChatEvent] = []
        let fragment = String(repeating: "x", count: 1 << 20)
        state.take([self.start] + self.call(0, fragment), into: &out)
        for _ in 0..<4 { state.take([.toolCallArguments(index: 0, fragment: fragment, choice: 0)], into: &out) }
        #expect(out.count == 7)
        #expect(!state.mayContinue)
    }

    @Test("text after calls keeps its place")
    func order() {
        var state = self.state()
        var out: [ChatEvent] = []
        let events = [self.start, .text("one", choice: 0)] + self.call(0, "{}") + [ChatEvent.text("two", choice: 0)]
        state.take(events, into: &out)
        #expect(out.count == 2)
        state.end(into: &out)
        #expect(out == events)
    }

    @Test("reasoning may begin anew before there is text, and is left out after it")
    func reasoning() {
        var state = self.state()
        var out: [ChatEvent] = []
        state.take([self.start, .reasoning("hm", choice: 0)], into: &out)
        #expect(state.mayContinue)
        #expect(state.beginPart(after: nil) == [.blockEnded(choice: 0)])
        state.take([.reasoning("aha", choice: 0), .text("alpha beta", choice: 0)], into: &out)
        #expect(state.beginPart(after: nil).isEmpty)
        state.take(
            [
                .reasoning("again", choice: 0), .reasoningSignature("s", choice: 0), .blockEnded(choice: 0),
                .text(" gamma", choice: 0),
            ], into: &out)
        #expect(
            out == [
                self.start, .reasoning("hm", choice: 0), .reasoning("aha", choice: 0), .text("alpha beta", choice: 0),
                .text(" gamma", choice: 0),
            ])
    }

    @Test("where unsigned reasoning is refused, an answer that broke inside it ends")
    func signed() {
        var state = self.state(repeatsReasoning: false)
        var out: [ChatEvent] = []
        state.take([self.start, .reasoning("hm", choice: 0)], into: &out)
        #expect(!state.mayContinue)
    }

    @Test("an answer that does not go on after text is begun anew before it")
    func restarted() {
        var state = self.state(.restart)
        var out: [ChatEvent] = []
        state.take([self.start], into: &out)
        #expect(state.mayContinue)
        state.take([.text("{", choice: 0)], into: &out)
        #expect(!state.mayContinue)
    }

    @Test(
        "an answer that is asked for anew goes on when it has said what the client has, however it is cut",
        arguments: [
            ["{\"a\": 1", ", \"b\": 2}"], ["{\"a\": ", "1", ", \"b\": 2}"], ["{", "\"a\": 1, ", "\"b\": 2}"],
            ["{\"a\": 1, \"b\": 2}"],
        ])
    func repeated(pieces: [String]) {
        var state = self.state(.repeat)
        var out: [ChatEvent] = []
        state.take(
            [self.start, .reasoning("hm", choice: 0), .text("{\"a\":", choice: 0), .text(" 1", choice: 0)], into: &out)
        #expect(state.mayContinue && state.continuation == nil)
        #expect(state.beginPart(after: nil).isEmpty)
        out = []
        let events = pieces.map { ChatEvent.text($0, choice: 0) }
        state.take(
            [self.start, .reasoning("so", choice: 0)] + events
                + [.blockEnded(choice: 0), .finished(.endTurn, stopSequence: nil, choice: 0)], into: &out)
        state.end(into: &out)
        let text = out.reduce("") { if case .text(let more, _) = $1 { $0 + more } else { $0 } }
        #expect(text == ", \"b\": 2}" && !state.hasDeparted && state.isFinished)
        #expect(out.suffix(2) == [.blockEnded(choice: 0), .finished(.endTurn, stopSequence: nil, choice: 0)])
    }

    @Test("of another answer than the one that the client has begun to see nothing is shown", arguments: 0..<4)
    func departed(way: Int) {
        var state = self.state(.repeat)
        var out: [ChatEvent] = []
        state.take([self.start, .text("{\"a\": 1", choice: 0)], into: &out)
        _ = state.beginPart(after: nil)
        out = []
        let finished = ChatEvent.finished(.endTurn, stopSequence: nil, choice: 0)
        let call = ChatEvent.toolCallStarted(index: 0, id: "i", name: "f", isCustom: false, choice: 0)
        let ways: [[ChatEvent]] = [
            [.text("{\"b\"", choice: 0), .text(": 1}", choice: 0), finished], [.text("{\"a\"", choice: 0), finished],
            [.text("{", choice: 0), call, finished], [.text("{", choice: 0)],
        ]
        state.take([self.start] + ways[way], into: &out)
        state.end(into: &out)
        #expect(state.hasDeparted && !state.isFinished && out.isEmpty, "\(out)")
    }

    @Test(
        "what has no place in a continued answer ends the chance of one",
        arguments: [
            ChatEvent.refusal("no", choice: 0), .audio(JSONText(unchecked: "{}"), choice: 0),
            .text("second", choice: 1),
            .opaque(OpaquePart(dialect: .openAIResponses, type: "x", json: JSONText(unchecked: "{}")), choice: 0),
        ])
    func final(event: ChatEvent) {
        var state = self.state()
        var out: [ChatEvent] = []
        state.take([self.start, event], into: &out)
        #expect(out == [self.start, event])
        #expect(!state.mayContinue)
    }

    @Test("usage adds up over all parts, and the last word of each counts")
    func usage() {
        var state = self.state()
        var out: [ChatEvent] = []
        state.take([self.start, .usage(Usage(inputTokens: 10, outputTokens: 1)), .text("a b", choice: 0)], into: &out)
        _ = state.beginPart(after: Usage(inputTokens: 10, outputTokens: 4))
        state.take([.usage(Usage(inputTokens: 20, outputTokens: 0)), .text(" c", choice: 0)], into: &out)
        state.take([.usage(Usage(inputTokens: 20, outputTokens: 7))], into: &out)
        #expect(out.last == .usage(Usage(inputTokens: 30, outputTokens: 11)))
        #expect(state.total == Usage(inputTokens: 30, outputTokens: 11))
    }
}
