public import NeedletailCore

/// The prices that are known without asking anybody: what providers listed on the day of ``date``.
public enum PriceCatalogue {
    /// Which list it is, as the ledger notes it.
    public static var version: String { self.date }

    /// The price of a model as one type of provider serves it; `nil` for unknown, which is not zero.
    public static func price(type: String, model: String) -> Price? {
        SortedLines(self.rates).line(of: type, model).flatMap { PriceLine.read($0) }
    }

    /// Every price of one type, in the order of the models' names.
    public static func prices(type: String) -> [(model: String, price: Price)] {
        SortedLines(self.rates).lines(of: type).compactMap { entry in
            PriceLine.read(entry.rest).map { (entry.model, $0) }
        }
    }

    /// The types that have prices, with every model.
    public static var all: [(type: String, model: String, price: Price)] {
        ProviderSpec.all.flatMap { spec in
            self.prices(type: spec.type).map { (spec.type, $0.model, $0.price) }
        }
    }

    /// The page that the source with a number stands for.
    static func source(_ number: Int) -> String {
        let lines = self.sources.description.split(separator: "\n")
        return lines.indices.contains(number) ? String(lines[number]) : ""
    }
}
