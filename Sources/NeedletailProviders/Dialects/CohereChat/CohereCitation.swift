import NeedletailCore

/// Citations of other dialects in Cohere's form: a span of the reply's text and where it comes from.
enum CohereCitation {
    /// Converts a citation; `nil` if its dialect says something else.
    ///
    /// - Parameters:
    ///   - text: The part of the reply that it belongs to.
    ///   - start: Where that begins in the whole text, in Unicode scalars.
    static func convert(_ citation: JSONView, _ dialect: DialectID?, text: String, start: Int) -> JSONText? {
        switch dialect {
        case .cohereChat: return citation.text
        case .anthropicMessages:
            guard let cited = citation.present("cited_text")?.string else { return nil }
            let url = citation.present("url")?.string ?? citation.present("source")?.string
            let number = citation.present("document_index")?.int ?? citation.present("search_result_index")?.int ?? 0
            let title = citation.present("title")?.string ?? citation.present("document_title")?.string
            return Self.write(
                text, start..<(start + text.unicodeScalars.count), id: url ?? "doc:\(number)", title: title, url: url,
                cited: cited)
        case .openAIChat, .openAIResponses, .bedrockConverse:
            let scalars = text.unicodeScalars
            guard let page = WebCitation(citation, dialect, start: start, end: start + scalars.count),
                page.start <= page.end
            else { return nil }
            let first = max(0, min(page.start - start, scalars.count))
            let last = max(first, min(page.end - start, scalars.count))
            var span = ""
            span.unicodeScalars.append(contentsOf: scalars.dropFirst(first).prefix(last - first))
            return Self.write(
                span, page.start..<page.end, id: page.url, title: page.title, url: page.url, cited: nil)
        default: return nil
        }
    }

    private static func write(
        _ text: String, _ range: Range<Int>, id: String, title: String?, url: String?, cited: String?
    ) -> JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.member("start", range.lowerBound)
        json.member("end", range.upperBound)
        json.member("text", text)
        json.key("sources")
        json.beginArray()
        json.beginObject()
        json.member("type", "document")
        json.member("id", id)
        json.key("document")
        json.beginObject()
        json.member("id", id)
        json.member("title", title)
        json.member("url", url)
        json.member("text", cited)
        json.endObject()
        json.endObject()
        json.endArray()
        json.member("type", "TEXT_CONTENT")
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }
}
