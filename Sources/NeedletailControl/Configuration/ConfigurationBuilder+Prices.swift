import NeedletailCore
import NeedletailProviders

extension ConfigurationBuilder {
    /// Reads `prices:`. Rates of tokens are dollars for a million.
    mutating func prices(_ node: ConfigurationNode?, _ providers: [ProviderConfiguration]) -> PriceConfiguration {
        var prices = PriceConfiguration()
        guard let node else { return prices }
        if node.text("unknown") == "allow" { prices.unknown = .allow }
        if let ceiling = node["unknown"]?.money("per_call") { prices.unknown = .perCall(ceiling) }
        for entry in node["models"]?.entries ?? [] {
            guard case .mapping = entry.value.content else { continue }
            self.check(entry, providers)
            prices.statements.append(self.statement(entry))
        }
        if let file = node["file"] { self.readPrices(file, providers, into: &prices) }
        return prices
    }

    /// No list of prices is longer.
    static let priceFileLimit = 16 << 20

    /// Reads a file of prices, whose faults are told with its own lines.
    private mutating func readPrices(
        _ node: ConfigurationNode, _ providers: [ProviderConfiguration], into prices: inout PriceConfiguration
    ) {
        guard let name = node.scalar?.text, !name.isEmpty else { return }
        let text: String
        do { text = try self.secrets.files.read(self.secrets.path(name), Self.priceFileLimit) } catch {
            return self.faults.error(
                at: node.position, "'\(name)': \(error.problem)",
                "name a file as `needletail prices import` writes it; a relative path starts at this file's folder")
        }
        var reader = YAMLReader(file: name, environment: [:])
        guard let root = reader.read(text, into: &self.faults) else { return }
        var validator = SchemaValidator(types: self.types.all.map(\.name), faults: self.faults)
        validator.section(root, ConfigurationSchema.priceFile, path: "")
        self.faults = validator.faults
        for entry in root["models"]?.entries ?? [] {
            guard case .mapping = entry.value.content else { continue }
            self.check(entry, providers)
            prices.statements.append(self.statement(entry))
        }
    }

    private mutating func statement(_ entry: ConfigurationNode.Entry) -> PriceBook.Statement {
        let node = entry.value
        var statement = PriceBook.Statement(
            pattern: entry.key, sameAs: node.text("same_as"), isFree: node.bool("free") ?? false,
            discount: node.millionths("discount"))
        for kind in PriceKind.allCases {
            guard let money = node.money(kind.name) else { continue }
            let (rate, rest) = money.picodollars.quotientAndRemainder(dividingBy: kind.isToken ? 1_000_000 : 1)
            if rest != 0 || rate > Int128(PriceRates.maximum) {
                self.faults.error(
                    at: node[kind.name]?.position ?? entry.position,
                    "'\(kind.name)' of '\(entry.key)' is \(rest != 0 ? "finer than can be counted" : "too much")",
                    kind.isToken
                        ? "write dollars for a million tokens with at most six places" : "write dollars for one"
                )
            } else {
                statement.rates[kind] = Int64(rate)
            }
        }
        if let same = statement.sameAs, PriceBook.listed(same) == nil {
            self.faults.error(
                at: node["same_as"]?.position ?? entry.position,
                "the catalogue has no price of '\(same)'",
                "write type/model, for example one of `needletail prices show`"
            )
        }
        if let cached = statement.rates[.cachedInput], let input = statement.rates[.input], cached > input {
            self.faults.error(
                at: node[PriceKind.cachedInput.name]?.position ?? entry.position,
                "a cached token of '\(entry.key)' costs more than another",
                "write at most the price of input"
            )
        }
        if node.entries.isEmpty || statement.isFree && !statement.rates.isEmpty {
            self.faults.error(
                at: entry.position,
                node.entries.isEmpty
                    ? "the price of '\(entry.key)' says nothing" : "'\(entry.key)' is free and has rates",
                "write { input: 0.50, output: 2.00 } in dollars for a million tokens, or { free: true }"
            )
        }
        return statement
    }

    /// A pattern that names a provider must name one that there is.
    private mutating func check(_ entry: ConfigurationNode.Entry, _ providers: [ProviderConfiguration]) {
        if entry.key.dropLast().contains("*") {
            self.faults.error(
                at: entry.position, "'\(entry.key)' has a '*' that is not at its end", "write provider/model or model*")
        }
    }
}
