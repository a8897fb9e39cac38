import NIOCore
public import NeedletailCore
import NeedletailProviders

/// What `needletail prices` shows.
public struct PriceReport: Sendable {
    /// One model's price.
    public struct Row: Sendable {
        /// `type/model` of the catalogue, or `provider/model` of a configuration.
        public var name: String
        /// The price that holds; `nil` for unknown.
        public var price: Price?
        /// What the catalogue says, where that is something else.
        public var listed: Price?
        /// Whether ``listed`` was looked at and is something else.
        public var differs: Bool
    }

    /// In the order of the names.
    public var rows: [Row]

    /// Creates a report.
    public init(rows: [Row]) {
        self.rows = rows
    }

    /// The catalogue's prices whose `type/model` holds a text.
    public static func catalogue(holding text: String) -> Self {
        Self(
            rows: PriceCatalogue.all.compactMap { entry in
                let name = "\(entry.type)/\(entry.model)"
                guard text.isEmpty || name.contains(text) else { return nil }
                return Row(name: name, price: entry.price, listed: nil, differs: false)
            })
    }

    /// The prices of every model that a configuration names.
    public static func configured(_ configuration: Configuration) -> Self {
        let book = PriceBook(configuration)
        var names: Set<String> = []
        var rows: [Row] = []
        for (provider, model) in Self.models(configuration) where names.insert("\(provider)/\(model)").inserted {
            let price = book.price(provider: ProviderID(provider), model: model)
            let type = configuration.provider(provider)?.type ?? ""
            let listed = PriceCatalogue.price(type: type, model: model)
            rows.append(Row(name: "\(provider)/\(model)", price: price, listed: listed, differs: price != listed))
        }
        return Self(rows: rows.sorted { $0.name < $1.name })
    }

    private static func models(_ configuration: Configuration) -> [(provider: String, model: String)] {
        var models: [(provider: String, model: String)] = []
        for provider in configuration.providers where provider.isEnabled {
            models += provider.models.filter { !$0.contains("*") }.map { (provider.name, $0) }
        }
        for group in configuration.groups + [configuration.defaultGroup].compactMap({ $0 }) where group.isEnabled {
            for target in group.targets {
                if case .provider(let provider, let model?) = target.destination { models.append((provider, model)) }
            }
        }
        for statement in configuration.prices.statements where !statement.pattern.contains("*") {
            let parts = statement.pattern.split(separator: "/", maxSplits: 1)
            if parts.count == 2, configuration.provider(String(parts[0])) != nil {
                models.append((String(parts[0]), String(parts[1])))
            }
        }
        return models
    }

    /// A price in one line, in dollars for a million tokens, or for one of what is no token.
    public static func text(_ price: Price?) -> String {
        guard let price else { return "unknown" }
        var words = [Self.text(price.base.standard)]
        for tier in ServiceTier.allCases {
            if let rates = price.base.others[tier] { words.append("\(tier.rawValue): \(Self.text(rates))") }
        }
        for tier in price.tiers { words.append("above \(tier.above): \(Self.text(tier.schedule.standard))") }
        if let offPeak = price.offPeak { words.append("off-peak: \(Self.text(offPeak.rates))") }
        if price.discount > 0 {
            words.append("discount \(Money(picodollars: Int128(price.discount) * 1_000_000).decimal(leastPlaces: 1))")
        }
        if price.isBorrowed { words.append("estimated: listed by another type") }
        return words.joined(separator: "; ")
    }

    private static func text(_ rates: PriceRates) -> String {
        rates.known.map { "\($0.kind.name) \(Self.amount($0.kind, $0.rate))" }.joined(separator: " ")
    }

    /// A rate as people write it.
    public static func amount(_ kind: PriceKind, _ rate: Int64) -> String {
        Money(picodollars: Int128(rate) * (kind.isToken ? 1_000_000 : 1)).description
    }

    /// The rows as JSON: `[{"name", "known", "source", "date", "usd_per_million" | "usd_each": {kind: "…"}, …}]`.
    public var json: String {
        var json = JSONWriter()
        json.beginArray()
        for row in self.rows {
            json.beginObject()
            json.member("name", row.name)
            json.key("known")
            json.bool(row.price != nil)
            if let price = row.price {
                json.member("source", price.source)
                json.member("date", price.date)
                json.key("rates")
                json.beginObject()
                for (kind, rate) in price.base.standard.known {
                    json.key(kind.name)
                    json.string(Self.amount(kind, rate))
                }
                json.endObject()
                json.member("text", Self.text(price))
            }
            json.endObject()
        }
        json.endArray()
        return String(buffer: json.bytes)
    }
}
