import NIOCore
import NeedletailCore

extension AnthropicMessages: StateCarryingDialect {
    /// The signature of a block of reasoning, or what stands in the place of its text.
    private static func state(of block: JSONView) -> String? {
        switch block.present("type")?.string {
        case "thinking": block.present("signature")?.string
        case "redacted_thinking": block.present("data")?.string
        default: nil
        }
    }

    /// Hands out the signatures of a reply's blocks.
    static func readState(inReply reply: JSONView, _ state: (String) -> Void) {
        guard let content = reply.present("content") else { return }
        for block in content.elements { if let found = Self.state(of: block) { state(found) } }
    }

    static func readState(inEvent event: JSONView, _ state: (String) -> Void) {
        if let signature = event.present("delta")?.present("signature")?.string { state(signature) }
        if let block = event.present("content_block"), let found = Self.state(of: block) { state(found) }
    }

    /// A block whose signature is another's goes whole. A turn of which nothing is left goes too.
    ///
    /// Where reasoning is on with a budget, Anthropic demands that the turn which the results of tools answer begins with
    /// it; if that is gone, reasoning is turned off for this request. Adaptive reasoning has no such rule:
    /// <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking>.
    static func removeForeignState(from request: JSONView, _ edit: inout StateEdit) throws(NeedletailError) {
        guard let messages = request.present("messages") else { return }
        var emptied: [Int] = []
        var lacksReasoning = false
        for (index, message) in messages.elements.enumerated() where message.present("role")?.string == "assistant" {
            lacksReasoning = false
            guard let content = message.present("content"), content.kind == .array else { continue }
            var out: [Int] = []
            var first: JSONView?
            for (place, block) in content.elements.enumerated() {
                let isRedacted = block.present("type")?.string == "redacted_thinking"
                guard isRedacted || block.present("type")?.string == "thinking",
                    edit.filter.refuses(signature: Self.state(of: block))
                else {
                    first = first ?? block
                    continue
                }
                out.append(place)
                edit.lose(isRedacted ? .contentRedacted : .contentReasoning, in: Self.id)
            }
            guard !out.isEmpty else { continue }
            if edit.remove(out, of: content) { emptied.append(index) }
            lacksReasoning = first.flatMap(Self.state) == nil
        }
        edit.remove(emptied, of: messages)
        guard lacksReasoning, let thinking = request.present("thinking"),
            thinking.present("type")?.string == "enabled"
        else { return }
        edit.replace(thinking, with: JSONText(unchecked: #"{"type":"disabled"}"#))
        edit.lose(.reasoning, in: Self.id)
    }
}
