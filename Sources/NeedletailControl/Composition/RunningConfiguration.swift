import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Synchronization

/// The configuration that serves, and how another takes its place: built whole beside it, then swapped in at once, or
/// not at all. Requests that run end on the one that they began with.
final class RunningConfiguration: Sendable {
    /// What serves.
    struct Current: Sendable {
        /// What it was told.
        var configuration: Configuration
        /// What came of it.
        var stack: GatewayStack
        /// What shows it.
        var telemetry: Telemetry.Parts
        /// What its listeners show; `nil` without TLS.
        var certificate: EdgeCertificate?
        /// Where it listens that what served before it did not.
        var sockets: Listeners.Sockets
        /// Its version.
        var version: ETag
        /// When it began to serve, in seconds since 1970.
        var since: Int64

        /// What it was made from.
        var loaded: LoadedConfiguration { self.configuration.loaded }
    }

    /// A try to put another in its place.
    struct Attempt: Sendable {
        /// The version that was tried; `nil` for one that could not even be read.
        var version: ETag?
        /// When, in seconds since 1970.
        var time: Int64
        /// What asked for it: `SIGHUP`, `file`, the admin key's name.
        var trigger: String
        /// Why it was not taken; empty for one that serves now.
        var faults: [String] = []
        /// What it says that takes a restart.
        var restartNeeded: [String] = []
        /// Changes made at run time that had nothing to stand on any more.
        var dropped: [String] = []
    }

    /// What comes of a configuration, before it serves.
    struct Built: Sendable {
        var stack: GatewayStack
        var telemetry: Telemetry.Parts
        var certificate: EdgeCertificate?
        var sockets = Listeners.Sockets()
    }

    /// Makes what serves of a configuration and of what served before it.
    typealias Build = @Sendable (_ configuration: Configuration, _ previous: GatewayStack) throws -> Built

    private struct State {
        var current: Current
        var lastAttempt: Attempt?
        /// The providers that were taken out, for as long as calls to them run.
        var retired: [String: [Deployment]] = [:]
        var runner: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>
    /// Held while a change is made: one after the other.
    private let turn = Mutex(())
    /// What the process began with, which holds for all that takes a restart.
    private let started: Configuration
    private let loader: ConfigurationLoader
    private let build: Build
    private let install: Mutex<@Sendable (Current) -> Void>
    private let time: TimeSource

    /// - Parameters:
    ///   - configuration: What serves first.
    ///   - built: What was made of it.
    ///   - loader: Reads the file again.
    ///   - build: Makes what serves next.
    init(
        _ configuration: Configuration,
        built: Built,
        loader: ConfigurationLoader,
        time: TimeSource,
        build: @escaping Build
    ) {
        self.state = Mutex(
            State(
                current: Current(
                    configuration: configuration, stack: built.stack, telemetry: built.telemetry,
                    certificate: built.certificate, sockets: built.sockets, version: configuration.loaded.version,
                    since: time.wallSeconds())))
        self.started = configuration
        self.loader = loader
        self.build = build
        self.install = Mutex({ _ in })
        self.time = time
    }

    /// Says who hands requests to what serves; called once per swap, before the first request on it.
    func onSwap(_ install: @escaping @Sendable (Current) -> Void) {
        self.install.withLock { $0 = install }
    }

    /// What serves.
    var current: Current { self.state.withLock { $0.current } }
    /// The last try to put another in its place; `nil` before the first.
    var lastAttempt: Attempt? { self.state.withLock { $0.lastAttempt } }

    /// The calls that still run at a provider which was taken out.
    func leftovers(of provider: String) -> Int {
        self.state.withLock { state in
            let count = state.retired[provider]?.reduce(0) { $0 + $1.statistics.inFlight } ?? 0
            if count == 0 { state.retired[provider] = nil }
            return count
        }
    }

    /// Providers that were taken out and still have calls.
    var retired: [String] { self.state.withLock { $0.retired.keys.sorted() } }

    // MARK: Changes

    /// Reads the file again.
    ///
    /// - Parameters:
    ///   - trigger: What asked for it.
    ///   - keepsOverlay: Whether what was changed at run time stays on top of the new file.
    ///   - condition: The version that must serve.
    func reload(
        _ trigger: String, keepsOverlay: Bool = true, condition: ETagCondition = .none
    ) throws(AdminError) -> Attempt {
        try self.turn.withLock { _ throws(AdminError) in
            let current = self.current
            try condition.require("The configuration", current.version)
            var attempt = Attempt(time: self.time.wallSeconds(), trigger: trigger)
            do {
                let text = try self.loader.read(current.loaded.text.request)
                var overlay = keepsOverlay ? current.loaded.overlay : ConfigurationOverlay()
                var faults = FaultCollector()
                if let root = self.loader.tree(text, &faults) {
                    let fitted = overlay.fitted(to: self.loader.withProviders(root))
                    overlay = fitted.overlay
                    attempt.dropped = fitted.dropped.map(\.description)
                }
                attempt.version = ETag(of: text.text)
                let next = try self.loader.load(text, overlay: overlay, overrides: current.loaded.overrides)
                attempt.version = next.loaded.version
                attempt.restartNeeded = Self.restartNeeded(from: self.started, to: next)
                self.swap(next, try self.build(next, current.stack))
            } catch {
                attempt.faults = Self.texts(error)
            }
            self.state.withLock { $0.lastAttempt = attempt }
            return attempt
        }
    }

    /// Reads the secrets again that lie elsewhere; text and changes stay as they are.
    @discardableResult
    func refreshSecrets(_ trigger: String) -> Attempt {
        self.turn.withLock { _ in
            let current = self.current
            var attempt = Attempt(version: current.version, time: self.time.wallSeconds(), trigger: trigger)
            do {
                let next = try self.loader.load(
                    current.loaded.text, overlay: current.loaded.overlay, overrides: current.loaded.overrides)
                self.swap(next, try self.build(next, current.stack))
            } catch {
                attempt.faults = Self.texts(error)
            }
            self.state.withLock { $0.lastAttempt = attempt }
            return attempt
        }
    }

    /// Changes what lies on top of the file.
    ///
    /// - Parameters:
    ///   - edit: Judges the change by what serves, and makes it.
    /// - Throws: What `edit` throws, and 422 with all faults of a configuration that could not be used.
    /// - Returns: What serves now.
    func change(
        _ edit: (_ overlay: inout ConfigurationOverlay, _ current: Current) throws(AdminError) -> Void
    ) throws(AdminError) -> Current {
        try self.turn.withLock { _ throws(AdminError) in
            let current = self.current
            var overlay = current.loaded.overlay
            try edit(&overlay, current)
            guard overlay.changes.count <= ConfigurationOverlay.capacity else {
                throw AdminError(409, "conflict", "Too many things are changed at run time; write them into the file.")
            }
            do {
                let next = try self.loader.load(
                    current.loaded.text, overlay: overlay, overrides: current.loaded.overrides)
                return self.swap(next, try self.build(next, current.stack))
            } catch let error as ConfigurationError {
                throw .unusable(error)
            } catch {
                throw .unusable(Self.texts(error))
            }
        }
    }

    /// Checks a text as a reload would; nothing is built.
    func check(_ text: String) throws(ConfigurationError) -> Configuration {
        let loaded = self.current.loaded
        let path = loaded.text.path ?? ConfigurationLoader.defaultFile
        return try self.loader.load(
            ConfigurationText(request: path, path: path, text: text, isOnDisk: loaded.text.isOnDisk),
            overrides: loaded.overrides)
    }

    @discardableResult
    private func swap(_ configuration: Configuration, _ built: Built) -> Current {
        let stack = built.stack
        let next = Current(
            configuration: configuration, stack: stack, telemetry: built.telemetry,
            certificate: built.certificate, sockets: built.sockets, version: configuration.loaded.version,
            since: self.time.wallSeconds())
        let runner = self.state.withLock { state in
            let there = Set(stack.upstreams.map(\.configuration.name))
            for entry in state.current.stack.upstreams where !there.contains(entry.configuration.name) {
                let id = ProviderID(entry.configuration.name)
                state.retired[id.rawValue] = state.current.stack.deployments.all.filter { $0.key.provider == id }
            }
            for name in there { state.retired[name] = nil }
            state.current = next
            defer { state.runner = nil }
            return state.runner
        }
        self.install.withLock { $0 }(next)
        runner?.resume()
        return next
    }

    private static func texts(_ error: any Error) -> [String] {
        switch error {
        case let error as ConfigurationError: error.faults.map(\.description)
        case let error as NeedletailError: [error.message]
        default: ["\(error)"]
        }
    }

    /// The settings that differ and that a running process cannot take over.
    private static func restartNeeded(from old: Configuration, to new: Configuration) -> [String] {
        Fingerprint(of: old.store) == Fingerprint(of: new.store) ? [] : ["store"]
    }

    // MARK: Beside the requests

    /// Runs what goes on beside the requests, of whatever serves, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let stack = self.current.stack
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await stack.run() }
                await self.untilSwapped(from: stack)
                group.cancelAll()
            }
        }
    }

    private func untilSwapped(from stack: GatewayStack) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { runner in
                let isOver = self.state.withLock { state in
                    guard state.current.stack.directory === stack.directory, !Task.isCancelled else { return true }
                    state.runner = runner
                    return false
                }
                if isOver { runner.resume() }
            }
        } onCancel: {
            let runner = self.state.withLock { state in
                defer { state.runner = nil }
                return state.runner
            }
            runner?.resume()
        }
    }

    /// How often the file is looked at.
    static let watchInterval = Duration.seconds(2)

    /// Loads the file again whenever it says something else, while what serves wants that, until the task is cancelled.
    ///
    /// - Parameter report: Told of every try.
    func watchFile(_ report: (Attempt) -> Void) async {
        var seen = self.current.loaded.text.text
        var last = seen
        while !Task.isCancelled {
            do { try await self.time.sleep(self.time.now().advanced(by: Self.watchInterval)) } catch { return }
            guard self.current.configuration.admin.watchesFile else {
                seen = self.current.loaded.text.text
                last = seen
                continue
            }
            // One that is being written may be missing, or be half of itself: it must say the same twice.
            guard let text = try? self.loader.read(self.current.loaded.text.request), text.text != seen,
                text.path == self.current.loaded.text.path
            else { continue }
            guard text.text == last else {
                last = text.text
                continue
            }
            seen = text.text
            guard text.text != self.current.loaded.text.text, let attempt = try? self.reload("file") else { continue }
            report(attempt)
        }
    }
}
