import NIOCore
import NeedletailCore

extension Gemini: StateCarryingDialect {
    private static func signature(of part: JSONView) -> JSONView? {
        GeminiField.value(part, "thoughtSignature", "thought_signature")
    }

    /// Hands out the signatures of a reply's parts, or of a chunk's, which has the same form.
    static func readState(inReply reply: JSONView, _ state: (String) -> Void) {
        for candidate in (reply.present("candidates") ?? reply).elements {
            guard let parts = candidate.present("content")?.present("parts") else { continue }
            for part in parts.elements {
                if let signature = Self.signature(of: part)?.string { state(GeminiSignature.read(signature)) }
            }
        }
    }

    static func readState(inEvent event: JSONView, _ state: (String) -> Void) {
        self.readState(inReply: event, state)
    }

    /// Whether a chunk has a signature.
    static func holdsState(_ chunk: JSONView) -> Bool {
        var isThere = false
        self.readState(inReply: chunk) { _ in isThere = true }
        return isThere
    }

    /// A signature that is another's goes, and with it a part that holds nothing else. A call of a model that demands one
    /// gets Google's word for calls from elsewhere, as does a call that another provider made without any.
    static func removeForeignState(from request: JSONView, _ edit: inout StateEdit) throws(NeedletailError) {
        let body = request.present("generateContentRequest") ?? request
        guard let contents = body.present("contents") else { return }
        let demandsSignatures = GeminiModelVersion(edit.model).demandsSignatures
        var emptied: [Int] = []
        for (index, content) in contents.elements.enumerated() where content.present("role")?.string == "model" {
            guard let parts = content.present("parts"), parts.kind == .array else { continue }
            var out: [Int] = []
            var hasCall = false
            for (place, part) in parts.elements.enumerated() {
                let call = GeminiField.value(part, "functionCall", "function_call")
                defer { if call != nil { hasCall = true } }
                guard let signature = Self.signature(of: part) else {
                    // Of calls that were made at once only the first has one.
                    if demandsSignatures, !hasCall, let call, let id = call.present("id")?.string,
                        edit.filter.isForeign(id: id)
                    {
                        edit.add("thoughtSignature", Self.foreignCall, after: call)
                    }
                    continue
                }
                guard Self.isForeign(signature, edit.filter) else { continue }
                edit.lose(.contentSignature, in: Self.id)
                if call != nil, demandsSignatures {
                    edit.replace(signature, with: Self.foreignCall)
                } else if call == nil, part.present("text")?.string?.isEmpty == true {
                    out.append(place)
                } else {
                    edit.remove(["thoughtSignature", "thought_signature"], of: part)
                }
            }
            if edit.remove(out, of: parts) { emptied.append(index) }
        }
        edit.remove(emptied, of: contents)
    }

    private static let foreignCall = JSONText(string: GeminiContentWriter.foreignCallSignature)

    /// What the gateway has marked as none of Google's is foreign even if nobody remembers it.
    private static func isForeign(_ spelled: JSONView, _ filter: StateFilter) -> Bool {
        guard let spelled = spelled.string, !spelled.isEmpty else { return false }
        let signature = GeminiSignature.read(spelled)
        return filter.isForeign(signature) || GeminiSignature.isMarked(spelled)
    }
}
