import HTTPTypes
import NIOHTTP1
import NeedletailCore
import NeedletailProviders
import NeedletailRouting

/// What the gateway reads from a request's headers, in one pass over them.
struct ClientFields {
    var requestID: String?
    var forwarded: HTTPFields = [:]
    var isStrict = false
    var isExplained = false
    var cachePolicy = CachePolicy.normal
    var retryCount = 0
    var timeout: Duration?
    var maximumCost: Money?
    /// The words that the client wants the request counted under.
    var tags: [String] = []
    /// How long the SDK waits for the next byte; no limit for the whole.
    var readTimeout: Duration?
    /// The headers that the configuration looks at.
    var routing: HTTPFields = [:]
    /// The client's span; `nil` if it told of none, or in words that mean nothing.
    var trace: TraceContext?
    /// A header whose value is no good.
    var fault: NeedletailError?

    /// What others may add to a trace at least ([W3C Trace Context](https://www.w3.org/TR/trace-context/), section 3.3.1.5).
    private static let maximumTraceState = 512

    /// Reads a head.
    ///
    /// - Parameter kept: The headers to keep besides; most often none.
    init(_ head: HTTPRequestHead, keeping kept: [HTTPField.Name]) {
        var traceState: String?
        for (name, value) in head.headers {
            for wanted in kept where name.isName(of: wanted) {
                // Values may be any bytes but control characters, which end the request before it comes here.
                self.routing.append(HTTPField(name: wanted, value: value))
            }
            // By length first: most headers match none.
            switch name.utf8.count {
            case 12 where name.equalsIgnoringCase("x-request-id"): self.requestID = value
            case 10 where name.equalsIgnoringCase("tracestate"):
                traceState = traceState.map { $0 + "," + value } ?? value
            case 11 where name.equalsIgnoringCase("traceparent"): self.trace = TraceContext(traceparent: value)
            case 11 where name.equalsIgnoringCase("openai-beta"):
                self.forwarded.append(.init(name: .openAIBeta, value: value))
            case 12 where name.equalsIgnoringCase("content-type"):
                // A form keeps its boundary; everything else is JSON, whatever it says it is.
                if value.beginsIgnoringCase("multipart/form-data") {
                    self.forwarded.append(.init(name: .contentType, value: value))
                }
            case 14 where name.equalsIgnoringCase("anthropic-beta"):
                self.forwarded.append(.init(name: .anthropicBeta, value: value))
            case 14 where name.equalsIgnoringCase("openai-project"):
                self.forwarded.append(.init(name: .openAIProject, value: value))
            case 17 where name.equalsIgnoringCase("anthropic-version"):
                self.forwarded.append(.init(name: .anthropicVersion, value: value))
            case 17 where name.equalsIgnoringCase("x-needletail-tags"): self.readTags(value)
            case 19 where name.equalsIgnoringCase("openai-organization"):
                self.forwarded.append(.init(name: .openAIOrganization, value: value))
            case 18 where name.equalsIgnoringCase("x-needletail-cache"):
                guard let policy = CachePolicy(rawValue: value.lowercased()), policy != .normal else {
                    self.fail("x-needletail-cache", "takes no-store or only-if-cached")
                    continue
                }
                self.cachePolicy = policy
            case 19 where name.equalsIgnoringCase("x-needletail-strict"):
                self.isStrict = self.flag(value, name: "x-needletail-strict")
            case 20 where name.equalsIgnoringCase("x-needletail-explain"):
                self.isExplained = self.flag(value, name: "x-needletail-explain")
            case 20 where name.equalsIgnoringCase("x-needletail-timeout"):
                guard let timeout = ClientTimeout.parse(value) else {
                    self.fail("x-needletail-timeout", "takes a duration such as 30s or 1500ms")
                    continue
                }
                self.timeout = min(timeout, self.timeout ?? timeout)
            case 21 where name.equalsIgnoringCase("x-needletail-max-cost"):
                guard let money = Money(value) else {
                    self.fail("x-needletail-max-cost", "takes decimal dollars such as 0.02")
                    continue
                }
                self.maximumCost = min(money, self.maximumCost ?? money)
            case 23 where name.equalsIgnoringCase("x-stainless-retry-count"): self.retryCount = Int(value) ?? 0
            case 24 where name.equalsIgnoringCase("x-stainless-read-timeout"):
                // An SDK writes it, not a person, and writes other words for "none": what cannot be read is passed over.
                self.readTimeout = ClientTimeout.parse(value)
            default: break
            }
        }
        if let traceState, traceState.utf8.count <= Self.maximumTraceState { self.trace?.state = traceState }
    }

    /// Tags of one request, of the client's and of its key's together.
    static let maximumTags = 16

    private mutating func readTags(_ value: String) {
        for part in value.split(separator: ",") {
            let tag = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            let isPlain = tag.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._:/@-".contains($0)) }
            guard isPlain, (1...64).contains(tag.count), self.tags.count < Self.maximumTags else {
                return self.fail(
                    "x-needletail-tags",
                    "takes at most \(Self.maximumTags) tags with commas between, each of at most 64 of A-Z a-z 0-9 . _ : / @ -"
                )
            }
            let text = String(tag)
            if !self.tags.contains(text) { self.tags.append(text) }
        }
    }

    /// Those that a request counts under: its key's, and of those that the client adds the ones that the key allows.
    func tags(of grant: KeyGrant?) -> [String] {
        let keys = grant?.tags ?? []
        if self.tags.isEmpty { return keys }
        let allowed = grant?.clientTags?.map { ModelGlob($0) }
        return keys
            + self.tags.filter { tag in !keys.contains(tag) && allowed?.contains { $0.matches(tag) } ?? true }
    }

    private mutating func flag(_ value: String, name: String) -> Bool {
        if value.equalsIgnoringCase("true") || value == "1" { return true }
        if !value.equalsIgnoringCase("false"), value != "0" { self.fail(name, "takes true or false") }
        return false
    }

    private mutating func fail(_ name: String, _ rule: String) {
        self.fault = self.fault ?? NeedletailError(.invalidRequest, "The header \(name) \(rule).", parameter: name)
    }
}
