/// Turns a file and an environment into a ``Configuration``: the one pipeline of `serve`, `check` and reload.
public struct ConfigurationLoader: Sendable {
    /// What a command line sets over a file.
    public struct Overrides: Sendable, Hashable {
        /// The API listener.
        public var api: String?
        /// The admin listener.
        public var admin: String?
        /// The log level.
        public var logLevel: String?

        /// Creates overrides.
        public init(api: String? = nil, admin: String? = nil, logLevel: String? = nil) {
            self.api = api
            self.admin = admin
            self.logLevel = logLevel
        }
    }

    /// The file that is taken when none is named.
    public static let defaultFile = "needletail.yaml"

    private let types: ProviderTypes
    private let environment: [String: String]
    private let files: ConfigurationFiles
    private let missingSecret: String?

    /// Creates a loader.
    ///
    /// - Parameter missingSecret: What stands for secrets that are not there, for who calls nobody; `nil` makes them
    ///   faults.
    public init(
        types: ProviderTypes,
        environment: [String: String],
        files: ConfigurationFiles = .live,
        missingSecret: String? = nil
    ) {
        self.types = types
        self.environment = environment
        self.files = files
        self.missingSecret = missingSecret
    }

    /// Reads `file`; with none, ``defaultFile`` where there is one, else the environment alone.
    ///
    /// - Throws: Every fault at once.
    public func load(file: String?, overrides: Overrides = Overrides()) throws(ConfigurationError) -> Configuration {
        let path = file ?? Self.defaultFile
        do {
            let text = try self.files.read(path, YAMLReader.sizeLimit)
            return try self.load(text: text, named: path, overrides: overrides, isOnDisk: true)
        } catch let error as ConfigurationError {
            throw error
        } catch {
            let failure = error as? ConfigurationFiles.Failure ?? .unreadable
            if file == nil, failure == .missing { return try self.load(overrides: overrides) }
            let position = SourcePosition(file: path, line: 1, column: 1)
            throw ConfigurationError(faults: [
                ConfigurationFault(.error, at: .file(position), failure.problem, "name a readable YAML file")
            ])
        }
    }

    /// Reads a text. Unlike a file it has no folder to keep a store in unless it names one.
    public func load(
        text: String,
        named file: String,
        overrides: Overrides = Overrides()
    ) throws(ConfigurationError) -> Configuration {
        try self.load(text: text, named: file, overrides: overrides, isOnDisk: false)
    }

    private func load(
        text: String,
        named file: String,
        overrides: Overrides,
        isOnDisk: Bool
    ) throws(ConfigurationError) -> Configuration {
        var faults = FaultCollector()
        var reader = YAMLReader(file: file, environment: self.environment)
        guard let root = reader.read(text, into: &faults) else {
            throw ConfigurationError(faults: faults.sortedErrors, warnings: faults.sortedWarnings)
        }
        var validator = SchemaValidator(types: self.types.all.map(\.name), faults: faults)
        validator.section(root, ConfigurationSchema.root, path: "")
        return try self.build(root, origin: .file(file), overrides, validator.faults, isOnDisk: isOnDisk)
    }

    /// Uses the environment alone.
    public func load(overrides: Overrides = Overrides()) throws(ConfigurationError) -> Configuration {
        let position = SourcePosition(file: "", line: 1, column: 1)
        let root = ConfigurationNode(position: position, content: .mapping([]))
        return try self.build(root, origin: .environment, overrides, FaultCollector())
    }

    private func build(
        _ root: ConfigurationNode,
        origin: Configuration.Origin,
        _ overrides: Overrides,
        _ faults: FaultCollector,
        isOnDisk: Bool = false
    ) throws(ConfigurationError) -> Configuration {
        var faults = faults
        let defaults = EnvironmentDefaults(self.environment, faults: &faults)
        let folder: String
        if case .file(let path) = origin { folder = Self.folder(of: path) } else { folder = "" }
        var builder = ConfigurationBuilder(
            types: self.types,
            defaults: defaults,
            secrets: SecretReader(
                environment: self.environment, files: self.files, folder: folder, substitute: self.missingSecret),
            isOnDisk: isOnDisk,
            faults: faults
        )
        var configuration = builder.configuration(root, origin: origin, overrides)
        guard builder.faults.errors.isEmpty else {
            throw ConfigurationError(faults: builder.faults.sortedErrors, warnings: builder.faults.sortedWarnings)
        }
        configuration.warnings = builder.faults.sortedWarnings
        return configuration
    }

    /// The folder of a path with its final slash; empty for a bare name.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[...slash])
    }
}
