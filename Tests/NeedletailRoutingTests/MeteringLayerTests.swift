import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Metering")
struct MeteringLayerTests {
    static let price = Price(Price.Schedule(PriceRates([.input: 1_000, .output: 2_000])))

    private static func usage(_ input: Int, _ output: Int) -> Usage { Usage(inputTokens: input, outputTokens: output) }

    @Test("What a finished call used is exact; what broke counts its output as the bound")
    func outcomes() {
        let bound = CallBound(inputTokens: 100, outputTokens: 50)
        let broken = NeedletailError(.unreachable, "")
        let rows: [(Outcome, Int128, Cost.Accuracy)] = [
            (Outcome(.finished, usage: Self.usage(10, 5)), 20_000, .exact),
            (Outcome(.finished), 200_000, .estimated),
            (Outcome(.failed(broken), usage: Self.usage(10, 5)), 110_000, .providerPartial),
            (Outcome(.abandoned, usage: Self.usage(10, 5)), 110_000, .providerPartial),
            (Outcome(.abandoned, usage: Self.usage(10, 70)), 150_000, .providerPartial),
            (Outcome(.abandoned), 200_000, .estimated),
        ]
        for (outcome, expected, accuracy) in rows {
            let cost = bound.cost(Self.price, outcome, at: 0)
            #expect(cost == Cost(Money(picodollars: expected), accuracy), "\(outcome.end)")
        }
    }

    @Test("pictures that are more than the estimate allows for are held")
    func pictures() {
        var request = InferenceRequest.sample()
        request.images = 2
        let usual = CallBound(request, modelLimit: 10)
        let more = CallBound(request, modelLimit: 10, imageTokens: 48_169)
        #expect(more.inputTokens == usual.inputTokens + 2 * 48_169 && more.outputTokens == usual.outputTokens)
    }

    @Test("Searches that a provider may run are held for, and counted where a call ends before it tells of them")
    func searches() {
        let price = Price(Price.Schedule(PriceRates([.input: 1_000, .output: 2_000, .search: 1_000_000])))
        let bound = CallBound(inputTokens: 100, outputTokens: 50, searches: 3)
        #expect(bound.worstCase(price) == Money(picodollars: 3_200_000))
        #expect(bound.worstCase(Self.price) == Money(picodollars: 200_000))
        let left = bound.cost(price, Outcome(.abandoned, usage: Self.usage(10, 5)), at: 0)
        #expect(left == Cost(Money(picodollars: 3_110_000), .providerPartial))
        #expect(bound.cost(Self.price, Outcome(.abandoned, usage: Self.usage(10, 5)), at: 0) != nil)
        let ended = bound.cost(price, Outcome(.finished, usage: Self.usage(10, 5)), at: 0)
        #expect(ended == Cost(Money(picodollars: 20_000), .exact))
    }

    @Test("What a provider refused, and what never reached it, is not billed")
    func billed() {
        let refused = NeedletailError(.upstreamFailed, "", upstream: .init(status: 500))
        #expect(!CallBound.mayBeBilled(refused, wasSent: true))
        #expect(!CallBound.mayBeBilled(NeedletailError(.unreachable, ""), wasSent: true))
        let lost = NeedletailError(.timedOut, "", mayHaveBeenProcessed: true)
        #expect(CallBound.mayBeBilled(lost, wasSent: true))
        #expect(!CallBound.mayBeBilled(lost, wasSent: false))
        #expect(CallBound.mayBeBilled(NeedletailError(.cancelled, ""), wasSent: true))
    }

    @Test("A bound counts every answer, every byte and the hidden prompt of tools")
    func bounds() {
        var request = InferenceRequest(
            operation: .chat, model: "m", maxOutputTokens: 10, estimatedInputTokens: 7,
            body: .wire(WireBody(dialect: .openAIChat, bytes: ByteBuffer()), BodyLandmarks()), replyDialect: .openAIChat
        )
        request.choices = 4
        #expect(CallBound(request, modelLimit: 5) == CallBound(inputTokens: 21, outputTokens: 40))
        request.maxOutputTokens = nil
        request.choices = 1
        request.features = .tools
        let bound = CallBound(request, modelLimit: 5)
        #expect(bound == CallBound(inputTokens: 21 + CallBound.hiddenTokens, outputTokens: 5, features: .tools))
        #expect(CallBound(request, modelLimit: nil).outputTokens == CallBound.unlimitedOutput)
        request.operation = .embeddings
        #expect(CallBound(request, modelLimit: nil).outputTokens == 0)
        request.operation = .chat
        request.choices = .max
        request.maxOutputTokens = .max
        #expect(CallBound(request, modelLimit: nil).outputTokens == Price.maximumUnits)
    }
}
