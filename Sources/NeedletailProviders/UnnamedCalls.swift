import NeedletailCore

/// Calls to which their provider gave no id, in replies that have none either: the dialects, which know no chance, give
/// each turn's first call the same one, and upstreams refuse a conversation that holds an id twice.
enum UnnamedCalls {
    /// How ``OpenAIChat/callID(_:_:_:)`` begins without a reply's id.
    private static let prefix = "call__"

    /// The id, made one of this request's.
    static func named(_ id: String, in requestID: String) -> String {
        guard id.hasPrefix(self.prefix) else { return id }
        return "call_\(OpenAIChat.callIDPart(requestID))\(id.dropFirst(5))"
    }

    /// Names the calls of a whole reply.
    static func name(in reply: inout ChatResponse, of requestID: String) {
        for choice in reply.choices.indices {
            for place in reply.choices[choice].content.indices {
                guard case .toolCall(var call) = reply.choices[choice].content[place],
                    call.id.hasPrefix(self.prefix)
                else { continue }
                call.id = self.named(call.id, in: requestID)
                reply.choices[choice].content[place] = .toolCall(call)
            }
        }
    }

    /// Names a call of a stream.
    static func name(_ event: inout ChatEvent, of requestID: String) {
        guard case .toolCallStarted(let index, let id, let name, let isCustom, let choice) = event,
            id.hasPrefix(self.prefix)
        else { return }
        event = .toolCallStarted(
            index: index, id: self.named(id, in: requestID), name: name, isCustom: isCustom, choice: choice)
    }
}
