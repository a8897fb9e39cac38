extension Scenario {
    /// A scenario is read whole; larger ones are refused.
    private static let sizeLimit = 4 << 20

    /// Reads the scenario in the file at `path`.
    ///
    /// - Parameters:
    ///   - configuration: Whose providers, models and keys it may name.
    ///   - environment: What `${NAME}` stands for.
    /// - Throws: Every fault at once, each with its place.
    public init(
        path: String,
        for configuration: Configuration,
        environment: [String: String],
        files: ConfigurationFiles = .live
    ) throws(ConfigurationError) {
        let text: String
        do { text = try files.read(path, Self.sizeLimit) } catch {
            let place = SourcePosition(file: path, line: 1, column: 1)
            throw ConfigurationError(faults: [
                ConfigurationFault(.error, at: .file(place), error.problem, "write the path of a scenario")
            ])
        }
        try self.init(yaml: text, file: path, for: configuration, environment: environment)
    }

    /// Reads a scenario.
    ///
    /// - Throws: Every fault at once, each with its place.
    public init(
        yaml: String,
        file: String,
        for configuration: Configuration,
        environment: [String: String]
    ) throws(ConfigurationError) {
        var faults = FaultCollector()
        var reader = YAMLReader(file: file, environment: environment)
        var scenario: Scenario?
        if let node = reader.read(yaml, into: &faults) {
            var validator = SchemaValidator(types: [], faults: faults)
            validator.section(node, ScenarioSchema.keys, path: "")
            var scenarioReader = ScenarioReader(configuration: configuration, faults: validator.faults)
            scenario = scenarioReader.scenario(node)
            faults = scenarioReader.faults
        }
        guard let scenario, faults.errors.isEmpty else {
            throw ConfigurationError(faults: faults.sortedErrors, warnings: faults.sortedWarnings)
        }
        self = scenario
    }
}
