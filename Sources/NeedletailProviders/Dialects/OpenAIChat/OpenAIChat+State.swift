import NIOCore
import NeedletailCore

/// State stands in members that OpenAI itself does not have: `thinking_blocks` (LiteLLM), `reasoning_details`
/// (OpenRouter), `extra_content.google.thought_signature` (Google).
extension OpenAIChat: StateCarryingDialect {
    private static let blockLists: [StaticString] = ["thinking_blocks", "reasoning_details"]

    private static func state(of block: JSONView) -> String? {
        let state = (block.present("signature") ?? block.present("data"))?.string
        return state?.isEmpty == true ? nil : state
    }

    private static func signature(beside value: JSONView) -> JSONView? {
        value.present("extra_content")?.present("google")?.present("thought_signature")
    }

    /// Hands out the state of a reply's messages, or of a chunk's deltas.
    static func readState(inReply reply: JSONView, _ state: (String) -> Void) {
        guard let choices = reply.present("choices") else { return }
        for choice in choices.elements {
            guard let message = choice.present("message") ?? choice.present("delta") else { continue }
            for list in Self.blockLists {
                for block in message.present(list)?.elements ?? message.elements {
                    if let found = Self.state(of: block) { state(found) }
                }
            }
            if let signature = Self.signature(beside: message)?.string { state(signature) }
            for call in message.present("tool_calls")?.elements ?? message.elements {
                if let signature = Self.signature(beside: call)?.string { state(signature) }
            }
        }
    }

    static func readState(inEvent event: JSONView, _ state: (String) -> Void) {
        self.readState(inReply: event, state)
    }

    /// A block whose state is another's goes whole; its text stands in `reasoning_content` too. A call of a model of
    /// Google's that demands a signature gets Google's word for calls from elsewhere.
    static func removeForeignState(from request: JSONView, _ edit: inout StateEdit) throws(NeedletailError) {
        guard let messages = request.present("messages") else { return }
        for message in messages.elements where message.present("role")?.string == "assistant" {
            var emptied: [StaticString] = []
            for key in Self.blockLists {
                guard let list = message.present(key) else { continue }
                var out: [Int] = []
                for (place, block) in list.elements.enumerated() {
                    guard let state = Self.state(of: block), edit.filter.isForeign(state) else { continue }
                    out.append(place)
                    edit.lose(.contentSignature, in: Self.id)
                }
                if edit.remove(out, of: list) { emptied.append(key) }
            }
            if !emptied.isEmpty { edit.remove(emptied, of: message) }
            Self.removeSignature(beside: message, isCall: false, &edit)
            for call in message.present("tool_calls")?.elements ?? message.elements {
                Self.removeSignature(beside: call, isCall: true, &edit)
            }
        }
    }

    private static func removeSignature(beside value: JSONView, isCall: Bool, _ edit: inout StateEdit) {
        guard let signature = Self.signature(beside: value), edit.filter.isForeign(signature) else { return }
        edit.lose(.contentSignature, in: Self.id)
        if isCall, GeminiModelVersion(edit.model).demandsSignatures {
            edit.replace(signature, with: JSONText(string: GeminiContentWriter.foreignCallSignature))
        } else if let google = value.present("extra_content")?.present("google") {
            edit.remove(["thought_signature"], of: google)
        }
    }
}
