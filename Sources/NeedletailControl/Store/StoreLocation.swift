/// Where a configuration keeps its store and its administration, read without judging the rest: whoever asks what something
/// cost need not have the providers' keys.
public struct StoreLocation: Sendable, Hashable {
    /// The file.
    public var path: String
    /// The admin listener of a gateway that may be running.
    public var admin: ListenAddress
    /// The names of the configuration's own keys.
    public var keyNames: [String] = []
    /// The names of the configuration's groups; `nil` where there is no configuration to read.
    public var groupNames: [String]?
    /// How the vault is opened.
    public var vault = VaultConfiguration()
    /// The names that it asks the vault for.
    public var vaultNames: Set<String> = []

    /// Where to ask that gateway from this machine.
    public var adminURL: String {
        var address = self.admin
        if let loopback = ["0.0.0.0": "127.0.0.1", "::": "::1"][address.host] { address.host = loopback }
        return "http://\(address)"
    }

    /// Reads a configuration file; without one the file is beside nothing but the working folder.
    ///
    /// - Parameter file: `nil` for ``ConfigurationLoader/defaultFile``.
    public init(file: String?, environment: [String: String], files: ConfigurationFiles = .live) {
        let name = file ?? ConfigurationLoader.defaultFile
        let folder = ConfigurationLoader.folder(of: name)
        self.path = folder + StoreConfiguration.defaultFile
        self.admin = ListenConfiguration().admin
        guard let text = try? files.read(name, YAMLReader.sizeLimit) else { return }
        var faults = FaultCollector()
        var reader = YAMLReader(file: name, environment: environment)
        guard let root = reader.read(text, into: &faults) else { return }
        if let path = root["store"]?.text("path"), path != "off" {
            self.path = path.hasPrefix("/") ? path : folder + path
        }
        self.vaultNames = VaultReferences(root).names
        self.vault = VaultConfiguration(root["vault"]) { $0.hasPrefix("/") ? $0 : folder + $0 }
        self.keyNames = (root["keys"]?.elements ?? []).compactMap { $0.text("name") }
        self.groupNames = (root["models"]?.entries ?? []).filter(\.value.isEnabled).map(\.key)
        if let admin = root["listen"]?.text("admin").flatMap({ ListenAddress($0) }) { self.admin = admin }
    }
}
