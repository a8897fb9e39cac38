import NIOCore
import NeedletailCore

/// Judges whole replies by a ``ReplyContract``. Pure.
enum ReplyCheck {
    /// What an answer without content is told as.
    static var empty: NeedletailError {
        NeedletailError(.malformedReply, "The provider's answer was empty.", mayHaveBeenProcessed: true)
    }

    /// Throws unless every choice says something, or calls.
    static func checkContent(_ reply: ChatResponse) throws(NeedletailError) {
        guard reply.choices.isEmpty || reply.choices.contains(where: { !$0.content.contains(where: Self.isContent) })
        else { return }
        throw Self.empty
    }

    private static func isContent(_ part: ContentPart) -> Bool {
        switch part {
        case .text(let part): part.text.contains { !$0.isWhitespace }
        case .refusal(let text): !text.isEmpty
        case .reasoning, .redactedReasoning: false
        case .image, .document, .audio, .toolCall, .toolResult, .opaque: true
        }
    }

    /// Throws where an answer that had to be JSON is none, or does not follow its schema. An answer that calls a tool or
    /// declines has no JSON to show.
    static func checkJSON(
        _ reply: ChatResponse, _ format: ResponseFormat?, _ contract: ReplyContract
    ) throws(NeedletailError) {
        for choice in reply.choices where !Self.isExcused(choice) {
            var text = ""
            for case .text(let part) in choice.content { text += part.text }
            let isCut = choice.stopReason == .maxTokens || choice.stopReason == .contextWindow
            guard isCut ? contract.refusesTruncated : contract.refusesInvalidJSON else { continue }
            guard let document = try? JSONDocument(ByteBuffer(string: text)), document.root.kind == .object || !isCut
            else {
                throw Self.failure(isCut ? "is JSON that a limit cut off" : "is not JSON, which was asked for")
            }
            switch format {
            case .jsonObject where document.root.kind != .object:
                throw Self.failure("is no JSON object, which was asked for")
            case .jsonSchema(_, _, let schema, _):
                if let schema = try? schema.view(), let fault = SchemaCheck(schema).fault(of: document.root) {
                    throw Self.failure("does not follow the request's schema: \(fault)")
                }
            default: break
            }
        }
    }

    private static func isExcused(_ choice: ChatChoice) -> Bool {
        switch choice.stopReason {
        case .toolCalls, .refusal, .contentFilter, .pauseTurn: return true
        default: break
        }
        return choice.content.contains { part in
            switch part {
            case .toolCall, .refusal: true
            default: false
            }
        }
    }

    private static func failure(_ what: String) -> NeedletailError {
        NeedletailError(.malformedReply, "The provider's answer \(what).", mayHaveBeenProcessed: true)
    }
}
