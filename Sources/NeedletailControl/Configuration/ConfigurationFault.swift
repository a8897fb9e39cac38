/// One thing that is wrong, or not as it seems, in a configuration.
///
/// Neither text ever holds a value that came from the environment or from a secret.
public struct ConfigurationFault: Sendable, Hashable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Sendable, Hashable {
        /// The configuration cannot be used.
        case error
        /// The configuration can be used, and somebody should know.
        case warning
    }

    /// Where it is.
    public enum Place: Sendable, Hashable, CustomStringConvertible {
        /// In a file.
        case file(SourcePosition)
        /// In an environment variable.
        case environment(String)
        /// In a command's option.
        case option(String)

        /// The place as it is printed.
        public var description: String {
            switch self {
            case .file(let position): position.description
            case .environment(let name): "environment variable \(name)"
            case .option(let name): "option \(name)"
            }
        }
    }

    /// How bad it is.
    public var severity: Severity
    /// Where it is.
    public var place: Place
    /// What is wrong.
    public var problem: String
    /// What to write.
    public var remedy: String

    /// Creates a fault.
    public init(_ severity: Severity, at place: Place, _ problem: String, _ remedy: String) {
        self.severity = severity
        self.place = place
        self.problem = problem
        self.remedy = remedy
    }

    /// `file:line:column: what is wrong; what to write`.
    public var description: String {
        let prefix = self.severity == .warning ? "warning: " : ""
        return "\(self.place): \(prefix)\(self.problem); \(self.remedy)"
    }
}

/// Why a configuration cannot be used: every fault at once.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// The errors, in the order of the file.
    public var faults: [ConfigurationFault]
    /// What was found beside them.
    public var warnings: [ConfigurationFault]

    /// Creates an error.
    public init(faults: [ConfigurationFault], warnings: [ConfigurationFault] = []) {
        self.faults = faults
        self.warnings = warnings
    }

    /// One line per fault.
    public var description: String {
        self.faults.map(\.description).joined(separator: "\n")
    }
}
