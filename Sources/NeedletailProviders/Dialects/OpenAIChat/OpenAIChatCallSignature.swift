import NeedletailCore

/// The thought signature of a call or a message, where Google's own OpenAI layer has it: `extra_content.google.thought_signature`.
///
/// <https://ai.google.dev/gemini-api/docs/thought-signatures#openai>. In the model it is reasoning without text directly
/// before the call.
enum OpenAIChatCallSignature {
    /// The signature beside a call, or in a message.
    static func read(_ call: JSONView) -> String? {
        guard let google = call.present("extra_content")?.present("google"),
            let signature = google.present("thought_signature")?.string, !signature.isEmpty
        else { return nil }
        return signature
    }

    /// The signature at `index`, if it is that of the call after it.
    static func at(_ index: Int, in content: [ContentPart]) -> String? {
        guard case .reasoning(let part) = content[index], part.text.isEmpty, index + 1 < content.count,
            case .toolCall = content[index + 1]
        else { return nil }
        return part.signature
    }

    /// Writes `extra_content`, if there is a signature.
    static func write(_ signature: String?, into json: inout JSONWriter) {
        guard let signature else { return }
        json.key("extra_content")
        json.beginObject()
        json.key("google")
        json.beginObject()
        json.member("thought_signature", signature)
        json.endObject()
        json.endObject()
    }
}
