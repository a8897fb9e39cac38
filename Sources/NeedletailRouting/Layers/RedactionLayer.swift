import Logging
public import NeedletailCore

/// Keeps sensitive data from going upstream, and puts it back in the reply.
///
/// Must be outside the cache, which then holds no such data, and inside what remembers conversations for the client. The
/// first policy that holds for a request counts. What other layers and the log are told is the redacted request.
public struct RedactionLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let policies: [RedactionPolicy]
    private let cutters: @Sendable (DialectID) -> any StreamEventCutter
    private let counts: GuardCounts
    private let key: SipHash.Key

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - cutters: What takes a stream of a dialect apart.
    ///   - random: For the key that placeholders are made with.
    public init(
        _ next: any Provider,
        policies: [RedactionPolicy],
        cutters: @escaping @Sendable (DialectID) -> any StreamEventCutter,
        random: RandomSource,
        counts: GuardCounts = GuardCounts()
    ) {
        self.next = next
        self.policies = policies
        self.cutters = cutters
        self.counts = counts
        self.key = SipHash.Key(low: random.next(), high: random.next())
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    ///
    /// - Throws: `.invalidRequest` for what a policy refuses.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard let policy = self.policies.first(where: { $0.scope.holds(for: request, context.request) }) else {
            return try await self.next.respond(to: request, context: context)
        }
        var redactor = Redactor(
            policy: policy,
            placeholders: Placeholders(key: self.key, scope: context.request.tenant ?? context.request.keyName ?? ""))
        var request = request
        try request.visitTexts(&redactor)
        try self.report(redactor, context)
        var reply = try await self.next.respond(to: request, context: context)
        if policy.restores, !redactor.placeholders.isEmpty { self.restore(&reply, redactor.placeholders) }
        return reply
    }

    private func report(_ redactor: Redactor, _ context: RequestContext) throws(NeedletailError) {
        guard !redactor.found.isEmpty else { return }
        var refused: [String] = []
        var told: [String] = []
        for kind in SensitiveKind.allCases {
            guard let count = redactor.found[kind], let action = redactor.policy.actions[kind] else { continue }
            self.counts.count("redaction", kind.name, action.outcome, by: count)
            told.append("\(kind.name)=\(count)")
            if action == .refuse { refused.append(kind.name) }
        }
        context.logger.info(
            "A request holds sensitive data.",
            metadata: [
                "needletail.request_id": "\(context.id)", "needletail.found": "\(told.joined(separator: " "))",
                "needletail.action": "\(refused.isEmpty ? "as configured" : "refuse")",
            ])
        guard !refused.isEmpty else { return }
        throw NeedletailError(
            .invalidRequest,
            "The request holds sensitive data that may not be sent: \(refused.joined(separator: ", ")).")
    }

    private func restore(_ reply: inout InferenceReply, _ placeholders: Placeholders) {
        switch reply.body {
        case .complete(var body, let usage):
            // Sound and pictures come as they are.
            guard
                reply.contentType == nil || reply.contentType?.contains("json") == true
                    || reply.contentType?.hasPrefix("text/") == true,
                let restored = placeholders.restored(body.bytes)
            else { return }
            body.bytes = restored
            reply.body = .complete(body, usage)
        case .stream(let stream):
            let reader = RestoringReader(stream, placeholders, self.cutters(stream.dialect))
            reply.body = .stream(ReplyStream(dialect: stream.dialect, ending: stream.ending, reader: reader))
        }
    }
}

extension RedactionPolicy.Action {
    fileprivate var outcome: String {
        switch self {
        case .redact: "redacted"
        case .refuse: "refused"
        case .log: "logged"
        case .off: "off"
        }
    }
}

/// Takes what is sensitive out of texts.
struct Redactor: TextVisitor {
    let policy: RedactionPolicy
    private let kinds: SensitiveKinds
    private(set) var placeholders: Placeholders
    /// How often each kind was found.
    private(set) var found: [SensitiveKind: Int] = [:]
    private var matches: [SensitiveMatch] = []

    init(policy: RedactionPolicy, placeholders: Placeholders) {
        self.policy = policy
        self.kinds = policy.kinds
        self.placeholders = placeholders
    }

    mutating func visit(_ text: Span<UInt8>, at place: TextPlace) throws(NeedletailError) -> [TextEdit] {
        self.matches.removeAll(keepingCapacity: true)
        SensitiveScanner.scan(text, for: self.kinds, into: &self.matches)
        var edits: [TextEdit] = []
        for match in self.matches {
            self.found[match.kind, default: 0] += 1
            guard self.policy.actions[match.kind] == .redact else { continue }
            var bytes: [UInt8] = []
            for index in match.range { bytes.append(text[index]) }
            let value = String(decoding: bytes, as: UTF8.self)
            edits.append(
                TextEdit(
                    range: match.range, replacement: self.placeholders.placeholder(for: value, match.kind)))
        }
        return edits
    }
}
