import NeedletailCore

/// Sources of a reply's text, between Google's forms and OpenAI's annotations, which most clients can be told.
///
/// Google counts bytes of UTF-8, OpenAI characters (Unicode scalars).
enum GeminiCitations {
    /// The web pages that a candidate cites, as annotations of `text`, each once.
    static func annotations(_ candidate: JSONView, text: GeminiTextOffsets) -> [JSONText] {
        var annotations: [JSONText] = []
        if let metadata = GeminiField.value(candidate, "citationMetadata", "citation_metadata") {
            let list = GeminiField.value(metadata, "citationSources", "citation_sources") ?? metadata["citations"]
            for source in (list ?? metadata).elements {
                self.add(source["uri"], source["title"], source, text, &annotations)
            }
        }
        guard let metadata = GeminiField.value(candidate, "groundingMetadata", "grounding_metadata"),
            let list = GeminiField.value(metadata, "groundingChunks", "grounding_chunks")
        else { return annotations }
        let chunks = list.elements.map { $0.present("web") ?? $0.present("maps") ?? $0.present("retrievedContext") }
        let supports = GeminiField.value(metadata, "groundingSupports", "grounding_supports")
        for support in (supports ?? metadata).elements {
            guard let segment = support.present("segment") else { continue }
            let indices = GeminiField.value(support, "groundingChunkIndices", "grounding_chunk_indices")
            for index in (indices ?? metadata).elements {
                guard let index = index.int, chunks.indices.contains(index), let chunk = chunks[index] else { continue }
                self.add(chunk["uri"], chunk["title"], segment, text, &annotations)
            }
        }
        return annotations
    }

    /// Whether citations of `citationMetadata` say all that it says: pages, and nothing else of them.
    static func isWhole(_ metadata: JSONView) -> Bool {
        let known: [StaticString] = [
            "uri", "title", "startIndex", "start_index", "endIndex", "end_index", "partIndex", "part_index",
        ]
        let lists: [StaticString] = ["citationSources", "citation_sources", "citations"]
        return metadata.members.allSatisfy { member in
            guard lists.contains(where: { member.hasKey($0) }) else { return member.value.saysNothing }
            return member.value.elements.allSatisfy { source in
                source.present("uri")?.string?.isEmpty == false
                    && source.members.allSatisfy { member in
                        known.contains { member.hasKey($0) } || member.value.saysNothing
                    }
            }
        }
    }

    private static func add(
        _ uri: JSONView?, _ title: JSONView?, _ place: JSONView, _ text: GeminiTextOffsets,
        _ annotations: inout [JSONText]
    ) {
        guard let url = uri?.string, !url.isEmpty else { return }
        let part = GeminiField.value(place, "partIndex", "part_index")?.int ?? 0
        let start = GeminiField.value(place, "startIndex", "start_index")?.int ?? 0
        let end = GeminiField.value(place, "endIndex", "end_index")?.int
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "url_citation")
        json.key("url_citation")
        json.beginObject()
        json.member("start_index", text.scalar(atByte: start, part: part))
        json.member("end_index", end.map { text.scalar(atByte: $0, part: part) } ?? text.count)
        json.member("title", title?.string ?? "")
        json.member("url", url)
        json.endObject()
        json.endObject()
        let annotation = JSONText(unchecked: json.bytes)
        if !annotations.contains(annotation) { annotations.append(annotation) }
    }

    /// One of `citationSources`, for a citation of another dialect; `nil` for one that names no page.
    static func source(
        _ citation: JSONText, _ dialect: DialectID?, text: GeminiTextOffsets, from start: Int
    ) -> JSONText? {
        guard let view = try? citation.view(),
            let page = WebCitation(view, dialect, start: start, end: text.count)
        else { return nil }
        var json = JSONWriter()
        json.beginObject()
        json.member("startIndex", text.byte(atScalar: page.start))
        json.member("endIndex", text.byte(atScalar: page.end))
        json.member("uri", page.url)
        if let title = page.title, !title.isEmpty { json.member("title", title) }
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }
}

/// Places in a reply's text, counted in bytes of UTF-8 and in Unicode scalars.
///
/// Text of ASCII alone, for which they are the same, is not kept.
struct GeminiTextOffsets {
    /// How much text is kept at most, in bytes; what is beyond is counted as ASCII.
    private static let maximumText = 4 << 20

    private var ascii = 0
    private var rest = ""
    private var beyond = 0
    /// Where the parts with text began, in bytes.
    private var parts: [Int] = []

    /// The length in scalars.
    private(set) var count = 0

    private var bytes: Int { self.ascii + self.rest.utf8.count + self.beyond }

    /// Adds text.
    ///
    /// - Parameter isPart: Whether it is a part of its own; pieces of a stream are not.
    mutating func append(_ text: String, isPart: Bool = false) {
        if isPart { self.parts.append(self.bytes) }
        let count = text.scalarCount
        self.count += count
        if self.rest.isEmpty, count == text.utf8.count {
            self.ascii += text.utf8.count
        } else if self.rest.utf8.count + text.utf8.count <= Self.maximumText {
            self.rest += text
        } else {
            self.beyond += text.utf8.count
        }
    }

    /// The scalar at a byte of a part.
    func scalar(atByte offset: Int, part: Int) -> Int {
        let start = self.parts.indices.contains(part) ? self.parts[part] : 0
        let byte = max(0, start &+ offset)
        guard byte > self.ascii else { return byte }
        let utf8 = self.rest.utf8
        guard let end = utf8.index(utf8.startIndex, offsetBy: byte - self.ascii, limitedBy: utf8.endIndex) else {
            return self.count
        }
        return self.ascii + self.rest.unicodeScalars[..<end].count
    }

    /// The byte of a scalar.
    func byte(atScalar offset: Int) -> Int {
        guard offset > self.ascii else { return max(0, offset) }
        let scalars = self.rest.unicodeScalars
        guard let end = scalars.index(scalars.startIndex, offsetBy: offset - self.ascii, limitedBy: scalars.endIndex)
        else { return self.bytes }
        return self.ascii + self.rest.utf8[..<end].count
    }
}
