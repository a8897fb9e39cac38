import NeedletailCore

/// A web page that a reply cites: the one kind of citation that most dialects have a form for.
struct WebCitation {
    /// Where the page is.
    let url: String
    /// What it is called.
    let title: String?
    /// Where the cited part of the reply's text begins, in Unicode scalars.
    let start: Int
    /// Where it ends.
    let end: Int

    /// Reads a citation of `dialect`; `nil` if it is of something else.
    ///
    /// - Parameters:
    ///   - start: Where the part of the text begins that the citation belongs to, for dialects that do not say more.
    ///   - end: Where that part ends.
    init?(_ citation: JSONView, _ dialect: DialectID?, start: Int, end: Int) {
        var source = citation
        var place: JSONView?
        // Whether it need not be a page.
        var isLoose = false
        var (from, to) = (citation.present("start_index")?.int ?? start, citation.present("end_index")?.int ?? end)
        switch dialect {
        case .openAIChat:
            source = citation.present("url_citation") ?? citation
            (from, to) = (source.present("start_index")?.int ?? start, source.present("end_index")?.int ?? end)
        case .openAIResponses: guard citation.present("type")?.string == "url_citation" else { return nil }
        case .anthropicMessages:
            switch citation.present("type")?.string {
            case "web_search_result_location": break
            // A result that the user gave: its source is often a page.
            case "search_result_location": isLoose = true
            default: return nil
            }
        case .bedrockConverse:
            // The title is the citation's, the address that of the place.
            guard let page = citation.present("location")?.present("web") else { return nil }
            place = page
        case .cohereChat:
            // A span of its own, and several sources, each a document or a tool's output of the user's own making.
            guard let page = Self.page(citation), let first = citation.present("start")?.int,
                let last = citation.present("end")?.int
            else { return nil }
            source = page
            (from, to) = (start + first, start + last)
        default: return nil
        }
        guard let url = (place ?? source).present(isLoose ? "source" : "url")?.string, !url.isEmpty,
            !isLoose || url.utf8.starts(with: "http".utf8)
        else { return nil }
        self.url = url
        self.title = source.present("title")?.string
        self.start = from
        self.end = to
    }

    private static func page(_ citation: JSONView) -> JSONView? {
        guard let sources = citation.present("sources") else { return nil }
        return sources.elements.lazy.compactMap { $0.present("document") ?? $0.present("tool_output") }
            .first { $0.present("url")?.string != nil }
    }

    /// Writes the members of a `url_citation`, OpenAI's form.
    func write(into json: inout JSONWriter) {
        json.member("start_index", self.start)
        json.member("end_index", self.end)
        json.member("url", self.url)
        json.member("title", self.title ?? "")
    }

    /// An annotation of chat completions.
    var chatAnnotation: JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "url_citation")
        json.key("url_citation")
        json.beginObject()
        self.write(into: &json)
        json.endObject()
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    /// An annotation of responses.
    var responsesAnnotation: JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "url_citation")
        self.write(into: &json)
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }
}
