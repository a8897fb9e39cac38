public import NeedletailCore
import Synchronization

/// The prices that hold for the configured providers: what the operator says of them, else the catalogue, less the
/// operator's discounts.
///
/// Built once per configuration. Answers are remembered, since clients ask for few models and often.
public final class PriceBook: Sendable {
    /// What the operator says of prices. Statements are asked in their order; the first whose pattern fits counts.
    public struct Statement: Sendable, Hashable {
        /// `provider/model`, `type/model`, or `model` for every provider; `*` at the end stands for any rest.
        public var pattern: String
        /// Rates that replace those of the catalogue, kind by kind.
        public var rates: PriceRates
        /// A model of the catalogue with the same price, as `type/model`.
        public var sameAs: String?
        /// Everything for nothing.
        public var isFree: Bool
        /// In millionths.
        public var discount: Int64?

        /// Creates a statement.
        public init(
            pattern: String,
            rates: PriceRates = PriceRates(),
            sameAs: String? = nil,
            isFree: Bool = false,
            discount: Int64? = nil
        ) {
            self.pattern = pattern
            self.rates = rates
            self.sameAs = sameAs
            self.isFree = isFree
            self.discount = discount
        }
    }

    /// What a client may make the book remember; beyond it answers are looked up anew.
    static let maximumRemembered = 4_096

    private struct Question: Hashable {
        var provider: ProviderID
        var model: String
    }

    private let types: [ProviderID: ProviderSpec]
    private let discounts: [ProviderID: Int64]
    private let statements: [Statement]
    private let outputLimit: @Sendable (ProviderID, String) -> Int?
    private let remembered = Mutex<[Question: PricedModel]>([:])

    /// Creates a book.
    ///
    /// - Parameters:
    ///   - types: What each provider is.
    ///   - statements: What the operator says of models.
    ///   - discounts: What the operator has off with a provider, in millionths.
    ///   - outputLimit: The most output tokens of a model at a provider; `nil` for unknown.
    public init(
        types: [ProviderID: ProviderSpec], statements: [Statement] = [], discounts: [ProviderID: Int64] = [:],
        outputLimit: @escaping @Sendable (ProviderID, String) -> Int? = { _, _ in nil }
    ) {
        self.types = types
        self.statements = statements
        self.discounts = discounts
        self.outputLimit = outputLimit
    }

    /// The price of a model at a provider; `nil` for unknown.
    public func price(provider: ProviderID, model: String) -> Price? {
        self.model(model, at: provider).price
    }

    /// What is known of a model at a provider.
    public func model(_ model: String, at provider: ProviderID) -> PricedModel {
        let question = Question(provider: provider, model: model)
        if let known = self.remembered.withLock({ $0[question] }) { return known }
        let found = PricedModel(
            price: self.look(provider, model), outputLimit: self.outputLimit(provider, model),
            imageTokens: ImageTokens.most(model))
        self.remembered.withLock { remembered in
            if remembered.count < Self.maximumRemembered { remembered[question] = found }
        }
        return found
    }

    private func look(_ provider: ProviderID, _ model: String) -> Price? {
        let full = "\(provider)/\(model)"
        let listed = self.types[provider].map { "\($0.type)/\(model)" }
        let statement = self.statements.first { statement in
            Self.fits(statement.pattern, full) || Self.fits(statement.pattern, model)
                || listed.map { Self.fits(statement.pattern, $0) } ?? false
        }
        var price = self.listed(provider, model)
        if let statement {
            if statement.isFree { price = .free }
            if let same = statement.sameAs { price = Self.listed(same) ?? price }
            if !statement.rates.isEmpty { price = Self.replacing(statement.rates, in: price) }
        }
        price?.discount = statement?.discount ?? self.discounts[provider] ?? 0
        return price
    }

    private func listed(_ provider: ProviderID, _ model: String) -> Price? {
        guard let spec = self.types[provider] else { return nil }
        switch spec.billing {
        case .own: return PriceCatalogue.price(type: spec.type, model: model)
        case .nothing: return .free
        case .like(let type):
            var price = PriceCatalogue.price(type: type, model: model)
            price?.isBorrowed = true
            return price
        }
    }

    /// The catalogue's price of `type/model`.
    public static func listed(_ reference: String) -> Price? {
        let parts = reference.split(separator: "/", maxSplits: 1)
        return parts.count == 2 ? PriceCatalogue.price(type: String(parts[0]), model: String(parts[1])) : nil
    }

    /// A price in which the operator's rates stand for the provider's. What the provider has by length, hour or service
    /// tier of such a kind no longer holds: the operator's rate is the rate.
    private static func replacing(_ rates: PriceRates, in price: Price?) -> Price {
        guard var price, !price.isBorrowed else {
            return Price(Price.Schedule(rates), source: "prices", date: PriceCatalogue.date)
        }
        let replaced = Set(rates.known.map(\.kind))
        func without(_ old: PriceRates) -> PriceRates {
            PriceRates(
                Dictionary(
                    uniqueKeysWithValues: old.known.filter { !replaced.contains($0.kind) }.map { ($0.kind, $0.rate) }))
        }
        price.base = Price.Schedule(
            rates.filled(from: price.base.standard), others: price.base.others.mapValues(without))
        price.tiers = price.tiers.map { tier in
            Price.Tier(
                above: tier.above,
                Price.Schedule(without(tier.schedule.standard), others: tier.schedule.others.mapValues(without)))
        }
        price.offPeak = price.offPeak.map { Price.OffPeak(windows: $0.windows, rates: without($0.rates)) }
        price.source = "prices"
        return price
    }

    private static func fits(_ pattern: String, _ name: String) -> Bool {
        pattern.last == "*" ? name.hasPrefix(pattern.dropLast()) : pattern == name
    }
}
