import Foundation
import Logging
import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailRouting
import NeedletailTesting
import Synchronization
import Testing

/// The whole matrix of faults in streams, through groups, attempts and dialects, by a clock that only jumps.
@Suite("Streams that break", .timeLimit(.minutes(15)))
struct MidStreamTests {
    /// What the second target says.
    enum Second: String, CaseIterable, Sendable {
        /// The whole answer, whatever it was asked: as a model that does not go on but begins anew.
        case whole
        /// The rest where it was asked for the rest.
        case rest
    }

    @Test(
        "each fault has its documented outcome under each policy, and no token is lost or said twice",
        arguments: MidStreamCase.all)
    func outcome(example: MidStreamCase) async throws {
        for second in Second.allCases {
            let world = try MidStreamWorld(example, second)
            let (answer, body) = try await world.run()
            let context = Comment("second target: \(second)\n\(body)")
            #expect(answer.faults.isEmpty, context)
            #expect(answer.starts == 1, context)
            switch example.outcome {
            case .whole:
                #expect(answer.errors == 0, context)
                #expect(answer.ends == 1, context)
                if example.point == .toolArguments {
                    #expect(answer.calls.map(\.name) == ["weather"], context)
                    #expect(answer.calls.first?.arguments == MidStreamCase.arguments, context)
                } else {
                    #expect(answer.text == MidStreamCase.text, context)
                }
                if example.point == .thinking, example.surface != .responses {
                    #expect(answer.reasoning.hasSuffix(MidStreamCase.reasoning), context)
                }
            case .error:
                #expect(answer.errors == 1, context)
                #expect(MidStreamCase.text.hasPrefix(answer.text), context)
                #expect(answer.calls.allSatisfy { MidStreamCase.arguments.hasPrefix($0.arguments) }, context)
                if example.point == .text { #expect(answer.text == "alpha beta", context) }
            }
            #expect(world.calls <= 3, context)
            #expect(world.ended == 1, context)
        }
    }

    @Test("usage is what all parts cost together", arguments: MidStreamCase.Surface.allCases)
    func usage(surface: MidStreamCase.Surface) async throws {
        let example = MidStreamCase(point: .text, kind: .reset, surface: surface, policy: .goOn)
        let world = try MidStreamWorld(example, .whole)
        let (answer, body) = try await world.run()
        let told = try #require(answer.usage, "\(body)")
        // Only messages tell the input before the end.
        #expect(told.0 == (surface == .messages ? 22 : 11), "\(body)")
        #expect(told.1 >= 7, "\(body)")
        #expect(world.usage.map { [$0.inputTokens, $0.outputTokens] } == [told.0, told.1])
    }

    @Test("the seam is declared once, by a comment, where clients of the dialect pass comments over")
    func seam() async throws {
        for surface in MidStreamCase.Surface.allCases {
            for point in [MidStreamCase.Point.text, .preamble, .toolArguments] {
                let example = MidStreamCase(point: point, kind: .reset, surface: surface, policy: .goOn)
                let (_, body) = try await MidStreamWorld(example, .whole).run()
                let seams = body.components(separatedBy: ": needletail-continued provider=second\n\n").count - 1
                #expect(seams == (point == .text && surface != .gemini ? 1 : 0), "\(example)\n\(body)")
            }
        }
    }

    @Test("attempts and deadline of the request bound the parts", arguments: 1...4)
    func bounded(attempts: Int) async throws {
        let example = MidStreamCase(point: .text, kind: .reset, surface: .chat, policy: .goOn)
        let world = try MidStreamWorld(example, .whole, maximumAttempts: attempts, allBreak: true)
        let (answer, body) = try await world.run()
        #expect(world.calls == attempts)
        #expect(answer.errors == 1, "\(body)")
        #expect(MidStreamCase.text.hasPrefix(answer.text), "\(body)")
        let stalled = MidStreamCase(point: .text, kind: .stall, surface: .chat, policy: .goOn)
        let late = try MidStreamWorld(stalled, .whole, deadline: .milliseconds(1))
        #expect(try await late.run().0.errors == 1)
        #expect(late.calls == 1)
    }

    @Test("docs/streams.md has these outcomes and no others")
    func documented() throws {
        let rows = try DocumentedTable.rows("streams.md", under: "## A group of several: `mid_stream`")
        #expect(rows == MidStreamCase.rows, "write:\n\(MidStreamCase.rows.joined(separator: "\n"))")
    }
}

/// Two targets of one dialect, the first of which breaks, and a group before them.
final class MidStreamWorld: Sendable {
    private let example: MidStreamCase
    private let time = JumpingTime()
    private let engines: [MockEngine]
    private let stack: any Provider
    private let deadline: Duration?
    private let outcomes = Mutex<[Outcome]>([])

    init(
        _ example: MidStreamCase, _ second: MidStreamTests.Second, maximumAttempts: Int = 3, deadline: Duration? = nil,
        allBreak: Bool = false
    ) throws {
        self.example = example
        self.deadline = deadline
        let fault = MockFault(
            at: example.point.mock, kind: example.kind, for: example.kind == .slow ? .seconds(2) : nil)
        var rest = MockRule(reply: example.reply)
        rest.match.contains = "beginning with the very next character"
        rest.reply.text = " gamma delta epsilon"
        let whole = MockRule(reply: example.reply)
        let broken = MockRule(reply: example.reply, fault: fault)
        let isRest = second == .rest && example.point == .text
        let scripts: [[MockRule]] = [[broken], allBreak ? [broken] : isRest ? [rest, whole] : [whole]]
        let engines = scripts.map { MockEngine(script: MockScript(seed: 7, delay: .milliseconds(5), rules: $0)) }
        self.engines = engines
        let contract = ReplyContract(commitsAtContent: example.policy != .never)
        let spec = try #require(ProviderSpec.named(example.surface.type))
        let time = self.time.source
        let targets = zip(["first", "second"], engines).map { name, engine in
            let provider = HTTPProvider(
                id: ProviderID(name), spec: spec, options: .init(keys: [("k", 1)]),
                transport: MockTransport(engine: engine, time: time), time: time)
            return Target(
                ReplyContractLayer(provider, contract, dialects: { $0.dialect }), model: "m-\(name)",
                retry: RetryPolicy(maximumAttempts: 2))
        }
        let router = Router(
            id: "group", targets: targets, balancer: .priority, maximumAttempts: maximumAttempts, time: time,
            random: .seeded(1))
        self.stack =
            example.policy == .goOn ? ContinuationLayer(router, dialects: { $0.dialect }, time: time) : router
    }

    /// Calls of both targets.
    var calls: Int { self.engines.reduce(0) { $0 + $1.statistics.total.requests } }
    /// How often the reply ended.
    var ended: Int { self.outcomes.withLock { $0.count } }
    /// What the reply says that it cost.
    var usage: Usage? { self.outcomes.withLock { $0.first?.usage } }

    private var request: String {
        let tools = #","tools":[{"type":"function","function":{"name":"weather","parameters":{}}}]"#
        switch self.example.surface {
        case .chat:
            return
                #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]\#(self.example.point == .toolArguments ? tools : "")}"#
        case .responses:
            return #"{"model":"m","stream":true,"input":"hello"}"#
        case .messages:
            return #"{"model":"m","stream":true,"max_tokens":200,"messages":[{"role":"user","content":"hello"}]}"#
        case .gemini:
            return #"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#
        }
    }

    /// Asks, reads to the end, and ends a broken stream as the gateway does.
    func run() async throws -> (SeenAnswer, String) {
        let dialect = self.example.surface.dialect
        var request = try RequestPeek.read(
            ByteBuffer(string: self.request), dialect: dialect, operation: .chat, model: "m", isStreaming: true)
        if dialect == .openAIResponses { request.replyID = "resp_0123" }
        let deadline = self.deadline.map { self.time.source.now().advanced(by: .milliseconds(5) + $0) }
        let context = RequestContext.testing(deadline: deadline)
        var body = ByteBuffer()
        do {
            let reply = try await self.stack.respond(to: request, context: context)
            reply.onEnd { outcome in self.outcomes.withLock { $0.append(outcome) } }
            guard case .stream(let stream) = reply.body else { throw NeedletailError(.internalFailure, "no stream") }
            var chunks = stream.makeAsyncIterator()
            var last = ByteBuffer()
            do throws(NeedletailError) {
                while let chunk = try await chunks.next() {
                    last = chunk
                    body.writeImmutableBuffer(chunk)
                }
            } catch {
                dialect.dialect.encodeStreamFailure(error, requestID: "r", after: last, into: &body)
            }
        }
        #expect(context.request.attempts == self.calls)
        let text = String(buffer: body)
        return (SeenAnswer(text, dialect), text)
    }
}
