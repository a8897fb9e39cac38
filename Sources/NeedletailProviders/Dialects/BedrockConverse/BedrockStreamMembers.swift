import NeedletailCore

/// What is read of a stream's events; all else is told as lost. `p` is padding against those who measure the length of
/// packets.
enum BedrockStreamMembers {
    private static let block: [StaticString] = ["contentBlockIndex", "delta", "start", "p"]

    /// Names what nobody reads of an event.
    static func look(at root: JSONView, _ member: BedrockStreamMember, _ unread: inout UnreadMembers) {
        switch member {
        case .blockDelta:
            unread.look(at: root, known: self.block, path: "")
            if let delta = root.present("delta") { self.look(atDelta: delta, &unread) }
        case .blockStart:
            unread.look(at: root, known: self.block, path: "")
            if let start = root.present("start") { self.look(atStart: start, &unread) }
        case .blockStop: unread.look(at: root, known: self.block, path: "")
        case .messageStart: unread.look(at: root, known: ["role", "p"], path: "")
        case .messageStop:
            unread.look(at: root, known: ["stopReason", "additionalModelResponseFields", "p"], path: "")
            guard let fields = root.present("additionalModelResponseFields") else { return }
            unread.look(at: fields, known: ["stop_sequence"], path: "additionalModelResponseFields")
        // The tier comes too late for the start of a stream, where all others have it.
        case .metadata:
            guard root.present("usage")?.kind == .object, let metrics = root.present("metrics") else {
                return unread.look(at: root, known: ["usage", "p"], path: "")
            }
            unread.look(at: root, known: ["usage", "metrics", "p"], path: "")
            unread.look(at: metrics, known: ["latencyMs"], path: "metrics")
        case .failure, .other: break
        }
    }

    /// The member that says what a block is: one that this library knows, else the first.
    static func kind(of start: JSONView) -> JSONView.Member? {
        start.members.first { !$0.value.isNull && ($0.hasKey("toolUse") || $0.hasKey("image")) }
            ?? start.members.first { !$0.value.isNull }
    }

    private static func look(atStart start: JSONView, _ unread: inout UnreadMembers) {
        guard let first = self.kind(of: start) else { return }
        // A block that this library does not know is kept whole.
        for other in start.members where !other.value.isNull && other.key != first.key {
            unread.add("start.\(other.key)")
        }
        let type = first.value.present("type")?.string
        if first.hasKey("image") {
            unread.look(at: first.value, known: ["format"], path: "start.image")
        } else if first.hasKey("toolUse"), type == nil || type == "tool_use" {
            unread.look(at: first.value, known: ["toolUseId", "name", "type"], path: "start.toolUse")
        }
    }

    private static func look(atDelta delta: JSONView, _ unread: inout UnreadMembers) {
        unread.look(
            at: delta, known: ["text", "toolUse", "reasoningContent", "citation", "toolResult", "image"], path: "delta")
        if let call = delta.present("toolUse") { unread.look(at: call, known: ["input"], path: "delta.toolUse") }
        if let reasoning = delta.present("reasoningContent") {
            unread.look(
                at: reasoning, known: ["text", "signature", "redactedContent"], path: "delta.reasoningContent")
        }
        // An image that lies elsewhere is kept whole.
        guard let image = delta.present("image"), let source = image.present("source"), source.present("bytes") != nil
        else { return }
        unread.look(at: image, known: ["source"], path: "delta.image")
        unread.look(at: source, known: ["bytes"], path: "delta.image.source")
    }
}
