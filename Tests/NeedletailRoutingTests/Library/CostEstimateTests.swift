import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Cost estimates")
struct CostEstimateTests {
    private static let price = Price(
        Price.Schedule(PriceRates([.input: 3_000_000, .output: 15_000_000, .cachedInput: 300_000])))

    private static func request(input: Int, output: Int?) -> InferenceRequest {
        var request = InferenceRequest.sample()
        request.estimatedInputTokens = input
        request.maxOutputTokens = output
        return request
    }

    @Test("what a call costs lies between least and most, whatever of the bounds it uses", arguments: 0..<200)
    func between(seed: Int) throws {
        var random = RandomSource.Generator(.seeded(UInt64(seed)))
        let (estimate, output) = (Int.random(in: 1...50_000, using: &random), Int.random(in: 1...8_000, using: &random))
        let cost = CostEstimate(
            Self.request(input: estimate, output: output), provider: "p", model: "m",
            PricedModel(price: Self.price))
        let (least, most) = (try #require(cost.least), try #require(cost.most))
        // A token has at most six bytes and at least one.
        let input = Int.random(in: max(1, estimate / 2)...estimate * 3, using: &random)
        var usage = Usage(inputTokens: input, outputTokens: Int.random(in: 1...output, using: &random))
        usage.cachedInputTokens = Int.random(in: 0...input, using: &random)
        let real = try #require(Self.price.cost(of: usage)?.amount)
        #expect(least <= real && real <= most)
    }

    @Test("an unknown price is unknown, not zero, and comes last")
    func unknown() {
        let request = Self.request(input: 100, output: 10)
        let known = CostEstimate(request, provider: "p", model: "m", PricedModel(price: Self.price))
        let free = CostEstimate(request, provider: "f", model: "m", PricedModel(price: .free))
        let unknown = CostEstimate(request, provider: "a", model: "m", PricedModel(price: nil))
        #expect(unknown.least == nil && unknown.most == nil)
        #expect(free.least == .zero && free.most == .zero)
        #expect([unknown, known, free].sorted().map(\.provider) == ["f", "p", "a"])
    }

    @Test("a router's targets and a registry's providers, each by its own model and price")
    func places() throws {
        let time = JumpingTime().source
        let provider = TimedProvider("p", time: time)
        let profile = ProviderProfile(models: ["m", "n"], price: { PricedModel(price: $0 == "m" ? Self.price : nil) })
        let router = try FailoverGroup(
            "g",
            members: [
                .provider(provider, model: "n", profile: profile), .provider(provider, model: "m", profile: profile),
            ]
        ).makeRouter(time: time, random: .seeded(1))
        let request = Self.request(input: 100, output: 10)
        #expect(router.estimateCosts(request).map(\.model) == ["m", "n"])
        #expect(router.estimateCosts(request)[1].most == nil)
        let registry = ProviderRegistry(time: time)
        try registry.register(provider, profile: profile)
        try registry.register(TimedProvider("q", time: time))
        #expect(registry.estimateCosts(request).map(\.provider) == ["p", "q"])
        #expect(registry.estimateCosts(request, models: ["*"]).map(\.model) == ["m", "n"])
        let simple = Router(
            id: "s", targets: [Target(provider, price: .perToken(input: 1, output: 10))], balancer: .priority,
            time: time,
            random: .seeded(1))
        // Three bytes a token in the estimate, one in the bound.
        #expect(simple.estimateCosts(request).map(\.most) == [Money(picodollars: 400)])
    }
}
