import NIOCore
import NeedletailCore

extension BedrockConverse: StateCarryingDialect {
    /// The signature in `reasoningContent`, or what stands in the place of its text. Streams have the signature one level
    /// higher.
    private static func state(of reasoning: JSONView) -> String? {
        (reasoning.present("reasoningText")?.present("signature") ?? reasoning.present("signature")
            ?? reasoning.present("redactedContent"))?.string
    }

    /// Hands out the signatures of a reply's blocks.
    static func readState(inReply reply: JSONView, _ state: (String) -> Void) {
        guard let content = reply.present("output")?.present("message")?.present("content") else { return }
        for block in content.elements {
            if let found = block.present("reasoningContent").flatMap(Self.state) { state(found) }
        }
    }

    static func readState(inEvent event: JSONView, _ state: (String) -> Void) {
        if let found = event.present("delta")?.present("reasoningContent").flatMap(Self.state) { state(found) }
    }

    /// A block whose signature is another's goes whole, as at Anthropic. A turn of which nothing is left goes too.
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
                guard let reasoning = block.present("reasoningContent"),
                    edit.filter.refuses(signature: Self.state(of: reasoning))
                else {
                    first = first ?? block
                    continue
                }
                out.append(place)
                let isRedacted = reasoning.present("redactedContent") != nil
                edit.lose(isRedacted ? .contentRedacted : .contentReasoning, in: Self.id)
            }
            guard !out.isEmpty else { continue }
            if edit.remove(out, of: content) { emptied.append(index) }
            lacksReasoning = first?.present("reasoningContent") == nil
        }
        edit.remove(emptied, of: messages)
        let fields = request.present("additionalModelRequestFields")
        guard lacksReasoning, let thinking = fields?.present("thinking") ?? fields?.present("reasoning_config"),
            thinking.present("type")?.string == "enabled"
        else { return }
        edit.replace(thinking, with: JSONText(unchecked: #"{"type":"disabled"}"#))
        edit.lose(.reasoning, in: Self.id)
    }
}
