public import NeedletailCore
import Synchronization

/// Which model name leads where; one immutable object per configuration, but for the live lists of the providers.
///
/// A name is looked for in this order: a name under `models:`; `provider/model`; `group/model`; a model that exactly one
/// provider lists; the default group.
public final class ModelDirectory: Sendable {
    /// A configured provider.
    public struct Upstream: Sendable {
        /// Answers requests for this provider alone, with its own retries.
        public var router: any Provider
        /// Models that the operator says it serves.
        public var models: [String]
        /// How its model names begin, as long as no list is known.
        public var modelPrefixes: [String]
        /// Whether it answers any name at all (the mock).
        public var answersAnyModel: Bool
        /// Whether nobody configured it: it does not exist until its live list is known.
        public var isOptional: Bool

        /// Creates an upstream.
        public init(
            router: any Provider,
            models: [String] = [],
            modelPrefixes: [String] = [],
            answersAnyModel: Bool = false,
            isOptional: Bool = false
        ) {
            self.router = router
            self.models = models
            self.modelPrefixes = modelPrefixes
            self.answersAnyModel = answersAnyModel
            self.isOptional = isOptional
        }
    }

    /// A configured group.
    public struct Group: Sendable {
        /// Answers requests for the group.
        public var router: any Provider
        /// Answers requests for one model of the group: `nil` if the group has no target for it.
        public var restricted: @Sendable (_ model: String) -> (any Provider)?

        /// Creates a group.
        public init(router: any Provider, restricted: @escaping @Sendable (_ model: String) -> (any Provider)?) {
            self.router = router
            self.restricted = restricted
        }
    }

    /// Where a request goes, and the model to ask for there unless a target names its own.
    public struct Destination: Sendable {
        /// Who answers.
        public var provider: any Provider
        /// The model's name without the provider's or group's before it.
        public var model: String
        /// Where that is; the default group has no name.
        public var place: RoutingDestination.Place
        /// Whether only the group's targets for ``model`` are asked.
        public var isNarrowed = false
    }

    private let groups: [String: Group]
    private let upstreams: [String: Upstream]
    private let defaultGroup: (any Provider)?
    private let live: Mutex<[String: [ListedModel]]>

    /// Creates a directory.
    public init(groups: [String: Group], upstreams: [String: Upstream], defaultGroup: (any Provider)?) {
        self.groups = groups
        self.upstreams = upstreams
        self.defaultGroup = defaultGroup
        self.live = Mutex([:])
    }

    /// Records what a provider says it serves.
    public func setLiveModels(_ models: [ListedModel], of provider: String) {
        self.live.withLock { $0[provider] = models }
    }

    /// Takes over what another directory was told of some providers.
    public func takeLiveModels(from other: ModelDirectory, of providers: Set<ProviderID>) {
        let known = other.live.withLock { $0 }.filter { providers.contains(ProviderID($0.key)) }
        self.live.withLock { $0.merge(known) { own, _ in own } }
    }

    /// Finds where a name leads.
    ///
    /// - Parameter allowed: The models that the client's key may use, as globs; `nil` for all.
    /// - Throws: `.forbidden` for a name that the key may not use, `.notFound` with the nearest names.
    public func destination(of name: String, allowed: [String]?) throws(NeedletailError) -> Destination {
        try Self.check(name, allowed)
        if let group = self.groups[name] {
            return Destination(provider: group.router, model: name, place: .group(name))
        }
        if let slash = name.firstIndex(of: "/") {
            let head = String(name[..<slash])
            let rest = String(name[name.index(after: slash)...])
            if !rest.isEmpty {
                if let upstream = self.upstreams[head], self.isThere(head, upstream) {
                    return Destination(
                        provider: upstream.router, model: rest, place: .provider(head, model: rest))
                }
                if let group = self.groups[head]?.restricted(rest) {
                    return Destination(provider: group, model: rest, place: .group(head), isNarrowed: true)
                }
            }
        }
        if let (id, upstream) = self.listing(name) {
            return Destination(provider: upstream.router, model: name, place: .provider(id, model: name))
        }
        if let group = self.defaultGroup { return Destination(provider: group, model: name, place: .group("")) }
        throw self.unknown(name, allowed)
    }

    /// Finds where a rule or experiment leads.
    ///
    /// - Parameters:
    ///   - place: Where to.
    ///   - name: The name that the client asked for: what its key must allow, and what a place that names no model is
    ///     asked for.
    ///   - allowed: The models that the client's key may use, as globs; `nil` for all.
    /// - Throws: `.forbidden` for a name that the key may not use, `.unavailable` for a place that is not there.
    package func destination(
        to place: RoutingDestination.Place, asked name: String, allowed: [String]?
    ) throws(NeedletailError) -> Destination {
        try Self.check(name, allowed)
        switch place {
        case .group(let group):
            if let group = self.groups[group] { return Destination(provider: group.router, model: name, place: place) }
        case .provider(let provider, let model):
            if let upstream = self.upstreams[provider], self.isThere(provider, upstream) {
                return Destination(provider: upstream.router, model: model ?? name, place: place)
            }
        }
        throw NeedletailError(
            .unavailable, "The model '\(name.prefix(200))' is routed to a place that is switched off.")
    }

    private static func check(_ name: String, _ allowed: [String]?) throws(NeedletailError) {
        guard let allowed, !allowed.contains(where: { ModelGlob($0).matches(name) }) else { return }
        throw NeedletailError(
            .forbidden, "This key may not use the model '\(name.prefix(200))'.", parameter: "model")
    }

    /// The configured provider of a name.
    ///
    /// - Throws: `.notFound` if there is none any more.
    func provider(_ id: ProviderID) throws(NeedletailError) -> any Provider {
        guard let upstream = self.upstreams[id.rawValue] else {
            throw NeedletailError(.notFound, "The provider that keeps this is not there any more.")
        }
        return upstream.router
    }

    /// Closes whoever answers for a name. A provider that several names lead to is told more than once.
    func close() async {
        for group in self.groups.values { await group.router.close() }
        await self.defaultGroup?.close()
        for upstream in self.upstreams.values { await upstream.router.close() }
    }

    private func isThere(_ id: String, _ upstream: Upstream) -> Bool {
        !upstream.isOptional || self.live.withLock { $0[id] != nil }
    }

    /// The provider that alone lists `name`: in the configuration, in its live list, or by its usual prefix.
    private func listing(_ name: String) -> (id: String, upstream: Upstream)? {
        let live = self.live.withLock { $0 }
        let listing = self.upstreams.filter { id, upstream in
            upstream.models.contains(name) || live[id]?.contains { $0.id == name } ?? false
        }
        if listing.count == 1 { return listing.first.map { ($0.key, $0.value) } }
        guard listing.isEmpty else { return nil }
        let likely = self.upstreams.filter { id, upstream in
            live[id] == nil && upstream.models.isEmpty && upstream.modelPrefixes.contains { name.hasPrefix($0) }
        }
        if likely.count == 1 { return likely.first.map { ($0.key, $0.value) } }
        // Nobody gets a made-up answer by accident: the mock answers every name only where nobody else was found.
        let isAnybodyElseThere = self.upstreams.contains { id, upstream in
            !upstream.answersAnyModel
                && (live[id] != nil || !upstream.models.isEmpty || !upstream.modelPrefixes.isEmpty)
        }
        guard likely.isEmpty, !isAnybodyElseThere else { return nil }
        return self.upstreams.first { $0.value.answersAnyModel }.map { ($0.key, $0.value) }
    }

    private func unknown(_ name: String, _ allowed: [String]?) -> NeedletailError {
        let near = NearestNames.nearestNames(to: name, among: self.models(allowed: allowed).map(\.id), limit: 3)
        let hint = near.isEmpty ? "" : " Did you mean \(near.map { "'\($0)'" }.joined(separator: ", "))?"
        return NeedletailError(
            .notFound,
            "The model '\(name.prefix(200))' does not exist or is served by several providers.\(hint)",
            parameter: "model"
        )
    }

    /// The models that a key may ask for.
    ///
    /// - Parameter routed: Names that rules lead somewhere.
    public func models(allowed: [String]?, routed: [String] = []) -> [ListedModel] {
        let own = Set(self.groups.keys).union(routed)
        var models = own.sorted().map { ListedModel(id: $0, owner: "needletail") }
        let live = self.live.withLock { $0 }
        for id in self.upstreams.keys.sorted() {
            let listed = self.upstreams[id]?.models.map { ListedModel(id: $0, owner: id) } ?? []
            for model in listed + (live[id] ?? []) {
                let named = ListedModel(id: id + "/" + model.id, owner: id, created: model.created)
                if !models.contains(where: { $0.id == named.id }) { models.append(named) }
            }
        }
        guard let allowed else { return models }
        let globs = allowed.map(ModelGlob.init)
        return models.filter { model in globs.contains { $0.matches(model.id) } }
    }
}
