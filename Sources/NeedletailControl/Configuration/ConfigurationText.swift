/// What a configuration was read from, so that it can be read again.
struct ConfigurationText: Sendable, Hashable {
    /// The file that was asked for; `nil` for the usual one where there is one, else the environment alone.
    var request: String?
    /// The file that was read; `nil` where the environment alone configures.
    var path: String?
    /// Its text; empty without a file.
    var text: String
    /// Whether it was read from a file, whose folder may hold a store.
    var isOnDisk = false

    /// The environment alone.
    static let environment = ConfigurationText(request: nil, path: nil, text: "")
}
