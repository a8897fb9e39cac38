import NeedletailCore

/// What is read of a call in a stream; all else is told as lost.
enum GeminiCallMembers {
    private static let part: [StaticString] = [
        "functionCall", "thoughtSignature", "thought", "function_call", "thought_signature",
    ]
    private static let call: [StaticString] = [
        "name", "args", "id", "partialArgs", "willContinue", "partial_args", "will_continue",
    ]
    private static let piece: [StaticString] = [
        "jsonPath", "stringValue", "numberValue", "boolValue", "nullValue", "willContinue", "json_path", "string_value",
        "number_value", "bool_value", "null_value", "will_continue",
    ]

    /// Names what nobody reads of a part with a call.
    static func look(at part: JSONView, _ call: JSONView, _ unread: inout UnreadMembers) {
        let path = "candidates.content.parts"
        unread.look(at: part, known: self.part, path: path)
        unread.look(at: call, known: self.call, path: "\(path).functionCall")
        guard let pieces = GeminiField.value(call, "partialArgs", "partial_args") else { return }
        for piece in pieces.elements {
            unread.look(at: piece, known: self.piece, path: "\(path).functionCall.partialArgs")
        }
    }
}
