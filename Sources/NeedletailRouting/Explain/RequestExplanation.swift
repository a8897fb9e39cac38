public import NeedletailCore

/// What would become of a request now: which rule or experiment holds, where the name leads, and what the group there
/// would do. Made without asking anybody.
public struct RequestExplanation: RequestDecision {
    /// The name that the client asked for.
    public var model: String
    /// What is asked for.
    public var operation: NeedletailCore.Operation
    /// Whether a stream is asked for.
    public var isStreaming: Bool
    /// What the model must be able to do.
    public var features: Features
    /// A conservative guess at the input tokens.
    public var inputTokens: Int
    /// The most output tokens, where the client says.
    public var maximumOutputTokens: Int?
    /// The client key's name.
    public var key: String?
    /// The key's tenant.
    public var tenant: String?
    /// The experiments and rules that were looked at, up to the one that holds.
    public var verdicts: [RuleVerdict]
    /// Where the request goes: a group's or provider's name; `nil` for nowhere.
    public var destination: String?
    /// What would be done there; `nil` where it goes nowhere.
    public var routing: RoutingExplanation?
    /// What is left of the limits of the key and its tenant, by scope.
    public var limits: [(scope: String, headroom: LimitHeadroom)] = []
    /// What the client would be told; `nil` while somebody would be asked.
    public var failure: NeedletailError?

    /// The rule or experiment that decided; `nil` where the name did.
    public var decider: RuleVerdict? { self.verdicts.last.flatMap { $0.holds ? $0 : nil } }

    /// For example `rule=images; to=vision; order=openai/gpt-4o,anthropic/claude; dropped=azure/gpt-4o(circuit_open)`.
    public var summary: String {
        var parts: [String] = []
        if let decider = self.decider {
            parts.append("\(decider.kind.rawValue)=\(decider.name)\(decider.arm.map { "/\($0)" } ?? "")")
        }
        if let destination = self.destination { parts.append("to=\(destination)") }
        if let routing = self.routing {
            if let tier = routing.tier { parts.append("tier=\(tier.answering.rawValue)") }
            let order = routing.order.compactMap { routing.candidate($0)?.deployment.description }
            if !order.isEmpty { parts.append("order=\(order.joined(separator: ","))") }
            let dropped = routing.candidates.compactMap { candidate in
                candidate.reason.map { "\(candidate.deployment)(\($0))" }
            }
            if !dropped.isEmpty { parts.append("dropped=\(dropped.joined(separator: ","))") }
            if let stream = routing.midStream, stream.rescue != .never {
                parts.append("mid_stream=\(stream.rescue.rawValue)\(stream.reason.map { "(\($0.rawValue))" } ?? "")")
            }
            if routing.waits { parts.append("waits") }
        }
        if let failure = self.failure { parts.append("refused=\(failure.code)") }
        return Self.plain(parts.joined(separator: "; "))
    }

    /// Names may be anything that a client or an operator wrote; what could mean something else in a header becomes `_`.
    private static func plain(_ text: String) -> String {
        var plain = ""
        for scalar in text.unicodeScalars {
            guard plain.utf8.count < 1_020 else { return plain + "..." }
            plain.unicodeScalars.append((0x20...0x7E).contains(scalar.value) ? scalar : "_")
        }
        return plain
    }
}

extension RoutingExplanation.Candidate {
    /// Why it is not asked, in a word; `nil` if it may be.
    public var reason: String? {
        if let unfit = self.unfit { return unfit.parameter.map { "\(unfit.code):\($0)" } ?? "\(unfit.code)" }
        if let refusal = self.refusal { return refusal.reason.rawValue }
        return self.score?.leftOut
    }
}
