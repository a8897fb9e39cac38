import Foundation
import NeedletailControl

/// Loads the configuration for a command.
enum ConfigurationSource {
    static func load(
        _ file: String?,
        overrides: ConfigurationLoader.Overrides = .init()
    ) throws(ConfigurationError) -> Configuration {
        let loader = ConfigurationLoader(types: .version, environment: ProcessInfo.processInfo.environment)
        return try loader.load(file: file, overrides: overrides)
    }
}
