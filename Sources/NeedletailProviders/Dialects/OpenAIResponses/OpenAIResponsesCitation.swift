import NeedletailCore

/// Citations of other dialects in the words of this one.
enum OpenAIResponsesCitation {
    /// The annotation; `nil` for what has no counterpart.
    ///
    /// - Parameters:
    ///   - start: Where the cited text begins, in scalars, for dialects that do not say.
    ///   - end: Where it ends.
    static func annotation(_ citation: JSONView, _ dialect: DialectID?, start: Int, end: Int) -> JSONText? {
        switch dialect {
        case .openAIResponses: return citation.text
        case .openAIChat:
            guard let inner = citation.present("url_citation"), let url = inner.present("url")?.string else {
                return nil
            }
            return Self.url(
                url, inner.present("title")?.string, start: inner.present("start_index")?.int ?? start,
                end: inner.present("end_index")?.int ?? end)
        case .anthropicMessages:
            guard citation.present("type")?.string == "web_search_result_location",
                let url = citation.present("url")?.string
            else { return nil }
            return Self.url(url, citation.present("title")?.string, start: start, end: end)
        default: return nil
        }
    }

    private static func url(_ url: String, _ title: String?, start: Int, end: Int) -> JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "url_citation")
        json.member("start_index", start)
        json.member("end_index", end)
        json.member("url", url)
        json.member("title", title ?? "")
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }
}
