public import NeedletailCore

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
    private let time: TimeSource

    /// Creates a loader.
    ///
    /// - Parameter missingSecret: What stands for secrets that are not there, for who calls nobody; `nil` makes them
    ///   faults.
    /// - Parameter time: For the age of credentials.
    public init(
        types: ProviderTypes,
        environment: [String: String],
        files: ConfigurationFiles = .live,
        missingSecret: String? = nil,
        time: TimeSource = .live
    ) {
        self.types = types
        self.environment = environment
        self.files = files
        self.missingSecret = missingSecret
        self.time = time
    }

    /// Reads `file`; with none, ``defaultFile`` where there is one, else the environment alone.
    ///
    /// - Throws: Every fault at once.
    public func load(file: String?, overrides: Overrides = Overrides()) throws(ConfigurationError) -> Configuration {
        try self.load(try self.read(file), overrides: overrides)
    }

    /// Reads a text. Unlike a file it has no folder to keep a store in unless it names one.
    public func load(
        text: String,
        named file: String,
        overrides: Overrides = Overrides()
    ) throws(ConfigurationError) -> Configuration {
        try self.load(ConfigurationText(request: file, path: file, text: text), overrides: overrides)
    }

    /// Uses the environment alone.
    public func load(overrides: Overrides = Overrides()) throws(ConfigurationError) -> Configuration {
        try self.load(.environment, overrides: overrides)
    }

    /// Reads what ``load(file:overrides:)`` makes a configuration of.
    func read(_ file: String?) throws(ConfigurationError) -> ConfigurationText {
        let path = file ?? Self.defaultFile
        do {
            let text = try self.files.read(path, YAMLReader.sizeLimit)
            return ConfigurationText(request: file, path: path, text: text, isOnDisk: true)
        } catch {
            if file == nil, error == .missing { return .environment }
            let position = SourcePosition(file: path, line: 1, column: 1)
            throw ConfigurationError(faults: [
                ConfigurationFault(.error, at: .file(position), error.problem, "name a readable YAML file")
            ])
        }
    }

    /// The tree of a text, and what is wrong with its syntax.
    func tree(_ text: ConfigurationText, _ faults: inout FaultCollector) -> ConfigurationNode? {
        guard let path = text.path else { return .emptyMapping }
        var reader = YAMLReader(file: path, environment: self.environment)
        return reader.read(text.text, into: &faults)
    }

    /// Makes a configuration of a text and changes on top of it.
    func load(
        _ text: ConfigurationText,
        overlay: ConfigurationOverlay = ConfigurationOverlay(),
        overrides: Overrides = Overrides()
    ) throws(ConfigurationError) -> Configuration {
        var faults = FaultCollector()
        guard let file = self.tree(text, &faults) else {
            throw ConfigurationError(faults: faults.sortedErrors, warnings: faults.sortedWarnings)
        }
        let explicit = self.withProviders(file)
        let effective = overlay.applied(to: explicit)
        let loaded = LoadedConfiguration(
            text: text, file: explicit, overlay: overlay, effective: effective, overrides: overrides)
        // Providers of the environment are found by its own rules as long as none is changed.
        let root = overlay.changesProviders ? effective : overlay.applied(to: file)
        var validator = SchemaValidator(types: self.types.all.map(\.name), faults: faults)
        if text.path != nil || !overlay.changes.isEmpty {
            validator.section(root, ConfigurationSchema.root, path: "")
        }
        return try self.build(root, loaded, validator.faults)
    }

    /// The tree with a `providers` section: where the environment makes the providers, it is written out, so that a
    /// change of one leaves the others there.
    func withProviders(_ root: ConfigurationNode) -> ConfigurationNode {
        guard root["providers"] == nil else { return root }
        var faults = FaultCollector()
        let defaults = EnvironmentDefaults(self.environment, faults: &faults)
        let providers = self.types.all.filter(defaults.configures).reduce(ConfigurationNode.emptyMapping) {
            $0.setting($1.name, to: ConfigurationNode.emptyMapping.setting("type", to: .text($1.name)))
        }
        return root.setting("providers", to: providers)
    }

    private func build(
        _ root: ConfigurationNode,
        _ loaded: LoadedConfiguration,
        _ faults: FaultCollector
    ) throws(ConfigurationError) -> Configuration {
        var faults = faults
        let defaults = EnvironmentDefaults(self.environment, faults: &faults)
        var builder = ConfigurationBuilder(
            types: self.types,
            defaults: defaults,
            secrets: SecretReader(
                environment: self.environment, files: self.files,
                folder: loaded.text.path.map { Self.folder(of: $0) } ?? "", substitute: self.missingSecret),
            time: self.time,
            isOnDisk: loaded.text.isOnDisk,
            faults: faults
        )
        var configuration = builder.configuration(root, loaded)
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
