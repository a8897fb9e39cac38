public import NeedletailCore

/// Where an upstream's operations are, from the base URL on.
public struct OperationPaths: Sendable, Hashable {
    /// What stands after a base URL that does not end in it, for example `/openai`. One with names in braces stands only
    /// after a bare host: whoever writes a path has put the values there.
    public var prefix: String
    /// What stands between base URL and path if the URL does not end in a version of its own, for example `v1`; `nil` for
    /// nothing.
    public var version: String?
    /// One path for each operation that the upstream has. `{model}` stands for the model's name, any other name in braces
    /// for a setting of the provider.
    public var paths: [NeedletailCore.Operation: String]
    /// Where a streamed chat is asked for, if not where a whole one is.
    public var streamedChat: String?

    /// Creates paths.
    public init(
        prefix: String = "",
        version: String?,
        _ paths: [NeedletailCore.Operation: String],
        streamedChat: String? = nil
    ) {
        self.prefix = prefix
        self.version = version
        self.paths = paths
        self.streamedChat = streamedChat
    }

    /// The path before all others: the base URL's, and prefix and version if it has none.
    ///
    /// - Parameter basePath: The path of the base URL, with or without slashes at its end: `/openai/v1/`.
    func root(basePath: String) -> String {
        var parts = basePath.split(separator: "/", omittingEmptySubsequences: true)
        var version = self.version.map { Substring($0) }
        if version != nil, let last = parts.last, Self.isVersion(last) {
            version = last
            parts.removeLast()
        }
        let prefix = self.prefix.split(separator: "/", omittingEmptySubsequences: true)
        if parts.suffix(prefix.count) != prefix[...], parts.isEmpty || !self.prefix.contains("{") { parts += prefix }
        if let version { parts.append(version) }
        return parts.reduce(into: "") { $0 += "/" + $1 }
    }

    /// `v` and digits, with letters after them at most: `v1`, `v4`, `v1beta`.
    private static func isVersion(_ part: Substring) -> Bool {
        guard part.first == "v", let second = part.dropFirst().first, second.isNumber else { return false }
        return part.dropFirst().allSatisfy { $0.isNumber || ($0.isLetter && $0.isLowercase) }
    }
}

/// A path with at most one place for the model's name, taken apart once.
struct PathTemplate: Sendable, Hashable {
    private let before: String
    /// What follows the model's name; `nil` if the path has no place for it.
    private let after: String?

    /// Takes a path apart.
    ///
    /// - Parameter settings: What stands for the other names in braces; one that is not there stays as it is.
    init(_ text: String, settings: [String: String] = [:]) {
        var text = text
        for (name, value) in settings { text = text.replacing("{\(name)}", with: value) }
        let parts = text.split(separator: "{model}", maxSplits: 1, omittingEmptySubsequences: false)
        self.before = String(parts[0])
        self.after = parts.count > 1 ? String(parts[1]) : nil
    }

    /// The path for a model.
    func path(model: String) -> String {
        guard let after = self.after else { return self.before }
        return self.before + Self.encoded(model) + after
    }

    /// The name as one segment of a path (RFC 3986, section 3.3); all but the unreserved characters are encoded, as
    /// Amazon's signature wants it.
    static func encoded(_ name: String) -> String {
        var out = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                out += byte < 16 ? "%0" + digits : "%" + digits
            }
        }
        return out
    }
}
