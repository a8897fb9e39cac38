import Logging
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

/// What becomes of requests that a budget does not cover.
@Suite("A spent budget")
struct BudgetExhaustionTests {
    /// A pico-dollar for each token of output, nothing for input.
    static let price = Price(Price.Schedule(PriceRates([.input: 0, .output: 1])))

    private let time = JumpingTime()
    private let dear = ScriptedProvider("dear")
    private let cheap = ScriptedProvider("cheap")

    private func keeper(_ rules: [BudgetRule]) -> BudgetKeeper {
        BudgetKeeper(
            rules, authority: MemoryBudgets(), time: self.time.source,
            logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
    }

    private func rule(
        _ end: BudgetRule.Exhaustion, limit: Int128 = 100, _ period: BudgetWindow.Period = .minute
    ) -> BudgetRule {
        BudgetRule(
            name: "b", scope: [(.provider, ModelGlob("dear"))], limit: limit, window: BudgetWindow(period),
            exhaustion: end)
    }

    private func meter(_ provider: any Provider, _ keeper: BudgetKeeper) -> MeteringLayer {
        MeteringLayer(
            provider, tariff: MeteringLayer.Tariff { _ in PricedModel(price: Self.price) }, budgets: keeper,
            time: self.time.source)
    }

    private func router(_ name: ProviderID, _ targets: [any Provider]) -> Router {
        Router(
            id: name, targets: targets.map { Target($0) }, balancer: .priority, time: self.time.source,
            random: .seeded(1))
    }

    private func stack(_ rule: BudgetRule) -> BudgetExhaustionLayer {
        let keeper = self.keeper([rule])
        let (first, second) = (self.router("main", [self.meter(self.dear, keeper)]), self.router("spare", [self.cheap]))
        let directory = ModelDirectory(
            groups: [
                "main": ModelDirectory.Group(router: first) { _ in nil },
                "spare": ModelDirectory.Group(router: second) { _ in nil },
            ], upstreams: [:], defaultGroup: nil)
        return BudgetExhaustionLayer(
            ModelRouter(directory, time: self.time.source), directory: directory, time: self.time.source)
    }

    private func request(_ tokens: Int) -> InferenceRequest {
        var request = InferenceRequest.sample("main")
        request.maxOutputTokens = tokens
        return request
    }

    /// Spends all of the stretch: the script's replies tell one token of usage, so that the bound must be all of it.
    private func spend(_ stack: BudgetExhaustionLayer, _ count: Int) async throws {
        for _ in 0..<count { _ = try await stack.respond(to: self.request(1), context: .testing()) }
    }

    @Test("A cheaper group answers, whatever models the key may ask for, and the reply says why")
    func downgrade() async throws {
        let stack = self.stack(self.rule(.downgrade("spare"), limit: 2))
        try await self.spend(stack, 2)
        #expect(self.cheap.callCount == 0)
        let context = RequestContext.testing(allowedModels: ["main"])
        let reply = try await stack.respond(to: self.request(1), context: context)
        #expect(reply.provider == "cheap")
        #expect(reply.budgetEffect?.downgradedBy == "b")
        #expect(context.request.attempts == 1, "what was refused was no attempt")
        #expect(self.dear.callCount == 2)
    }

    @Test("A group that is spent too refuses, and nobody goes round in circles")
    func circle() async throws {
        let stack = self.stack(self.rule(.downgrade("main"), limit: 1))
        try await self.spend(stack, 1)
        do {
            _ = try await stack.respond(to: self.request(1), context: .testing())
            Issue.record("it was answered")
        } catch {
            #expect(error.code == .budgetExceeded)
        }
    }

    @Test("A request waits for the next stretch, and no longer than it may")
    func queue() async throws {
        let stack = self.stack(self.rule(.queue(.seconds(60)), limit: 1))
        try await self.spend(stack, 1)
        let before = self.time.now
        _ = try await stack.respond(to: self.request(1), context: .testing())
        #expect(self.dear.callCount == 2)
        #expect(self.time.now > before, "it waited")
        let asleep = self.time.sleeps.count
        let late = RequestContext.testing(deadline: self.time.now.advanced(by: .milliseconds(1)))
        await #expect(throws: NeedletailError.self) { try await stack.respond(to: self.request(1), context: late) }
        #expect(self.time.sleeps.count == asleep, "the request's time is over before the budget's next stretch")
    }

    @Test("What no stretch covers, and what comes too late, does not wait")
    func hopeless() async throws {
        let stack = self.stack(self.rule(.queue(.seconds(60)), limit: 1))
        await #expect(throws: NeedletailError.self) {
            try await stack.respond(to: self.request(5), context: .testing())
        }
        let daily = self.stack(self.rule(.queue(.seconds(1)), limit: 1, .day))
        try await self.spend(daily, 1)
        await #expect(throws: NeedletailError.self) {
            try await daily.respond(to: self.request(1), context: .testing())
        }
        #expect(self.time.sleeps.isEmpty)
    }

    @Test(
        "Requests of one key that wait leave the others their places, and all together have an end",
        arguments: [(1, 100, 64), (2, 100, 128), (20, 64, 1_024)])
    func crowd(keys: Int, each: Int, answered: Int) {
        let executor = VirtualExecutor()
        let time = executor.time
        let refusal = BudgetRefusal(self.rule(.queue(.seconds(60)), limit: 1), left: 0, needed: 1, now: 0)
        let (rounds, replies) = (Notes<Int>(), Notes<String>())
        let provider = FunctionProvider("dear") { (_, _) throws(NeedletailError) in
            // There is money again at the end of each round's minute.
            guard time.now() >= Instant(nanoseconds: Int64(rounds.all.count) * 60_000_000_000) else {
                throw NeedletailError(.budgetExceeded, "It is spent.", cause: refusal)
            }
            return wholeReply()
        }
        let directory = ModelDirectory(groups: [:], upstreams: [:], defaultGroup: nil)
        let layer = BudgetExhaustionLayer(provider, directory: directory, time: time)
        let ending = executor.run {
            // Who has waited has given its place back.
            for round in 1...2 {
                rounds.add(round)
                await withTaskGroup(of: Void.self) { group in
                    for index in 0..<(keys * each) {
                        let name = "key \(index / each)"
                        group.addTask {
                            let reply = try? await layer.respond(
                                to: .sample("main"), context: .testing(keyName: name))
                            if reply != nil { replies.add(name) }
                        }
                    }
                }
            }
        }
        #expect(ending == .finished)
        #expect(replies.all.count == 2 * answered)
        #expect(executor.now == Instant(nanoseconds: 120_000_000_000))
    }

    // MARK: One call

    @Test("Output is clamped to what is left where the operator allows it, and only then", arguments: [true, false])
    func clamp(isAllowed: Bool) async throws {
        let keeper = self.keeper([
            BudgetRule(name: "b", limit: 100, window: BudgetWindow(.total), clamps: isAllowed),
            BudgetRule(name: "t", unit: .tokens, limit: 70, window: BudgetWindow(.total), clamps: isAllowed),
        ])
        let meter = self.meter(self.dear, keeper)
        var request = self.request(400)
        request.choices = 2
        guard isAllowed else {
            await #expect(throws: NeedletailError.self) { try await meter.respond(to: request, context: .testing()) }
            return
        }
        let reply = try await meter.respond(to: request, context: .testing())
        #expect(reply.budgetEffect?.maximumOutput == 35, "70 tokens for two answers")
        #expect(self.dear.requests.first?.maxOutputTokens == 35)
        #expect(self.dear.requests.first?.isOutputClamped == true)
        #expect(keeper.outstanding("b").held == 0 && keeper.outstanding("t").waiting == 1)
        let whole = try await meter.respond(to: self.request(10), context: .testing())
        #expect(whole.budgetEffect == nil)
    }

    @Test("Calls of one request beside each other keep its own bound together")
    func maximumCost() async throws {
        let info = RequestInfo(
            id: "r", maximumCost: Money(picodollars: 100), logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
        #expect(info.cost.reserve(Money(picodollars: 60), within: Money(picodollars: 100)))
        let meter = MeteringLayer(
            self.dear, tariff: MeteringLayer.Tariff { _ in PricedModel(price: Self.price) }, time: self.time.source)
        await #expect(throws: NeedletailError.self) {
            try await meter.respond(to: self.request(50), context: RequestContext(info))
        }
        info.cost.release(Money(picodollars: 60))
        _ = try await meter.respond(to: self.request(50), context: RequestContext(info))
        #expect(info.cost.value?.amount == Money(picodollars: 1))
        #expect(info.cost.reserve(Money(picodollars: 99), within: Money(picodollars: 100)), "nothing stays reserved")
    }

    // MARK: Streams beyond their hold

    private func text(_ stream: ReplyStream) async -> (chunks: Int, error: NeedletailError?) {
        var chunks = stream.makeAsyncIterator()
        var count = 0
        do throws(NeedletailError) {
            while try await chunks.next() != nil { count += 1 }
            return (count, nil)
        } catch {
            return (count, error)
        }
    }

    @Test("A stream whose usage is dearer than its hold is cut once its last words are over", arguments: [0, 2, 3, 40])
    func cutByUsage(after: Int) async throws {
        let keeper = self.keeper([BudgetRule(name: "b", limit: 1_000, window: BudgetWindow(.total))])
        let provider = FunctionProvider("dear") { (_, _) throws(NeedletailError) in
            let ending = StreamEnding()
            ending.setUsage(Usage(outputTokens: 11))
            let reader = Endless(count: after)
            return InferenceReply(
                provider: "dear", model: "m",
                body: .stream(ReplyStream(dialect: .openAIChat, ending: ending, reader: reader)))
        }
        let reply = try await self.meter(provider, keeper).respond(to: self.request(10), context: .testing())
        guard case .stream(let stream) = reply.body else { return #expect(Bool(false), "it is no stream") }
        let (chunks, error) = await self.text(stream)
        #expect(chunks == min(after, 2))
        #expect(error?.code == (after > 2 ? .budgetExceeded : nil))
        // Booked in full, whatever was held.
        #expect(keeper.outstanding("b").waiting == 11)
        #expect(keeper.outstanding("b").held == 0)
    }

    @Test("A stream that is far longer than its bound is cut without having told anything", arguments: [1, 4_000])
    func cutByText(bytes: Int) async throws {
        let keeper = self.keeper([BudgetRule(name: "b", limit: 1_000_000, window: BudgetWindow(.total))])
        let provider = FunctionProvider("dear") { (_, _) throws(NeedletailError) in
            InferenceReply(
                provider: "dear", model: "m",
                body: .stream(ReplyStream(dialect: .openAIChat, reader: Endless(count: 1_000, bytes: bytes))))
        }
        let meter = MeteringLayer(
            provider, tariff: MeteringLayer.Tariff { _ in PricedModel(price: Self.price) }, budgets: keeper,
            decoders: { _ in TextBytes() }, time: self.time.source)
        let reply = try await meter.respond(to: self.request(10), context: .testing())
        guard case .stream(let stream) = reply.body else { return #expect(Bool(false), "it is no stream") }
        let (chunks, error) = await self.text(stream)
        #expect((error?.code == .budgetExceeded) == (bytes > 1))
        #expect(bytes > 1 ? chunks < 10 : chunks == 1_000, "\(chunks)")
        #expect(keeper.outstanding("b").waiting >= 10)
    }

    /// Takes all bytes for text.
    private struct TextBytes: StreamDecoder {
        var unread = UnreadMembers()
        var isComplete: Bool { false }
        mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
            events.append(.text(String(buffer: chunk), choice: 0))
        }
        mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError) {}
        mutating func salvage(into events: inout [ChatEvent]) -> Bool { false }
    }

    /// Many chunks.
    private final class Endless: ReplyReader {
        private var left: Int
        private let chunk: ByteBuffer

        init(count: Int, bytes: Int = 1) {
            self.left = count
            self.chunk = ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes)
        }

        func next() async throws(NeedletailError) -> ByteBuffer? {
            guard self.left > 0 else { return nil }
            self.left -= 1
            return self.chunk
        }
    }
}
