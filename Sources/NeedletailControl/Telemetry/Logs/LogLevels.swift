import Logging
import Synchronization

/// The levels of the log, for all and for single modules; may be changed while the gateway runs.
final class LogLevels: Sendable {
    /// The name under which the lines of requests have a level.
    static let requests = "requests"
    /// The modules of this program, as they are named in the configuration.
    static let modules = [
        "requests", "core", "providers", "routing", "transport", "gateway", "control", "store",
    ]

    private struct State {
        var base: Logger.Level
        var modules: [String: Logger.Level]
    }

    private let state: Mutex<State>
    /// The lowest of all levels, as its place among them: what nobody wants is found out without the lock.
    private let lowest: Atomic<Int>

    init(_ base: Logger.Level, modules: [String: Logger.Level] = [:]) {
        self.state = Mutex(State(base: base, modules: modules))
        self.lowest = Atomic(Self.lowest(base, modules))
    }

    private static func lowest(_ base: Logger.Level, _ modules: [String: Logger.Level]) -> Int {
        let level = modules.values.reduce(base) { min($0, $1) }
        return Logger.Level.allCases.firstIndex(of: level) ?? 0
    }

    /// The lowest level of all.
    var minimum: Logger.Level { Logger.Level.allCases[self.lowest.load(ordering: .relaxed)] }

    /// The level of a module, by its name here or in Swift (`NeedletailTransport`).
    func level(of module: String) -> Logger.Level {
        self.state.withLock { $0.modules[Self.name(of: module)] ?? $0.base }
    }

    /// All levels that are set: of everything, and of modules that have their own.
    var snapshot: (base: Logger.Level, modules: [String: Logger.Level]) {
        self.state.withLock { ($0.base, $0.modules) }
    }

    /// Sets the level of everything, or of a module; `nil` lets a module follow the others again.
    func set(_ level: Logger.Level?, of module: String?) {
        let lowest = self.state.withLock { state in
            if let module {
                state.modules[Self.name(of: module)] = level
            } else if let level {
                state.base = level
            }
            return Self.lowest(state.base, state.modules)
        }
        self.lowest.store(lowest, ordering: .relaxed)
    }

    /// Sets all levels.
    func replace(_ base: Logger.Level, _ modules: [String: Logger.Level]) {
        self.state.withLock { $0 = State(base: base, modules: modules) }
        self.lowest.store(Self.lowest(base, modules), ordering: .relaxed)
    }

    private static func name(of module: String) -> String {
        let name = module.hasPrefix("Needletail") ? String(module.dropFirst(10)) : module
        return name.isEmpty ? "control" : name.lowercased()
    }
}
