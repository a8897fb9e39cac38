import NeedletailCore

/// Documents as Cohere has them: a string, or an object whose `data` is a string or an object of the user's own making.
enum CohereDocument {
    /// The document as a part: title and text where it has nothing else, the whole data as JSON text where it has.
    static func part(_ document: JSONView) -> DocumentPart {
        if let text = document.string { return DocumentPart(.text(text)) }
        guard let data = document.present("data") else { return DocumentPart(.text(document.text.description)) }
        if let text = data.string { return DocumentPart(.text(text)) }
        var title: String?
        var text: String?
        var isPlain = data.kind == .object
        for member in data.members where !member.value.isNull {
            if member.hasKey("title"), let string = member.value.string {
                title = string
            } else if member.hasKey("text"), let string = member.value.string {
                text = string
            } else {
                isPlain = false
            }
        }
        guard isPlain, let text else { return DocumentPart(.text(data.text.description)) }
        return DocumentPart(.text(text), title: title)
    }

    /// What a tool answered in the form of a document: its data, as JSON text where it is no string.
    static func output(_ document: JSONView) -> String {
        guard let data = document.present("data") else { return document.string ?? document.text.description }
        return data.string ?? data.text.description
    }

    /// Writes a document of text.
    static func write(_ text: String, title: String?, id: String?, into json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.key("data")
        json.beginObject()
        json.member("title", title)
        json.member("text", text)
        json.endObject()
        json.endObject()
    }
}
