import Foundation
import NeedletailCore
import NeedletailStore
import Synchronization

/// What a configuration reads of the vault: opened at the first reference, once for a load.
final class VaultReader: Sendable {
    private struct State {
        var vault: Result<Vault, NeedletailError>?
        var used: Set<String> = []
    }

    private let path: String?
    private let configuration: VaultConfiguration
    private let environment: [String: String]
    private let files: ConfigurationFiles
    private let time: TimeSource
    private let state = Mutex(State())

    /// - Parameter path: The store; `nil` where there is none.
    init(
        path: String?, configuration: VaultConfiguration, environment: [String: String], files: ConfigurationFiles,
        time: TimeSource
    ) {
        self.path = path
        self.configuration = configuration
        self.environment = environment
        self.files = files
        self.time = time
    }

    /// The names that were asked for and found.
    var used: [String] { self.state.withLock { $0.used.sorted() } }

    /// How old a credential may be before it is warned about.
    var warnAfter: Duration { self.configuration.warnAfter }
    /// How long a value has been there.
    func age(_ value: VaultValue) -> Duration { .seconds(max(0, self.time.wallSeconds() - value.created)) }

    /// The versions of a name that may be used, the newest first; at least one.
    ///
    /// - Throws: Why there is none, in words that follow "is in the vault, and".
    func values(_ name: String) throws(NeedletailError) -> [VaultValue] {
        let vault = try self.vault()
        let values = try vault.values(name)
        guard values.isEmpty else {
            self.state.withLock { _ = $0.used.insert(name) }
            return values
        }
        let names = try vault.list().map(\.name)
        let nearest = NearestNames.nearestNames(to: name, among: names, limit: 1).first
        throw NeedletailError(
            .notFound, "The vault has no secret '\(name)'\(nearest.map { " (did you mean '\($0)'?)" } ?? "").")
    }

    private func vault() throws(NeedletailError) -> Vault {
        if let known = self.state.withLock({ $0.vault }) { return try known.get() }
        let made = Result { () throws(NeedletailError) in try self.open() }
        self.state.withLock { $0.vault = made }
        return try made.get()
    }

    private func open() throws(NeedletailError) -> Vault {
        guard let path = self.path else {
            throw NeedletailError(.unavailable, "This configuration keeps no store, in which the vault is.")
        }
        guard FileManager.default.fileExists(atPath: path) else {
            throw NeedletailError(.notFound, "There is no store \(path) yet.")
        }
        var vault = Vault(
            store: try SQLiteStore(path: path, mode: .read, isChecked: false), configuration: self.configuration,
            environment: self.environment)
        vault.files = self.files
        vault.time = self.time
        vault.keys = vault.freshKeys()
        return vault
    }
}
