import NeedletailCore

extension ChatRequest {
    /// Takes out the results of calls that only another dialect knows: the calls are lost on the way to `dialect`, and
    /// an answer to a call that was never made is refused by most.
    mutating func removeOrphanedResults(for dialect: DialectID, losses: inout [Loss]) {
        var lost: Set<String> = []
        for message in self.messages {
            for case .opaque(let part) in message.content where part.dialect != dialect {
                if let id = part.callID { lost.insert(id) }
            }
        }
        guard !lost.isEmpty else { return }
        for message in self.messages {
            for case .toolCall(let call) in message.content { lost.remove(call.id) }
        }
        let isOrphaned = { (part: ContentPart) in
            if case .toolResult(let result) = part { lost.contains(result.callID) } else { false }
        }
        for index in self.messages.indices.reversed() where self.messages[index].content.contains(where: isOrphaned) {
            self.messages[index].content.removeAll(where: isOrphaned)
            if self.messages[index].content.isEmpty { self.messages.remove(at: index) }
            losses.add(
                ModelField.toolResult.name(in: self.source),
                "The call that it answers is one that only its own provider knows, and was left out.")
        }
    }
}

extension OpaquePart {
    /// The id under which a result answers the part, where it is a call: OpenAI's `call_id`, elsewhere `id`.
    fileprivate var callID: String? {
        guard let view = try? self.json.view() else { return nil }
        return (view.present("call_id") ?? view.present("id"))?.string
    }
}
