public import NeedletailRouting

/// How questions are compared by what they mean.
public struct SemanticCacheConfiguration: Sendable, Hashable {
    /// Who makes the vectors, as a client would name it.
    public var model: String
    /// When two mean the same.
    public var options: SemanticCache.Options
}
