public import HTTPTypes
import NIOCore
public import NeedletailCore

/// What a request must be like for a rule to hold: all that is set must be so. Typed, never free code.
///
/// Looked at for every request, so nothing here allocates; what costs most is looked at last.
public struct RuleCondition: Sendable, Hashable {
    /// What a header must say.
    public struct Header: Sendable, Hashable {
        /// The header.
        public var name: HTTPField.Name
        /// What one of its values must fit.
        public var value: ModelGlob

        /// Creates a condition.
        public init(_ name: HTTPField.Name, _ value: ModelGlob) {
            self.name = name
            self.value = value
        }
    }

    /// A part of the requests, drawn for each.
    public struct Share: Sendable, Hashable {
        /// How much of them, 0 to 1.
        public var fraction: Double
        /// How it is drawn.
        public var draw: StickyShare

        /// Creates a share.
        public init(_ fraction: Double, _ draw: StickyShare) {
            self.fraction = fraction
            self.draw = draw
        }
    }

    /// What a condition is about, by its key in the configuration.
    public enum Part: String, Sendable, Hashable, CaseIterable {
        case model, operation, stream, reasoning, key, tenant, tokens, size, headers, time, percent
        case hasImages = "has_images"
        case hasDocuments = "has_documents"
        case hasAudio = "has_audio"
        case hasTools = "has_tools"
        case hasSchema = "has_schema"
    }

    /// The names asked for, one of which must fit; empty for any.
    public var models: [ModelGlob] = []
    /// The operations; empty for any.
    public var operations: Set<NeedletailCore.Operation> = []
    /// What the request must need of the model.
    public var required: Features = []
    /// What it must not need.
    public var forbidden: Features = []
    /// Whether a stream is asked for; `nil` for both.
    public var isStreaming: Bool?
    /// The estimated input tokens; `nil` for any number.
    public var tokens: ClosedRange<Int>?
    /// The bytes of the body; `nil` for any number. A request that was made in Swift has none.
    public var size: ClosedRange<Int>?
    /// The names of client keys, one of which must fit; empty for any, and for none.
    public var keys: [ModelGlob] = []
    /// The tenants, one of which must fit; empty for any, and for none.
    public var tenants: [ModelGlob] = []
    /// What headers must say, all of them.
    public var headers: [Header] = []
    /// When; `nil` for always.
    public var time: TimeWindow?
    /// Of the requests that fit all else, how many; `nil` for all.
    public var share: Share?

    /// A condition that every request meets.
    public init() {}

    /// The first part that a request does not meet; `nil` if it meets all.
    ///
    /// - Parameter wallSeconds: The time in seconds since 1970; asked for only where it matters.
    public func firstMismatch(
        _ request: InferenceRequest,
        _ info: RequestInfo,
        wallSeconds: () -> Int64
    ) -> Part? {
        if !Self.fits(self.models, request.model) { return .model }
        if !self.operations.isEmpty, !self.operations.contains(request.operation) { return .operation }
        if let part = self.featureMismatch(request.features) { return part }
        if let isStreaming = self.isStreaming, request.isStreaming != isStreaming { return .stream }
        if let tokens = self.tokens, !tokens.contains(request.estimatedInputTokens) { return .tokens }
        if let size = self.size, !Self.isSize(of: request, in: size) { return .size }
        if !Self.fits(self.keys, info.keyName) { return .key }
        if !Self.fits(self.tenants, info.tenant) { return .tenant }
        for header in self.headers
        where !info.routingHeaders.contains(where: { $0.name == header.name && header.value.matches($0.value) }) {
            return .headers
        }
        if let time = self.time, !time.contains(wallSeconds: wallSeconds()) { return .time }
        if let share = self.share, share.draw.unit(request, info) >= share.fraction { return .percent }
        return nil
    }

    /// The features that conditions are about, by their keys.
    public static let features: [(part: Part, feature: Features)] = [
        (.hasImages, .images), (.hasDocuments, .documents), (.hasAudio, .audio), (.hasTools, .tools),
        (.hasSchema, .structuredOutput), (.reasoning, .reasoning),
    ]

    private func featureMismatch(_ features: Features) -> Part? {
        guard !features.isSuperset(of: self.required) || !features.isDisjoint(with: self.forbidden) else { return nil }
        let wrong = self.required.subtracting(features).union(self.forbidden.intersection(features))
        return Self.features.first { wrong.contains($0.feature) }?.part
    }

    private static func fits(_ globs: [ModelGlob], _ name: String?) -> Bool {
        guard !globs.isEmpty else { return true }
        guard let name else { return false }
        for glob in globs where glob.matches(name) { return true }
        return false
    }

    private static func isSize(of request: InferenceRequest, in range: ClosedRange<Int>) -> Bool {
        guard case .wire(let body, _) = request.body else { return false }
        return range.contains(body.bytes.readableBytes)
    }
}
