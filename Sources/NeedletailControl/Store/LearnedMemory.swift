import Logging
import NeedletailCore
import NeedletailStore
import Synchronization

/// Keeps what groups have learned in the store: read at the start, written every now and then and at the end. Never waited
/// for by a request; a store that is away costs what was learned since the last time.
final class LearnedMemory: Sendable {
    /// How often it is written: what a crash may cost.
    static let interval = Duration.seconds(30)
    private static let beginning = "learned "

    private let store: GatewayStore
    private let groups: @Sendable () -> [LearnedGroup]
    private let time: TimeSource
    private let logger: Logger
    /// What is written, by the group's name, so that only what has changed is written again.
    private let written = Mutex<[String: String]>([:])

    /// - Parameter groups: Those of the configuration that serves.
    init(_ store: GatewayStore, time: TimeSource, logger: Logger, groups: @escaping @Sendable () -> [LearnedGroup]) {
        self.store = store
        self.groups = groups
        self.time = time
        self.logger = logger
    }

    /// Gives groups what they have learned before; called before the first request, on a thread that may block.
    func restore() {
        let groups = self.groups()
        guard let file = self.store.file, !groups.isEmpty else { return }
        do throws(NeedletailError) {
            let states = try file.states(Self.beginning)
            for group in groups {
                guard let memory = states[Self.beginning + group.name] else { continue }
                do throws(NeedletailError) { try group.restore(memory) } catch { self.warn(error, group.name) }
            }
        } catch {
            self.warn(error, "")
        }
    }

    /// Writes what has changed, until the task is cancelled.
    func run() async {
        var hasFailed = false
        while !Task.isCancelled {
            do { try await self.time.sleep(self.time.now().advanced(by: Self.interval)) } catch { return }
            do throws(NeedletailError) {
                try await self.save()
                hasFailed = false
            } catch {
                if !hasFailed { self.warn(error, "") }
                hasFailed = true
            }
        }
    }

    /// Writes what has changed; the last time before the store closes.
    func save() async throws(NeedletailError) {
        guard let file = self.store.file else { return }
        let known = self.written.withLock { $0 }
        var changed: [String: String] = [:]
        for group in self.groups() {
            let memory = group.memory
            if known[group.name] != memory { changed[group.name] = memory }
        }
        guard !changed.isEmpty else { return }
        let now = self.time.wallSeconds()
        let states = Dictionary(uniqueKeysWithValues: changed.map { (Self.beginning + $0.key, $0.value) })
        try await self.store.perform { () throws(NeedletailError) in try file.save(states: states, wallSeconds: now) }
        let saved = changed
        self.written.withLock { $0.merge(saved) { _, new in new } }
    }

    private func warn(_ error: NeedletailError, _ group: String) {
        self.logger.warning(
            "What a group has learned cannot be kept or read: \(error.message)",
            metadata: group.isEmpty ? [:] : ["needletail.group": "\(group)"])
    }
}
