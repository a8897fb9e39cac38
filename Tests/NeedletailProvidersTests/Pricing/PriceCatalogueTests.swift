import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Price catalogue")
struct PriceCatalogueTests {
    @Test("At least 200 golden rows")
    func enough() {
        #expect(GoldenCosts.all.count >= 200)
    }

    @Test("Costs are exact to the pico-dollar", arguments: GoldenCosts.all)
    func golden(row: GoldenCosts.Row) throws {
        let price = try #require(PriceCatalogue.price(type: row.type, model: row.model))
        let cost = try #require(price.cost(of: row.usage))
        #expect(cost.amount.picodollars == row.expected)
    }

    @Test("Every line can be read and belongs to a type, and every lookup finds its line")
    func lines() {
        let lines = PriceCatalogue.rates.description.split(separator: "\n")
        let all = PriceCatalogue.all
        #expect(all.count == lines.count)
        for entry in all {
            #expect(PriceCatalogue.price(type: entry.type, model: entry.model) == entry.price, "\(entry.model)")
        }
        #expect(PriceCatalogue.price(type: "openai", model: "no-such-model") == nil)
        #expect(PriceCatalogue.price(type: "openai", model: "gpt-4o-mini i=1") == nil)
    }

    @Test("More tokens never cost less, and a cached token never more than another")
    func monotone() {
        let random = RandomSource.seeded(20_261_112)
        for entry in PriceCatalogue.all {
            let price = entry.price
            let edges = [0, 1, 500] + price.tiers.flatMap { [$0.above, $0.above + 1] } + [3_000_000]
            for service in [nil, .batch, .priority, .flex] as [ServiceTier?] {
                var last: Money?
                for input in edges.sorted() {
                    var usage = Usage(inputTokens: input, outputTokens: Int(random.next() % 5_000))
                    usage.outputTokens = price.base.standard[.output] == nil ? 0 : 1_000
                    usage.serviceTier = service
                    guard let plain = price.cost(of: usage)?.amount else { continue }
                    #expect(plain >= last ?? .zero, "\(entry.type) \(entry.model) at \(input)")
                    last = plain
                    usage.cachedInputTokens = input / 2
                    if let cached = price.cost(of: usage)?.amount {
                        #expect(cached <= plain, "\(entry.type) \(entry.model) cached")
                    }
                    usage.cachedInputTokens = nil
                    usage.outputTokens *= 2
                    if let more = price.cost(of: usage)?.amount { #expect(more >= plain) }
                }
            }
        }
    }

    @Test("No usage within the bounds costs more than the worst case")
    func worstCase() {
        let random = RandomSource.seeded(99)
        for entry in PriceCatalogue.all {
            for _ in 0..<8 {
                var usage = Usage(inputTokens: Int(random.next() % 400_000), outputTokens: Int(random.next() % 9_000))
                if entry.price.base.standard[.output] == nil { usage.outputTokens = 0 }
                usage.cachedInputTokens = Int(random.next() % 1_000)
                usage.cacheWriteTokens = Int(random.next() % 1_000)
                usage.cacheWrite1hTokens = Int(random.next() % 1_000)
                usage.reasoningTokens = Int(random.next() % 1_000)
                usage.serviceTier = ServiceTier.allCases[Int(random.next() % 4)]
                guard let cost = entry.price.cost(of: usage) else { continue }
                let worst = entry.price.worstCase(inputTokens: usage.inputTokens, outputTokens: usage.outputTokens)
                #expect(worst.map { $0 >= cost.amount } ?? false, "\(entry.type) \(entry.model)")
            }
        }
    }
}
