import HTTPTypes
import NeedletailCore

/// The paths of one upstream, built once from its base URL.
///
/// A final `/v1` in the base URL may be there or not; another version (`/v4`) is kept. What stands before it is a prefix
/// of every path.
struct UpstreamEndpoint: Sendable, Hashable {
    /// What comes before `/chat/completions` and the like, version included: `/openai/v1`.
    let root: String

    /// Creates the paths.
    ///
    /// - Parameter basePath: The path of the base URL, with or without slashes at its end: `/openai/v1/`.
    init(basePath: String) {
        var parts = basePath.split(separator: "/", omittingEmptySubsequences: true)
        var version: Substring = "v1"
        if let last = parts.last, Self.isVersion(last) {
            version = last
            parts.removeLast()
        }
        self.root = parts.reduce(into: "") { $0 += "/" + $1 } + "/" + version
    }

    /// The path of an operation in a dialect.
    func path(for operation: NeedletailCore.Operation, in dialect: DialectID) -> String {
        switch (operation, dialect) {
        case (.listModels, _): self.root + "/models"
        case (_, .openAIChat): self.root + "/chat/completions"
        case (.countTokens, .anthropicMessages): self.root + "/messages/count_tokens"
        case (.chat, .anthropicMessages): self.root + "/messages"
        }
    }

    /// `v` and digits, with letters after them at most: `v1`, `v4`, `v1beta`.
    private static func isVersion(_ part: Substring) -> Bool {
        guard part.first == "v", let second = part.dropFirst().first, second.isNumber else { return false }
        return part.dropFirst().allSatisfy { $0.isNumber || ($0.isLetter && $0.isLowercase) }
    }
}
