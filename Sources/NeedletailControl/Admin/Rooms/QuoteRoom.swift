import Logging
import NIOHTTP1
import NeedletailCore
import NeedletailProviders
import NeedletailRouting

/// What a request would cost.
struct QuoteRoom: AdminRoom {
    let title = "Quotes"
    private let running: RunningConfiguration
    private let store: GatewayStore
    private let time: TimeSource

    init(_ running: RunningConfiguration, _ store: GatewayStore, time: TimeSource) {
        self.running = running
        self.store = store
        self.time = time
    }

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .POST, "/quote", .explain,
                "What a client's request may cost at each of those that may answer it, from the least to what a budget holds. Asks nobody.",
                query: [
                    AdminField(
                        "surface", .text,
                        "Which surface it is for: \(ExplainedSurface.allCases.map(\.rawValue).joined(separator: ", ")), or a path. Guessed from the request when left out."
                    ),
                    AdminField("model", .text, "The model, for surfaces that have it in the path."),
                    AdminField("client_key", .text, "The name of the client key that would send it."),
                    AdminField("tenant", .text, "The tenant, where no key is named."),
                ],
                body: .object(summary: "A request as a client sends it, in any dialect.")
            ) { request throws(AdminError) in try self.quote(request) }
        ]
    }

    private func quote(_ call: AdminRequest) throws(AdminError) -> AdminReply {
        guard let body = call.body else { throw AdminError(400, "invalid_request", "The body is missing.") }
        let current = self.running.current
        let surface = ExplainedSurface.Question(surface: call.query["surface"], model: call.query["model"])
        let request = try ExplainedSurface.read(body, surface)
        let info = try self.info(call, current.configuration)
        do throws(NeedletailError) {
            let quote = try Quote(request, info, current, wallSeconds: self.time.wallSeconds())
            return .object { Self.write(quote, request, into: &$0) }
        } catch {
            throw AdminError(error.disposition.status, error.disposition.openAIType, error.message)
        }
    }

    private func info(_ call: AdminRequest, _ configuration: Configuration) throws(AdminError) -> RequestInfo {
        var key: ExplainedKey?
        if let name = call.query["client_key"] {
            guard let known = configuration.explainedKey(name) ?? self.store.keys?.explainedKey(name) else {
                let names = (configuration.keys ?? []).map(\.name) + (self.store.keys?.known.map(\.name) ?? [])
                throw .unknown("client key", name, among: names)
            }
            key = known
        }
        return RequestInfo(
            id: "quote", keyName: key?.name, tenant: call.query["tenant"] ?? key?.grant.tenant, team: key?.grant.team,
            tags: key?.grant.tags ?? [], allowedModels: key?.grant.models, allowedProviders: key?.grant.providers,
            logger: Logger(label: "needletail") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func write(_ quote: Quote, _ request: InferenceRequest, into json: inout JSONWriter) {
        json.member("model", request.model)
        json.member("operation", request.operation.rawValue)
        json.member("destination", quote.destination)
        json.key("rule")
        if let rule = quote.rule { json.string(rule) } else { json.null() }
        json.member("currency", "USD")
        json.member("price_version", PriceCatalogue.version)
        let known = quote.candidates.filter { $0.unfit == nil }.compactMap(\.interval)
        Self.member("least_usd", known.map(\.least).min(), into: &json)
        // One unknown price makes the sum unknown.
        let isKnown = known.count == quote.candidates.filter { $0.unfit == nil }.count
        Self.member("most_usd", isKnown ? known.map(\.most).max() : nil, into: &json)
        json.member("candidates", objects: quote.candidates) { json, candidate in
            json.member("provider", candidate.provider)
            json.member("model", candidate.model)
            json.key("fallback")
            json.bool(candidate.isFallback)
            json.key("price_known")
            json.bool(candidate.interval != nil)
            Self.member("least_usd", candidate.interval?.least, into: &json)
            Self.member("likely_usd", candidate.interval?.likely, into: &json)
            Self.member("most_usd", candidate.interval?.most, into: &json)
            json.member("most_input_tokens", candidate.bound.inputTokens)
            json.member("most_output_tokens", candidate.bound.outputTokens)
            if let price = candidate.price {
                json.member("price", PriceReport.text(price))
                json.member("price_source", price.source)
                json.member("price_date", price.date)
                json.key("price_is_borrowed")
                json.bool(price.isBorrowed)
            }
            json.key("unfit")
            if let unfit = candidate.unfit { json.string(unfit) } else { json.null() }
        }
    }

    private static func member(_ name: StaticString, _ money: Money?, into json: inout JSONWriter) {
        json.key(name)
        if let money { json.string(money.decimal(leastPlaces: 6)) } else { json.null() }
    }
}
