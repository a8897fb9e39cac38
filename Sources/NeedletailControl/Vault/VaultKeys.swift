import NeedletailCore
import Synchronization

/// The master key and the one before, each fetched when it is first asked for and once: what fetches them may be a program
/// that asks a network. Held for one piece of work, never longer.
final class VaultKeys: Sendable {
    private struct State {
        var master: Result<MasterKey, NeedletailError>?
        var previous: Result<MasterKey, NeedletailError>?
    }

    private let configuration: VaultConfiguration
    private let environment: [String: String]
    private let files: ConfigurationFiles
    private let state = Mutex(State())

    init(_ configuration: VaultConfiguration, _ environment: [String: String], _ files: ConfigurationFiles) {
        self.configuration = configuration
        self.environment = environment
        self.files = files
    }

    /// The master key, or why there is none. Blocks while it is fetched.
    var master: Result<MasterKey, NeedletailError> {
        if let known = self.state.withLock({ $0.master }) { return known }
        let read = self.read(self.configuration.masterKey)
        self.state.withLock { $0.master = read }
        return read
    }

    /// The key before it; `nil` where there is none. Blocks while it is fetched.
    var previous: MasterKey? {
        if let known = self.state.withLock({ $0.previous }) { return try? known.get() }
        let read = self.read(self.configuration.previousKey)
        self.state.withLock { $0.previous = read }
        return try? read.get()
    }

    private func read(_ source: MasterKeySource) -> Result<MasterKey, NeedletailError> {
        do throws(NeedletailError) {
            return .success(try source.read(self.environment, self.files))
        } catch {
            return .failure(error)
        }
    }
}
