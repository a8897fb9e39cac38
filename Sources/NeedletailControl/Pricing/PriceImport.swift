import NIOCore
public import NeedletailCore
import NeedletailProviders

/// Makes a file of prices (`prices: file:`) of a list that somebody else keeps: LiteLLM's
/// (<https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json>), or one in our own form.
public struct PriceImport: Sendable {
    /// One model's rates.
    public struct Entry: Sendable {
        /// `type/model`, or `provider/model`.
        public var name: String
        /// In pico-dollars for one.
        public var rates: PriceRates
        /// What the catalogue says; `nil` for unknown.
        public var listed: Price?

        /// Whether it says anything else than the catalogue.
        public var isNews: Bool {
            guard let listed else { return true }
            return self.rates.known.contains { listed.base.standard[$0.kind] != $0.rate }
        }
    }

    /// What could be taken over, in order of the names.
    public private(set) var entries: [Entry] = []
    /// What could not, and why, by name.
    public private(set) var leftOut: [(name: String, reason: String)] = []

    /// Reads a list.
    ///
    /// - Parameters:
    ///   - text: JSON: LiteLLM's object of models, or `{"models": {NAME: {"input": "2.50", …}}}` in dollars for a million
    ///     tokens.
    ///   - onProgress: Told how much has been read, from 0 to 1, now and then.
    /// - Throws: `.invalidRequest` for what is neither.
    public init(_ text: String, onProgress: (Double) -> Void = { _ in }) throws(NeedletailError) {
        let root: JSONView
        do { root = try JSONDocument(ByteBuffer(string: text)).root } catch {
            throw NeedletailError(.invalidRequest, "This is not JSON: \(error).")
        }
        guard root.kind == .object else {
            throw NeedletailError(
                .invalidRequest, "This is no list of prices: it is not an object with a member for each model.")
        }
        let own = root.present("models")
        let members = (own ?? root).members
        let total = members.reduce(0) { count, _ in count + 1 }
        for (index, member) in members.enumerated() {
            if index % 16 == 0 { onProgress(Double(index) / Double(total)) }
            let name = member.key
            guard member.value.kind == .object, name != "sample_spec" else { continue }
            if own != nil { self.addOwn(name, member.value) } else { self.addLiteLLM(name, member.value) }
        }
        guard !self.entries.isEmpty || !self.leftOut.isEmpty else {
            throw NeedletailError(
                .invalidRequest,
                "This list has no prices: write LiteLLM's model_prices_and_context_window.json or {\"models\": {NAME: {\"input\": …}}}."
            )
        }
        self.entries.sort { $0.name < $1.name }
        self.leftOut.sort { $0.name < $1.name }
    }

    // MARK: LiteLLM

    /// Our type behind LiteLLM's name of a provider: the same, or its first or last word (`NAME_ai`, `NAME-language-models`).
    private static func type(of provider: String) -> String? {
        let words = provider.split { $0 == "_" || $0 == "-" }.map(String.init)
        return ([provider] + words.prefix(1) + words.suffix(1)).first { ProviderSpec.named($0) != nil }
    }

    /// LiteLLM's members, in dollars for one.
    private static let members: [(name: String, kind: PriceKind)] = [
        ("input_cost_per_token", .input), ("output_cost_per_token", .output),
        ("cache_read_input_token_cost", .cachedInput), ("cache_creation_input_token_cost", .cacheWrite),
        ("cache_creation_input_token_cost_above_1hr", .cacheWrite1h),
        ("output_cost_per_reasoning_token", .reasoning), ("input_cost_per_audio_token", .audioInput),
        ("output_cost_per_audio_token", .audioOutput), ("input_cost_per_image_token", .imageInput),
        ("output_cost_per_image_token", .imageOutput), ("output_cost_per_image", .image),
        ("input_cost_per_request", .request),
    ]

    private mutating func addLiteLLM(_ name: String, _ view: JSONView) {
        guard let provider = view.present("litellm_provider")?.string else {
            return self.leave(name, "it names no litellm_provider")
        }
        guard let type = Self.type(of: provider) else { return self.leave(name, "there is no type '\(provider)' here") }
        // The model's name after the provider's, where that stands before it.
        var model = name[...]
        for prefix in [provider + "/", type + "/"] where model.hasPrefix(prefix) {
            model = model.dropFirst(prefix.count)
        }
        var rates = PriceRates()
        let values = Dictionary(view.members.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        for (member, kind) in Self.members {
            guard let value = values[member], !value.isNull else { continue }
            guard let rate = ScientificDecimal.scaled(value.text.description, by: 12), rate <= PriceRates.maximum else {
                return self.leave(name, "'\(member)' is no price")
            }
            rates[kind] = rate
        }
        // One rate would stand for all lengths, and the longer ones would be billed too low.
        if let tiered = values.keys.sorted().first(where: { $0.contains("_above_") && !$0.contains("above_1hr") }) {
            return self.leave(name, "'\(tiered)': rates by length cannot be said here")
        }
        self.add(name, "\(type)/\(model)", rates)
    }

    private mutating func addOwn(_ name: String, _ view: JSONView) {
        var rates = PriceRates()
        for member in view.members {
            guard let kind = PriceKind.allCases.first(where: { $0.name == member.key }) else {
                return self.leave(name, "there is no rate '\(member.key)'")
            }
            let text = member.value.string ?? member.value.text.description
            guard let rate = ScientificDecimal.scaled(text, by: kind.isToken ? 6 : 12), rate <= PriceRates.maximum
            else {
                return self.leave(name, "'\(member.key)' is no price")
            }
            rates[kind] = rate
        }
        self.add(name, name, rates)
    }

    private mutating func add(_ name: String, _ place: String, _ rates: PriceRates) {
        guard !rates.isEmpty else { return self.leave(name, "it has no rates") }
        if let cached = rates[.cachedInput], let input = rates[.input], cached > input {
            return self.leave(name, "a cached token costs more than another")
        }
        guard !place.contains("*") else { return self.leave(name, "its name has a '*'") }
        self.entries.append(Entry(name: place, rates: rates, listed: PriceBook.listed(place)))
    }

    private mutating func leave(_ name: String, _ reason: String) { self.leftOut.append((name, reason)) }

    // MARK: Writing

    /// The file that `prices: file:` takes.
    ///
    /// - Parameter isNewsOnly: Whether what the catalogue has just so is left out.
    public func file(isNewsOnly: Bool) -> String {
        var seen: Set<String> = []
        let lines = self.entries.filter { (!isNewsOnly || $0.isNews) && seen.insert($0.name).inserted }.map { entry in
            let rates = entry.rates.known.map { "\($0.kind.name): \(PriceReport.amount($0.kind, $0.rate))" }
            return "  \(JSONText(string: entry.name)): { \(rates.joined(separator: ", ")) }\n"
        }
        return "# Dollars for a million tokens; for one request, search or image.\nmodels:"
            + (lines.isEmpty ? " {}\n" : "\n" + lines.joined())
    }

    /// What it says otherwise than the catalogue.
    public var report: PriceReport {
        PriceReport(
            rows: self.entries.filter(\.isNews).map { entry in
                PriceReport.Row(
                    name: entry.name, price: Price(Price.Schedule(entry.rates)), listed: entry.listed, differs: true)
            })
    }
}
