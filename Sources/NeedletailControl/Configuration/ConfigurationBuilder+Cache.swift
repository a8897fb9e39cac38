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
}
