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

/// Random scripts, cut into random pieces, through names, attempts and dialects, by a clock that only jumps.
@Suite("Fault simulation", .timeLimit(.minutes(15)))
struct FaultSimulationTests {
    /// `NEEDLETAIL_SEED=n` plays one seed again.
    private static let seeds: [UInt64] =
        ProcessInfo.processInfo.environment["NEEDLETAIL_SEED"].flatMap(UInt64.init).map { [$0] } ?? Array(0..<300)

    @Test("whatever an upstream does, a request has one end, and what was spent is counted", arguments: Self.seeds)
    func simulate(seed: UInt64) async throws {
        let world = try Simulation(seed: seed)
        let findings = await world.run()
        #expect(findings.isEmpty, "NEEDLETAIL_SEED=\(seed)\n\(findings.joined(separator: "\n"))\n\(world)")
    }

    @Test("the seeds reach every kind of end")
    func coverage() async throws {
        var ends: Set<String> = []
        for seed in 0..<200 as Range<UInt64> {
            let world = try Simulation(seed: seed)
            _ = await world.run()
            ends.insert(world.end)
        }
        #expect(ends == ["refused", "whole", "stream whole", "stream failed"])
    }
}

/// One seed's upstreams, router and request.
private final class Simulation: CustomStringConvertible {
    private let time = JumpingTime()
    private let client: Surface
    private let isStreaming: Bool
    private let maximumAttempts: Int
    private let engines: [MockEngine]
    private let upstreams: [Surface]
    private let stack: any Provider
    private let totals = UsageTotals()
    private(set) var end = ""

    init(seed: UInt64) throws {
        let source = RandomSource.seeded(seed)
        var random = RandomSource.Generator(source)
        self.client = Bool.random(using: &random) ? .openAI : .anthropic
        self.isStreaming = Int.random(in: 0..<4, using: &random) > 0
        self.maximumAttempts = Int.random(in: 1...4, using: &random)
        var engines: [MockEngine] = []
        var upstreams: [Surface] = []
        var targets: [Target] = []
        for number in 0..<Int.random(in: 1...3, using: &random) {
            let surface: Surface = Bool.random(using: &random) ? .openAI : .anthropic
            let rules = (1...4).map { Self.rule($0, &random) }
            let engine = MockEngine(script: MockScript(seed: random.next(), delay: .milliseconds(5), rules: rules))
            let spec = try #require(ProviderSpec.named("\(surface.provider)-compatible"))
            let transport = ChoppingTransport(
                MockTransport(engine: engine, time: self.time.source), random: .seeded(random.next()))
            let provider = HTTPProvider(
                id: ProviderID("p\(number)"), spec: spec, options: .init(keys: [("k", 1)]), transport: transport,
                time: self.time.source)
            let attempts = Int.random(in: 1...3, using: &random)
            targets.append(
                Target(
                    provider, model: "m\(number)",
                    retry: RetryPolicy(maximumAttempts: attempts, backoff: Backoff(hasJitter: true))))
            engines.append(engine)
            upstreams.append(surface)
        }
        self.engines = engines
        self.upstreams = upstreams
        let router = Router(
            id: "chat", targets: targets, balancer: Bool.random(using: &random) ? .priority : .roundRobin,
            maximumAttempts: self.maximumAttempts, time: self.time.source, random: .seeded(random.next()))
        let directory = ModelDirectory(
            groups: ["chat": .init(router: router) { _ in nil }], upstreams: [:], defaultGroup: nil)
        let totals = self.totals
        self.stack = ProviderStackBuilder(ModelRouter(directory, time: self.time.source))
            .withObservation(Observation([totals]), time: self.time.source)
            .withDeadline(.seconds(600), time: self.time.source)
            .build()
    }

    /// What an upstream does the `number`-th time.
    private static func rule(_ number: Int, _ random: inout RandomSource.Generator) -> MockRule {
        var rule = MockRule()
        rule.match.nth = number
        rule.reply.usage = MockUsage(
            input: Int.random(in: 1...1_000, using: &random), output: Int.random(in: 1...1_000, using: &random))
        if Bool.random(using: &random) { rule.reply.text = "a few words — and ☃ — to be cut anywhere" }
        if Int.random(in: 0..<3, using: &random) == 0 { rule.reply.reasoning = "Thinking about it." }
        if Int.random(in: 0..<3, using: &random) == 0 {
            rule.reply.toolCalls = [.init(name: "weather", arguments: #"{"city":"Zürich","days":[1,2,3]}"#)]
        }
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3: break
        case 3..<5:
            rule.reply.status = [400, 401, 404, 408, 409, 429, 500, 502, 503, 529].randomElement(using: &random)
        default:
            let places: [MockFault.Place] = [
                .connect, .headers, .firstEvent, .chunk(1), .chunk(3), .toolArguments, .thinking, .beforeUsage,
                .beforeDone,
            ]
            let place = places[Int.random(in: 0..<places.count, using: &random)]
            let kinds = MockFault.Kind.allCases
            let kind = kinds[Int.random(in: 0..<kinds.count, using: &random)]
            rule.fault = MockFault(at: place, kind: kind)
        }
        return rule
    }

    /// Sends the request and returns what is wrong with its end.
    func run() async -> [String] {
        var findings: [String] = []
        let dialect: DialectID = self.client == .openAI ? .openAIChat : .anthropicMessages
        let body = ByteBuffer(string: self.client.request("chat", stream: self.isStreaming))
        let context = RequestContext.testing()
        let ended = Mutex<[Outcome]>([])
        do {
            let request = try RequestPeek.read(body, dialect: dialect, operation: .chat)
            let reply = try await self.stack.respond(to: request, context: context)
            reply.onEnd { outcome in ended.withLock { $0.append(outcome) } }
            switch reply.body {
            case .complete(let body, _):
                self.end = "whole"
                if (try? JSONDocument(body.bytes)) == nil { findings.append("a whole reply that is no JSON") }
            case .stream(let stream): findings += await self.read(stream)
            }
            if ended.withLock({ $0.count }) != 1 { findings.append("onEnd ran \(ended.withLock { $0.count }) times") }
        } catch {
            self.end = "refused"
            let status = error.disposition.status
            if !(400..<600).contains(status) || status == 499 { findings.append("refused with \(error)") }
        }
        let calls = self.engines.map(\.statistics.total.requests).reduce(0, +)
        if calls > self.maximumAttempts { findings.append("\(calls) calls of \(self.maximumAttempts)") }
        if calls != context.request.attempts { findings.append("\(calls) calls, told as \(context.request.attempts)") }
        return findings + self.account(ended.withLock { $0.first })
    }

    private func read(_ stream: ReplyStream) async -> [String] {
        var findings: [String] = []
        var text = ByteBuffer()
        var failure: NeedletailError?
        var chunks = stream.makeAsyncIterator()
        do throws(NeedletailError) {
            while let chunk = try await chunks.next() {
                text.writeImmutableBuffer(chunk)
                // Every chunk ends an event, so that an error event may follow any.
                if !String(buffer: chunk).hasSuffix("\n\n") { findings.append("a chunk ends inside an event") }
            }
        } catch {
            failure = error
        }
        self.end = failure == nil ? "stream whole" : "stream failed"
        let marks = String(buffer: text).split(separator: "\n\n").filter { $0.hasPrefix(self.client.endMarker) }.count
        if marks != (failure == nil ? 1 : 0) {
            findings.append("\(marks) end markers with \(failure.map { "\($0)" } ?? "no failure")")
        }
        if text.readableBytes == 0 { findings.append("a committed stream without an event") }
        if String(buffer: text).contains(#""error":{"#) { findings.append("an error event besides the failure") }
        return findings
    }

    /// The gateway's count against what the upstreams really served.
    private func account(_ outcome: Outcome?) -> [String] {
        let snapshot = self.totals.snapshot()
        let rows = snapshot.rows.values
        var findings: [String] = []
        let counted = rows.reduce(0) { $0 + $1.requests } + snapshot.unanswered
        if counted != 1 { findings.append("counted \(counted) times") }
        guard let outcome, case .finished = outcome.end else { return findings }
        let served = self.engines.map(\.statistics.total)
        // Only one upstream can have completed a reply that was delivered; those that failed before it completed theirs
        // with an error, which costs nothing.
        let input = served.reduce(0) { $0 + $1.inputTokens }
        let output = served.reduce(0) { $0 + $1.outputTokens }
        let mine = rows.reduce(into: (0, 0)) { $0 = ($0.0 + $1.inputTokens, $0.1 + $1.outputTokens) }
        let wasCut = zip(served, self.engines).contains { $0.0.faults > 0 }
        if !wasCut, mine != (input, output) { findings.append("counted \(mine), served (\(input), \(output))") }
        if let usage = outcome.usage, mine != (usage.inputTokens, usage.outputTokens) {
            findings.append("told \(usage), counted \(mine)")
        }
        return findings
    }

    var description: String {
        let rules = zip(self.upstreams, self.engines).map { upstream, engine in
            "\(upstream): "
                + engine.script.rules.map { "\($0.reply.status ?? 200) \(String(describing: $0.fault))" }
                .joined(separator: ", ")
        }
        return
            "\(self.client) client, stream \(self.isStreaming), \(self.maximumAttempts) attempts, end '\(self.end)'\n"
            + rules.joined(separator: "\n")
    }
}

/// Cuts what another transport gives into pieces of random size.
private struct ChoppingTransport: HTTPTransport {
    private let next: any HTTPTransport
    private let random: RandomSource

    init(_ next: any HTTPTransport, random: RandomSource) {
        self.next = next
        self.random = random
    }

    func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
        var response = try await self.next.send(request)
        response.body = TransportBody(Source(response.body, self.random))
        return response
    }

    private final class Source: TransportBodySource {
        private let body: TransportBody
        private let random: RandomSource
        private let rest = Mutex(ByteBuffer())

        init(_ body: TransportBody, _ random: RandomSource) {
            self.body = body
            self.random = random
        }

        func next() async throws(NeedletailError) -> ByteBuffer? {
            if let piece = self.piece() { return piece }
            guard let chunk = try await self.body.next() else { return nil }
            self.rest.withLock { $0 = chunk }
            return self.piece() ?? ByteBuffer()
        }

        private func piece() -> ByteBuffer? {
            self.rest.withLock { rest in
                guard rest.readableBytes > 0 else { return nil }
                let size = 1 + Int(self.random.next() % 200)
                return rest.readSlice(length: min(size, rest.readableBytes))
            }
        }

        func cancel() { self.body.cancel() }
        func drain() { self.body.drain() }
    }
}
