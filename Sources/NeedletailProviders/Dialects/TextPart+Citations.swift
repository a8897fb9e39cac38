import NeedletailCore

extension TextPart {
    /// Puts annotations in the words of OpenAI's chat beside the text, in the place of what it cited.
    mutating func cite(_ annotations: [JSONText]) {
        var json = JSONWriter()
        json.beginArray()
        for annotation in annotations { json.raw(annotation) }
        json.endArray()
        self.citations = JSONText(unchecked: json.bytes)
        self.citationDialect = .openAIChat
    }
}
