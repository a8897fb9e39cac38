import NeedletailRouting

extension ConfigurationBuilder {
    /// The reply cache: `true`, or a mapping that is not switched off.
    mutating func cache(_ node: ConfigurationNode?) -> ResponseCache.Options? {
        guard let node, node.scalar?.text != "false", node.isEnabled else { return nil }
        var options = ResponseCache.Options()
        assign(node.duration("ttl"), to: &options.lifetime)
        assign(node.text("max_size").flatMap { SizeText.parse($0) }, to: &options.maximumSize)
        assign(node.text("max_reply_size").flatMap { SizeText.parse($0) }, to: &options.maximumReplySize)
        if options.maximumReplySize > options.maximumSize {
            self.faults.error(
                at: (node["max_reply_size"] ?? node["max_size"] ?? node).position,
                "one reply may be larger than the whole cache", "write a max_reply_size of at most max_size")
        }
        return options
    }

    /// How replies are kept in the store: `true`, or a mapping.
    func cacheStore(_ node: ConfigurationNode?) -> CacheStoreConfiguration? {
        guard let node, node.scalar?.text != "false", node.isEnabled, let persist = node["persist"],
            persist.scalar?.text != "false"
        else { return nil }
        var configuration = CacheStoreConfiguration()
        assign(persist.text("max_size").flatMap { SizeText.parse($0) }, to: &configuration.maximumSize)
        assign(persist.duration("wait"), to: &configuration.wait)
        return configuration
    }

    /// What compares questions by what they mean; `nil` for nothing.
    mutating func semanticCache(_ node: ConfigurationNode?, _ references: References) -> SemanticCacheConfiguration? {
        guard let cache = node, cache.scalar?.text != "false", cache.isEnabled, let node = cache["semantic"],
            case .mapping = node.content
        else { return nil }
        guard let model = node.text("embeddings") else {
            if node["embeddings"] == nil {
                self.faults.error(
                    at: node.position, "the semantic cache has no 'embeddings'",
                    "write the model that makes them, for example { embeddings: openai/text-embedding-3-small }")
            }
            return nil
        }
        switch references.resolve(model) {
        case .group, .provider(_, .some): break
        case .provider(_, nil), nil:
            self.faults.error(
                at: node["embeddings"]?.position ?? node.position,
                "'\(model)' is no group and no provider/model of this configuration",
                "write for example openai/text-embedding-3-small")
        }
        var options = SemanticCache.Options()
        assign(node.double("threshold"), to: &options.threshold)
        assign(node.int("max_entries"), to: &options.maximumCount)
        return SemanticCacheConfiguration(model: model, options: options)
    }
}
