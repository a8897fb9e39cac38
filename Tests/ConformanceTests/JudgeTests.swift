import Foundation
import NeedletailCore
import Testing

/// The judges themselves: they read what the formats' rules say, and take offence where a rule is broken.
@Suite("Conformance: the judges", .timeLimit(.minutes(5)))
struct JudgeTests {
    @Test(
        "A judge reads the fixtures of its dialect as they are meant", arguments: DialectID.allCases, Scenario.allCases)
    func fixtures(_ dialect: DialectID, _ scenario: Scenario) throws {
        guard scenario.applies(to: dialect) else { return }
        let fixture = try #require(OwnFixture(dialect, scenario))
        let recording = fixture.recording
        let seen = dialect.judge.read(recording.reply, isStream: recording.isStream)
        let conversation = dialect.judge.conversation(JSON.object(fixture.request) ?? [:])
        #expect(!conversation.user.isEmpty)
        #expect(conversation.media.count == (scenario == .vision ? 1 : 0))
        guard fixture.expect["text"] != nil else {
            #expect(seen.error?.isEmpty == false || Expectation(recording, dialect) == .brokenStream)
            return
        }
        #expect(seen.faults.isEmpty, "\(seen.faults)")
        #expect(seen.error == nil)
        #expect(seen.text == fixture.expect.text("text"))
        #expect(seen.reasoning == fixture.expect.text("reasoning"))
        #expect(seen.calls.map(\.name) == fixture.expect.list("calls").map { $0.text("name") })
        #expect(
            seen.calls.map(\.arguments) == fixture.expect.list("calls").map { JSON.canonical($0["arguments"] ?? "") })
        #expect(seen.stop.map { "\($0)" } == fixture.expect.text("stop"))
        #expect(seen.inputTokens == fixture.expect.number("input"))
        #expect(seen.outputTokens == fixture.expect.number("output"))
    }

    @Test("A judge's own short reply is good", arguments: DialectID.allCases)
    func okay(_ dialect: DialectID) {
        for seen in [dialect.judge.whole(dialect.judge.okay), dialect.judge.stream(dialect.judge.okayStream)] {
            #expect(seen.text == "ok" && seen.error == nil)
            #expect(seen.stop == .end)
        }
    }

    @Test("A stream without its last event is no good stream", arguments: DialectID.allCases)
    func withoutEnd(_ dialect: DialectID) throws {
        let fixture = try #require(OwnFixture(dialect, .stream))
        // Without `[DONE]` too, which says nothing by itself.
        let events = dialect.judge.events(fixture.recording.reply).filter { $0.kind == .good && !$0.json.isEmpty }
        let bytes = events.dropLast().reduce(into: Data()) { $0 += $1.raw }
        #expect(!dialect.judge.stream(bytes).faults.isEmpty)
    }

    @Test(
        "A stream with an event twice is no good stream",
        arguments: [DialectID.anthropicMessages, .openAIResponses, .bedrockConverse, .cohereChat])
    func twice(_ dialect: DialectID) throws {
        let fixture = try #require(OwnFixture(dialect, .stream))
        let events = dialect.judge.events(fixture.recording.reply).filter { $0.kind != .empty }
        let bytes = ([events[0]] + events).reduce(into: Data()) { $0 += $1.raw }
        #expect(!dialect.judge.stream(bytes).faults.isEmpty)
    }

    @Test("A damaged frame is no frame")
    func frames() {
        let frame = AmazonFrames.event("messageStart", #"{"role":"assistant"}"#)
        #expect(AmazonFrames(frame + frame).frames.count == 2)
        for place in frame.indices {
            var damaged = frame
            damaged[place] ^= 1
            #expect(AmazonFrames(damaged).frames.isEmpty, "\(place)")
        }
    }

    /// Streams that were recorded with breaks in them, or written by servers that take the rules lightly.
    @Test(
        "What the makers of the dialects send keeps the rules", .enabled(if: Recordings.areThere),
        arguments: [
            "openai/responses", "openai/chat", "openai/completions", "anthropic/messages", "bedrock/converse-stream",
            "gemini/streamGenerateContent", "ollama/api-chat", "ollama/api-generate", "cohere/v2-chat",
        ])
    func makers(_ folder: String) throws {
        guard case .chat(let dialect) = RecordedSurface.of(folder) else { return }
        var (good, all) = (0, 0)
        for recording in Recordings.cases(folder) where recording.isStream && recording.status < 300 {
            guard Expectation(recording, dialect) == .reply else { continue }
            let seen = dialect.judge.stream(recording.reply)
            all += 1
            if seen.faults.isEmpty { good += 1 } else { print("judge of \(recording): \(seen.faults)") }
        }
        #expect(good * 10 >= all * 8, "\(good) of \(all)")
    }
}
