import NeedletailCore

/// The pages that Perplexity names beside the choices, as `citations` (URLs) and `search_results`, and to which its text
/// refers by number: <https://docs.perplexity.ai/api-reference/chat-completions-post>.
enum OpenAIChatSources {
    /// More than any reply names; a lying server cannot make the list grow.
    private static let limit = 1024

    /// Whether pages are named. Most chunks have one list, that of their choices, and cost a look at the kinds of values.
    static func areIn(_ root: JSONView) -> Bool {
        root.hasList(under: "citations", or: "search_results")
    }

    /// The pages as annotations of a text, without a place in it; empty if there are none.
    static func annotations(_ root: JSONView) -> [JSONText] {
        let results = root.present("search_results") ?? root.present("citations")
        guard let results, results.kind == .array else { return [] }
        var annotations: [JSONText] = []
        for result in results.elements {
            guard annotations.count < self.limit, let url = result.string ?? result.present("url")?.string, !url.isEmpty
            else { continue }
            var json = JSONWriter()
            json.beginObject()
            json.member("type", "url_citation")
            json.key("url_citation")
            json.beginObject()
            json.member("url", url)
            json.member("title", result.present("title")?.string ?? "")
            json.endObject()
            json.endObject()
            annotations.append(JSONText(unchecked: json.bytes))
        }
        return annotations
    }

    /// Which of the members say no more than the annotations.
    static func read(_ root: JSONView) -> [StaticString] {
        var read: [StaticString] = []
        let results = root.present("search_results")
        if let citations = root.present("citations"), citations.kind == .array {
            let urls = results.map { Set($0.elements.compactMap { $0.present("url")?.string }) }
            let isRead = citations.elements.allSatisfy { citation in
                guard let url = citation.string else { return false }
                return urls?.contains(url) ?? true
            }
            if isRead { read.append("citations") }
        }
        if let results, results.kind == .array {
            let known: [StaticString] = ["url", "title"]
            let isRead = results.elements.allSatisfy { result in
                result.present("url")?.string != nil
                    && result.members.allSatisfy { member in
                        known.contains { member.hasKey($0) } || member.value.saysNothing
                    }
            }
            if isRead { read.append("search_results") }
        }
        return read
    }

    /// Puts the pages beside the text of `choice`, unless it cites some itself.
    ///
    /// - Returns: Whether it has a text.
    static func cite(_ root: JSONView, in choice: inout ChatChoice) -> Bool {
        var last: Int?
        for index in choice.content.indices {
            guard case .text(let part) = choice.content[index] else { continue }
            if part.citations != nil { return false }
            last = index
        }
        guard let last, case .text(var part) = choice.content[last] else { return false }
        let annotations = self.annotations(root)
        guard !annotations.isEmpty else { return false }
        part.cite(annotations)
        choice.content[last] = .text(part)
        return true
    }
}
