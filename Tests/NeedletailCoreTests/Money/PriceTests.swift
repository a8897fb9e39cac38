import NeedletailCore
import Testing

/// Arithmetic of prices, on a price that has everything.
@Suite("Prices")
struct PriceTests {
    static let full = Price(
        Price.Schedule(
            PriceRates([
                .input: 1_000, .output: 8_000, .cachedInput: 100, .cacheWrite: 1_250, .cacheWrite1h: 2_000,
                .reasoning: 9_000, .audioInput: 10_000, .audioOutput: 20_000, .imageInput: 3_000,
                .imageOutput: 30_000, .image: 7_000_000, .request: 5_000_000, .search: 10_000_000,
            ]),
            others: [
                .batch: PriceRates([.input: 500, .output: 4_000, .cachedInput: 50]),
                .priority: PriceRates([.input: 2_000, .output: 16_000, .cachedInput: 200]),
            ]),
        tiers: [
            Price.Tier(
                above: 1_000,
                Price.Schedule(
                    PriceRates([.input: 2_000, .output: 12_000, .cachedInput: 200]),
                    others: [.batch: PriceRates([.input: 1_000, .output: 6_000])]))
        ])

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var change: @Sendable (inout Usage) -> Void
        var expected: Int128
        var testDescription: String { self.name }
    }

    /// Each beside 100 input and 10 output tokens: 100 × 1000 + 10 × 8000 + the request's 5 000 000 = 5 180 000.
    static let rows: [Row] = [
        Row(name: "plain", change: { _ in }, expected: 5_180_000),
        Row(name: "40 cached", change: { $0.cachedInputTokens = 40 }, expected: 5_180_000 - 40 * 900),
        Row(name: "40 written", change: { $0.cacheWriteTokens = 40 }, expected: 5_180_000 + 40 * 250),
        Row(
            name: "40 written, 10 for an hour",
            change: {
                $0.cacheWriteTokens = 40
                $0.cacheWrite1hTokens = 10
            }, expected: 5_180_000 + 30 * 250 + 10 * 1_000),
        Row(name: "4 of reasoning", change: { $0.reasoningTokens = 4 }, expected: 5_180_000 + 4 * 1_000),
        Row(name: "5 of sound in", change: { $0.audioInputTokens = 5 }, expected: 5_180_000 + 5 * 9_000),
        Row(name: "5 of sound out", change: { $0.audioOutputTokens = 5 }, expected: 5_180_000 + 5 * 12_000),
        Row(name: "6 of pictures in", change: { $0.imageInputTokens = 6 }, expected: 5_180_000 + 6 * 2_000),
        Row(name: "6 of pictures out", change: { $0.imageOutputTokens = 6 }, expected: 5_180_000 + 6 * 22_000),
        Row(name: "2 pictures", change: { $0.images = 2 }, expected: 5_180_000 + 14_000_000),
        Row(name: "3 searches", change: { $0.webSearches = 3 }, expected: 5_180_000 + 30_000_000),
        Row(name: "batch", change: { $0.serviceTier = .batch }, expected: 5_090_000),
        Row(name: "priority", change: { $0.serviceTier = .priority }, expected: 5_360_000),
        Row(name: "just short", change: { $0.inputTokens = 1_000 }, expected: 5_000_000 + 1_000_000 + 80_000),
        Row(name: "long", change: { $0.inputTokens = 1_001 }, expected: 5_000_000 + 2_002_000 + 120_000),
        Row(
            name: "long batch",
            change: {
                $0.inputTokens = 1_001
                $0.serviceTier = .batch
            }, expected: 5_000_000 + 1_001_000 + 60_000),
        Row(
            name: "more cached than there is", change: { $0.cachedInputTokens = 1_000 },
            expected: 5_000_000 + 100 * 100 + 80_000),
        Row(name: "counts below zero", change: { $0.outputTokens = -5 }, expected: 5_100_000),
    ]

    @Test("Every kind of unit", arguments: Self.rows)
    func kinds(row: Row) throws {
        var usage = Usage(inputTokens: 100, outputTokens: 10)
        row.change(&usage)
        let cost = try #require(Self.full.cost(of: usage))
        #expect(cost.amount.picodollars == row.expected)
        #expect(cost.accuracy == .exact)
    }

    @Test("A discount is rounded up to a whole pico-dollar, never below what is owed")
    func discount() throws {
        var price = Price(Price.Schedule(PriceRates([.input: 1, .output: 1])))
        for (discount, tokens, expected) in [
            (100_000, 10, 9), (100_000, 11, 10), (333_333, 3, 3), (1_000_000, 7, 0), (0, 7, 7),
        ] as [(Int64, Int, Int128)] {
            price.discount = discount
            #expect(price.cost(of: Usage(inputTokens: tokens))?.amount.picodollars == expected)
        }
    }

    @Test("Unknown is not zero")
    func unknown() {
        let input = Price(Price.Schedule(PriceRates([.input: 1_000])))
        #expect(input.cost(of: Usage(inputTokens: 5, outputTokens: 1)) == nil)
        #expect(input.cost(of: Usage(inputTokens: 5))?.amount.picodollars == 5_000)
        var searched = Usage(inputTokens: 5)
        searched.webSearches = 1
        #expect(input.cost(of: searched) == nil)
        #expect(input.worstCase(inputTokens: 5, outputTokens: 1) == nil)
        #expect(Price(Price.Schedule()).cost(of: Usage(inputTokens: 1)) == nil)
    }

    @Test("A service tier without rates of its own is an estimate, and so is a price of somebody else's")
    func doubt() {
        var usage = Usage(inputTokens: 100)
        usage.serviceTier = .flex
        #expect(Self.full.cost(of: usage)?.accuracy == .estimated)
        var borrowed = Self.full
        borrowed.isBorrowed = true
        #expect(borrowed.cost(of: Usage(inputTokens: 1))?.accuracy == .estimated)
    }

    @Test(
        "Cheaper hours hold from their first minute up to their last, on their days, in UTC",
        arguments: [
            // 2026-11-16 is a Monday.
            (1_794_787_200, 500), (1_794_787_200 - 1, 1_000), (1_794_787_200 + 3_599, 500),
            (1_794_787_200 + 3_600, 1_000), (1_794_787_200 + 5 * 86_400, 1_000),
        ] as [(Int64, Int128)])
    func hours(at: Int64, expected: Int128) {
        let price = Price(
            Price.Schedule(PriceRates([.input: 1_000])),
            offPeak: Price.OffPeak(
                windows: [PriceWindow(days: 0b1_1111, minutes: [960..<1_020])], rates: PriceRates([.input: 500])))
        // 16:00 UTC of that Monday.
        let shift: Int64 = 16 * 3_600 - (1_794_787_200 % 86_400)
        #expect(price.cost(of: Usage(inputTokens: 1), at: at + shift)?.amount.picodollars == expected)
    }

    @Test("Absurd counts neither trap nor wrap")
    func absurd() throws {
        var price = Price(Price.Schedule(PriceRates([.input: PriceRates.maximum, .output: PriceRates.maximum])))
        price.discount = 1
        let cost = try #require(price.cost(of: Usage(inputTokens: .max, outputTokens: .max)))
        #expect(cost.amount > .zero)
        #expect(try #require(price.worstCase(inputTokens: .max, outputTokens: .max)) >= cost.amount)
    }
}
