import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailGateway

/// The two dialects, and how a test asks in each.
enum MockDialectCase: String, CaseIterable, Sendable {
    case openAI, anthropic

    var path: String { self == .openAI ? "/v1/chat/completions" : "/v1/messages" }

    func request(_ members: String = "", stream: Bool = false, content: String = "\"Hello there\"") -> MockRequest {
        let tokens = members.contains("max_tokens") || self == .openAI ? "" : #","max_tokens":1000"#
        let options = stream ? #","stream":true"# : ""
        let usage = stream && self == .openAI ? #","stream_options":{"include_usage":true}"# : ""
        let rest = members.isEmpty ? "" : "," + members
        let body =
            #"{"model":"mock-model","messages":[{"role":"user","content":\#(content)}]\#(tokens)\#(options)\#(usage)\#(rest)}"#
        return MockRequest(path: self.path, body: ByteBuffer(string: body))
    }

    /// A tool with one required string, in the dialect's words.
    var tools: String {
        let schema =
            #"{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city","days"]}"#
        return switch self {
        case .openAI: #""tools":[{"type":"function","function":{"name":"weather","parameters":\#(schema)}}]"#
        case .anthropic: #""tools":[{"name":"weather","input_schema":\#(schema)}]"#
        }
    }

    var demand: String {
        self == .openAI ? #""tool_choice":"required""# : #""tool_choice":{"type":"any"}"#
    }

    var thinking: String {
        self == .openAI
            ? #""reasoning_effort":"low""#
            : #""max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024}"#
    }
}

/// A reply played to its end without a clock.
struct Played {
    var steps: [MockStep] = []
    var chunks: [ByteBuffer] = []
    var progress = MockProgress()

    init(_ reply: MockReply) {
        var steps = reply.steps
        while let step = steps.next() {
            self.steps.append(step)
            if case .bytes(let bytes) = step { self.chunks.append(bytes) }
        }
        self.progress = steps.progress
    }

    /// Everything that was sent.
    var text: String { self.chunks.map { String(buffer: $0) }.joined() }

    /// The data of every event but `[DONE]`; each must be JSON by Foundation's judgement too.
    func events() throws -> [JSONView] {
        var decoder = SSEDecoder()
        var views: [JSONView] = []
        decoder.feed(ByteBuffer(string: self.text))
        while let event = try decoder.next() {
            guard String(buffer: event.data) != "[DONE]" else { continue }
            views.append(try checkedJSON(event.data))
        }
        #expect(try decoder.finish() == nil, "bytes after the last event")
        return views
    }
}

/// Reads JSON and has Foundation agree that it is some.
func checkedJSON(_ bytes: ByteBuffer) throws -> JSONView {
    _ = try JSONSerialization.jsonObject(with: Data(bytes.readableBytesView), options: [.fragmentsAllowed])
    return try JSONDocument(bytes).root
}

/// A clock that jumps to wherever somebody waits.
func jumpingTime() -> (source: TimeSource, now: @Sendable () -> Instant) {
    let clock = JumpingClock()
    let source = TimeSource(
        now: { clock.now },
        wallSeconds: { 0 },
        sleep: { until throws(CancellationError) in
            if Task.isCancelled { throw CancellationError() }
            clock.jump(to: until)
        }
    )
    return (source, { clock.now })
}

private final class JumpingClock: Sendable {
    private let instant = Mutex(Instant(nanoseconds: 0))
    var now: Instant { self.instant.withLock { $0 } }
    func jump(to other: Instant) { self.instant.withLock { $0 = max($0, other) } }
}

extension MockReply {
    /// The whole body, which must be JSON.
    func json() throws -> JSONView {
        try checkedJSON(try #require(self.wholeBody))
    }
}
