import NeedletailCore
import Testing

@Suite("Money")
struct MoneyTests {
    @Test(
        "Decimal text is read exactly",
        arguments: [
            ("10.00", 10_000_000_000_000), ("0.000000000001", 1), ("5", 5_000_000_000_000),
            ("0.0000005", 500_000), ("9223372036854", 9_223_372_036_854_000_000_000_000),
        ] as [(String, Int128)])
    func reading(text: String, picodollars: Int128) {
        #expect(Money(text)?.picodollars == picodollars)
    }

    @Test(
        "What is no money",
        arguments: ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "$5", "0.0000000000001", "1.2.3", " 1"])
    func refusing(text: String) {
        #expect(Money(text) == nil)
    }

    @Test(
        "It is written with all places that count, and read again",
        arguments: [
            (10_000_000_000_000, "10.00"), (1, "0.000000000001"), (500_000, "0.0000005"), (0, "0.00"),
            (-1_500_000_000_000, "-1.50"), (-1, "-0.000000000001"),
        ] as [(Int128, String)])
    func writing(picodollars: Int128, text: String) {
        let money = Money(picodollars: picodollars)
        #expect(money.description == text)
        if picodollars >= 0 { #expect(Money(text) == money) }
    }

    @Test("Sums saturate instead of trapping")
    func saturation() {
        let most = Money(picodollars: .max)
        #expect(most + Money(picodollars: 1) == most)
        #expect(Money(picodollars: .min) - Money(picodollars: 1) == Money(picodollars: .min))
        #expect(Money(picodollars: 3) - Money(picodollars: 5) == Money(picodollars: -2))
    }
}
