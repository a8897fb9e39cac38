import NIOCore
import NeedletailCore

extension OpenAIResponses: StateCarryingDialect {
    /// Hands out the ids and the encrypted state of a response's items.
    static func readState(inReply response: JSONView, _ state: (String) -> Void) {
        guard let output = response.present("output") else { return }
        for item in output.elements {
            if let id = item.present("id")?.string { state(id) }
            if let content = item.present("encrypted_content")?.string { state(content) }
        }
    }

    /// The whole response, with all of its items, stands in the event that ends it.
    static func readState(inEvent event: JSONView, _ state: (String) -> Void) {
        if let response = event.present("response") { self.readState(inReply: response, state) }
    }

    /// An item of reasoning whose state is another's goes whole. From every other item goes the id, which OpenAI would
    /// look up: <https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items>.
    ///
    /// - Throws: `.unsupported` for an item that is nothing but a reference, and for a conversation that another provider
    ///   has compacted.
    static func removeForeignState(from request: JSONView, _ edit: inout StateEdit) throws(NeedletailError) {
        guard let input = request.present("input") else { return }
        var out: [Int] = []
        for (place, item) in input.elements.enumerated() {
            let content = item.present("encrypted_content")
            let isForeignID = item.present("id")?.string.map(edit.filter.isForeign(id:)) ?? false
            switch item.present("type")?.string {
            case "reasoning":
                guard content == nil ? isForeignID : edit.filter.isForeign(content) else { break }
                out.append(place)
                edit.lose(content == nil ? .contentReasoning : .contentSignature, in: Self.id)
                continue
            case "compaction", "compaction_summary":
                guard isForeignID || edit.filter.isForeign(content) else { break }
                throw Self.foreign("A conversation that another provider has compacted can be read by nobody else.")
            case "item_reference", nil:
                guard isForeignID, item.present("content") == nil else { break }
                throw Self.foreign("An 'item_reference' names an item that only another provider keeps.")
            default: break
            }
            if isForeignID { edit.remove(["id"], of: item) }
        }
        edit.remove(out, of: input)
    }

    private static func foreign(_ reason: String) -> NeedletailError {
        NeedletailError(.unsupported, reason, parameter: "input")
    }
}
