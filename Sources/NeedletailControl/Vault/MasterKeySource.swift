/// Where the master key comes from.
public enum MasterKeySource: Sendable, Hashable {
    /// An environment variable.
    case environment(String)
    /// A file.
    case file(String)
    /// What a program prints: a key management service's client, for example. The program's name, and its arguments.
    case command([String])

    /// The source as the configuration writes it.
    public var description: String {
        switch self {
        case .environment(let name): "the environment variable \(name)"
        case .file(let path): "the file '\(path)'"
        case .command(let words): "the command '\(words.first ?? "")'"
        }
    }
}
