/// Gathers faults while a configuration is read, so that all of them are reported at once.
struct FaultCollector {
    /// More than this many are not worth reading; the rest is counted.
    static let limit = 200

    private(set) var errors: [ConfigurationFault] = []
    private(set) var warnings: [ConfigurationFault] = []

    mutating func error(at place: ConfigurationFault.Place, _ problem: String, _ remedy: String) {
        self.add(ConfigurationFault(.error, at: place, problem, remedy), to: \.errors)
    }

    mutating func error(at position: SourcePosition, _ problem: String, _ remedy: String) {
        self.error(at: .file(position), problem, remedy)
    }

    mutating func warning(at place: ConfigurationFault.Place, _ problem: String, _ remedy: String) {
        self.add(ConfigurationFault(.warning, at: place, problem, remedy), to: \.warnings)
    }

    mutating func warning(at position: SourcePosition, _ problem: String, _ remedy: String) {
        self.warning(at: .file(position), problem, remedy)
    }

    /// The errors in the order of the file; what has no position comes last.
    var sortedErrors: [ConfigurationFault] { Self.sorted(self.errors) }
    /// The warnings in the order of the file; what has no position comes last.
    var sortedWarnings: [ConfigurationFault] { Self.sorted(self.warnings) }

    private mutating func add(_ fault: ConfigurationFault, to list: WritableKeyPath<Self, [ConfigurationFault]>) {
        guard self[keyPath: list].count < Self.limit, !self[keyPath: list].contains(fault) else { return }
        self[keyPath: list].append(fault)
    }

    private static func sorted(_ faults: [ConfigurationFault]) -> [ConfigurationFault] {
        faults.enumerated().sorted { left, right in
            switch (left.element.place, right.element.place) {
            case (.file(let first), .file(let second)) where first != second: first < second
            case (.file, .file): left.offset < right.offset
            case (.file, _): true
            case (_, .file): false
            default: left.offset < right.offset
            }
        }.map(\.element)
    }
}
