public import NeedletailCore
import Synchronization

/// Providers by name, which may come, go and be replaced while traffic flows: a request that runs ends with the provider
/// that it began with, the next one goes where the name leads then.
///
/// A registry is a ``Provider`` itself: it sends a request to what its model's name says, in this order: a registered
/// name; `name/model`; the one provider that lists the model.
public final class ProviderRegistry: Provider {
    /// How one provider is.
    public struct Snapshot: Sendable, Hashable {
        /// Whether it is asked.
        public enum State: String, Sendable, Hashable {
            /// It is.
            case active
            /// It is not.
            case disabled
            /// It is not, and calls to it still run. It may have been replaced or deregistered.
            case draining
        }

        /// The name.
        public var name: ProviderID
        /// Whether it is asked.
        public var state: State
        /// Calls that run, streams to their end.
        public var inFlight: Int
        /// How well it does, 0 to 1; see ``HealthState``.
        public var health: Double
        /// Calls that went well.
        public var successes: Int
        /// Calls that failed by its fault.
        public var failures: Int
        /// Calls that say nothing about it.
        public var neutrals: Int
        /// Of those that say something the share that went well; `nil` while there is none.
        public var successRate: Double?
        /// Until the reply or its first event, the last 100; `nil` while there is none.
        public var averageLatency: Duration?
        /// Tokens that it told of.
        public var inputTokens: Int
        /// Tokens that it told of.
        public var outputTokens: Int
        /// How long ago a call last went well; `nil` for never.
        public var lastSuccess: Duration?
    }

    private struct State {
        var entries: [ProviderID: RegistryEntry] = [:]
        /// Replaced or deregistered, while calls to them run.
        var retired: [RegistryEntry] = []
        var isClosed = false

        mutating func retire(_ entry: RegistryEntry) {
            entry.isEnabled = false
            self.retired.removeAll { $0.calls.count == 0 }
            self.retired.append(entry)
        }
    }

    /// The registry's own name.
    public let id: ProviderID
    private let state = Mutex(State())
    let time: TimeSource

    /// Creates an empty registry.
    public init(id: ProviderID = "registry", time: TimeSource = .live) {
        self.id = id
        self.time = time
    }

    // MARK: Changing

    /// Registers a provider, or puts it in the place of the one that has the name.
    ///
    /// - Parameters:
    ///   - name: The name; the provider's own by default.
    ///   - profile: What is known of it beforehand; what it says of itself by default (``DescribedProvider``).
    /// - Returns: What it replaces, which ends what it has begun; close it once ``drain(_:within:)`` says that it has.
    /// - Throws: `.unavailable` if the registry is closed, `.invalidRequest` for an empty name or one with a slash, which
    ///   parts a name from a model.
    @discardableResult
    public func register(
        _ provider: any Provider, as name: ProviderID? = nil, profile: ProviderProfile? = nil
    ) throws(NeedletailError) -> (any Provider)? {
        let name = name ?? provider.id
        guard !name.rawValue.isEmpty, !name.rawValue.contains("/") else {
            throw NeedletailError(.invalidRequest, "'\(name)' cannot be a provider's name.")
        }
        let known = profile ?? (provider as? any DescribedProvider)?.profile ?? ProviderProfile()
        let entry = RegistryEntry(name, provider, known)
        let (isOpen, old) = self.state.withLock { state -> (Bool, RegistryEntry?) in
            guard !state.isClosed else { return (false, nil) }
            let old = state.entries.updateValue(entry, forKey: name)
            if let old { state.retire(old) }
            return (true, old)
        }
        guard isOpen else { throw Self.closed }
        return old?.provider
    }

    /// Takes a provider out; what it has begun it ends.
    ///
    /// - Returns: The provider; close it once ``drain(_:within:)`` says that nothing runs there.
    /// - Throws: `.notFound` with the nearest names.
    @discardableResult
    public func deregister(_ name: ProviderID) throws(NeedletailError) -> any Provider {
        let entry = self.state.withLock { state -> RegistryEntry? in
            guard let entry = state.entries.removeValue(forKey: name) else { return nil }
            state.retire(entry)
            return entry
        }
        guard let entry else { throw self.unknown(name.rawValue) }
        return entry.provider
    }

    /// Lets a provider be asked again.
    ///
    /// - Throws: `.notFound` with the nearest names.
    public func enable(_ name: ProviderID) throws(NeedletailError) {
        try self.entry(name).isEnabled = true
    }

    /// Sends a provider no more requests; those that run end.
    ///
    /// - Throws: `.notFound` with the nearest names.
    public func disable(_ name: ProviderID) throws(NeedletailError) {
        try self.entry(name).isEnabled = false
    }

    /// Disables a provider and waits until nothing runs there any more; also for one that has been replaced or taken out.
    ///
    /// - Parameter limit: How long to wait. Default 30 s.
    /// - Returns: The calls that still run; zero when all have ended.
    /// - Throws: `.notFound` with the nearest names.
    @discardableResult
    public func drain(_ name: ProviderID, within limit: Duration = .seconds(30)) async throws(NeedletailError) -> Int {
        let (current, retired) = self.state.withLock { state in
            (state.entries[name], state.retired.filter { $0.name == name })
        }
        // One that was replaced is waited for, and its successor goes on.
        let entries = retired.isEmpty ? [current].compactMap { $0 } : retired
        guard !entries.isEmpty else { throw self.unknown(name.rawValue) }
        let end = self.time.now().advanced(by: limit)
        var left = 0
        for entry in entries {
            entry.isEnabled = false
            left += await entry.calls.untilIdle(
                within: max(.zero, end.duration(since: self.time.now())), time: self.time)
        }
        self.state.withLock { $0.retired.removeAll { $0.calls.count == 0 } }
        return left
    }

    /// Closes all providers, after what runs has ended or the limit is over; whoever is asked afterwards fails.
    ///
    /// - Parameter limit: How long to wait for what runs. Default 30 s.
    public func close(within limit: Duration) async {
        let entries = self.state.withLock { state in
            state.isClosed = true
            return Array(state.entries.values) + state.retired
        }
        for entry in entries { entry.calls.close() }
        let end = self.time.now().advanced(by: limit)
        for entry in entries {
            _ = await entry.calls.untilIdle(
                within: max(.zero, end.duration(since: self.time.now())), time: self.time)
            await entry.provider.close()
        }
        self.state.withLock { $0.retired = [] }
    }

    /// Closes all providers; what runs has 30 s to end.
    public func close() async { await self.close(within: .seconds(30)) }

    private static var closed: NeedletailError { NeedletailError(.unavailable, "The registry has been closed.") }

    // MARK: Looking up

    /// All names, in order.
    public var names: [ProviderID] {
        self.state.withLock { Array($0.entries.keys) }.sorted { $0.rawValue < $1.rawValue }
    }

    /// A provider that is whatever has the name when it is asked: what stands in groups, so that these need not be made
    /// anew when a registration changes.
    ///
    /// - Throws: `.notFound` with the nearest names.
    public func provider(named name: ProviderID) throws(NeedletailError) -> RegisteredProvider {
        _ = try self.entry(name)
        return RegisteredProvider(id: name, registry: self)
    }

    /// What has the name now.
    ///
    /// - Throws: `.notFound` with the nearest names; `.unavailable` if the registry is closed.
    func entry(_ name: ProviderID) throws(NeedletailError) -> RegistryEntry {
        let (entry, isClosed) = self.state.withLock { ($0.entries[name], $0.isClosed) }
        if isClosed { throw Self.closed }
        guard let entry else { throw self.unknown(name.rawValue) }
        return entry
    }

    /// What is registered, by name.
    var entries: [RegistryEntry] {
        self.state.withLock { Array($0.entries.values) }.sorted { $0.name.rawValue < $1.name.rawValue }
    }

    /// How all of them are, by name; those that were taken out and still have calls come last.
    public func snapshot() -> [Snapshot] {
        let now = self.time.now()
        let retired = self.state.withLock { $0.retired }.filter { $0.calls.count > 0 }
        return self.entries.map { entry in
            entry.snapshot(
                entry.isEnabled ? .active : entry.calls.count > 0 ? .draining : .disabled, now: now)
        } + retired.map { $0.snapshot(.draining, now: now) }
    }

    private func unknown(_ name: String) -> NeedletailError {
        let near = NearestNames.nearestNames(to: name, among: self.names.map(\.rawValue), limit: 3)
        let hint = near.isEmpty ? "" : " Did you mean \(near.map { "'\($0)'" }.joined(separator: ", "))?"
        return NeedletailError(.notFound, "No provider '\(name.prefix(200))' is registered.\(hint)")
    }

    // MARK: Answering

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let (entry, model) = try self.destination(of: request.model)
        var request = request
        request.model = model
        return try await entry.respond(to: request, context, time: self.time)
    }

    private func destination(of name: String) throws(NeedletailError) -> (entry: RegistryEntry, model: String) {
        let (entries, isClosed) = self.state.withLock { ($0.entries, $0.isClosed) }
        if isClosed { throw Self.closed }
        if let entry = entries[ProviderID(name)] { return (entry, name) }
        if let slash = name.firstIndex(of: "/"), let entry = entries[ProviderID(String(name[..<slash]))] {
            return (entry, String(name[name.index(after: slash)...]))
        }
        let listing = entries.values.filter { $0.isEnabled && $0.profile.models.contains(name) }
        if listing.count == 1, let entry = listing.first { return (entry, name) }
        guard listing.isEmpty else {
            let names = listing.map { "'\($0.name)/\(name)'" }.sorted().joined(separator: ", ")
            throw NeedletailError(
                .notFound, "Several providers serve '\(name.prefix(200))'; ask for one of \(names).",
                parameter: "model")
        }
        let known = entries.keys.map(\.rawValue) + entries.values.flatMap(\.profile.models)
        let near = NearestNames.nearestNames(to: name, among: known, limit: 3)
        let hint = near.isEmpty ? "" : " Did you mean \(near.map { "'\($0)'" }.joined(separator: ", "))?"
        throw NeedletailError(
            .notFound, "No registered provider serves '\(name.prefix(200))'.\(hint)", parameter: "model")
    }
}
