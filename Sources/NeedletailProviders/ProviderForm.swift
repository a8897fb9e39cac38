public import NeedletailCore

/// Another form of a type: what differs when a setting has a certain value, or the base URL a certain end.
public struct ProviderForm: Sendable, Hashable {
    /// The setting that chooses it.
    public var setting: String
    /// The value that does.
    public var value: String
    /// The end of a base URL's path that chooses it as well, for example `/openai/v1`.
    public var pathEnd: String?
    /// Where the upstream is then; `nil` for where it always is.
    public var baseURL: String?
    /// Where its operations are then, for the dialects that are named.
    public var paths: [DialectID: OperationPaths]
    /// How it takes jobs then; `nil` for how it always does.
    public var jobs: JobKind?

    /// Creates a form.
    public init(
        when setting: String,
        is value: String,
        pathEnd: String? = nil,
        baseURL: String? = nil,
        paths: [DialectID: OperationPaths] = [:],
        jobs: JobKind? = nil
    ) {
        self.setting = setting
        self.value = value
        self.pathEnd = pathEnd
        self.baseURL = baseURL
        self.paths = paths
        self.jobs = jobs
    }
}

extension ProviderSpec {
    /// The values of all settings: those given, and what holds for the rest.
    public func settings(_ given: [String: String]) -> [String: String] {
        var values = given
        for setting in self.settings where values[setting.name] == nil { values[setting.name] = setting.fallback }
        return values
    }

    /// The description with its form chosen and the settings in its base URL.
    ///
    /// - Parameter basePath: The path of the base URL that the operator gave.
    public func resolved(_ given: [String: String], basePath: String = "") -> ProviderSpec {
        var spec = self
        let values = self.settings(given)
        let path = Self.trimmed(basePath)
        let form = self.forms.first { form in
            values[form.setting] == form.value || form.pathEnd.map { path.hasSuffix($0) } ?? false
        }
        if let form {
            if let url = form.baseURL { spec.baseURL = url }
            spec.paths.merge(form.paths) { $1 }
            if let jobs = form.jobs { spec.jobs = jobs }
        }
        spec.baseURL = spec.baseURL.map { values.reduce($0) { $0.replacing("{\($1.key)}", with: $1.value) } }
        return spec
    }

    /// A base URL's path without the end that chose a form: the form's paths begin with it.
    func basePath(_ path: String) -> String {
        let path = Self.trimmed(path)
        let end = self.forms.compactMap(\.pathEnd).first { path.hasSuffix($0) }
        return String(end.map { path.dropLast($0.count) } ?? path)
    }

    /// A required setting that nobody has given.
    public func missingSetting(_ given: [String: String]) -> ProviderSetting? {
        let values = self.settings(given)
        return self.settings.first { $0.isRequired && values[$0.name] == nil }
    }

    private static func trimmed(_ path: String) -> Substring {
        var path = path[...]
        while path.last == "/" { path = path.dropLast() }
        return path
    }
}
