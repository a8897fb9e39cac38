import NIOCore
import NeedletailCore

/// Goes through the texts of a request in JSON, in whatever dialect, and keeps what is to be spliced.
///
/// Every string counts as a text unless it is known to be none: names and ids, data and addresses of pictures and files,
/// signatures, settings. So a field that nobody has heard of is looked at rather than let through. What a tool is called
/// with, or answers, is free: there every string counts, whatever its key.
struct JSONTextWalk {
    /// What is to be replaced: raw JSON without quotes, by its place in the body.
    private(set) var edits: [(range: Range<Int>, replacement: ByteBuffer)] = []

    /// Keys whose strings are no text.
    private static let structural: Set<String> = [
        "model", "id", "type", "role", "object", "name", "call_id", "tool_call_id", "tool_use_id", "toolUseId",
        "item_id",
        "response_id", "previous_response_id", "conversation", "container", "file_id", "fileId", "url", "image_url",
        "file_url", "fileUri", "file_uri", "uri", "data", "file_data", "b64_json", "bytes", "images",
        "encrypted_content",
        "signature", "thoughtSignature", "thought_signature", "redactedContent", "detail", "format", "media_type",
        "mimeType", "mime_type", "status", "effort", "reasoning_effort", "service_tier", "tool_choice",
        "encoding_format",
        "voice", "size", "quality", "language", "keep_alive", "cache_control", "truncation", "verbosity",
        "finish_reason",
        "stop_reason", "pattern", "$ref", "$schema", "$id", "required", "const", "enum", "anthropic_version",
        "input_type",
        "embedding_types", "response_format", "modalities", "include",
    ]

    /// Keys whose objects are what a tool was called with or answered.
    private static let free: Set<String> = ["input", "args", "arguments", "response", "json", "output"]

    /// Looks at `root` and all that is in it.
    mutating func visit(_ root: JSONView, _ visitor: inout some TextVisitor) throws(NeedletailError) {
        try self.visit(root, TextPlace(path: ""), isFree: false, &visitor)
    }

    private mutating func visit(
        _ view: JSONView, _ place: TextPlace, isFree: Bool, _ visitor: inout some TextVisitor
    ) throws(NeedletailError) {
        switch view.kind {
        case .string: try self.visitText(view, place, &visitor)
        case .array:
            for (index, element) in view.elements.enumerated() {
                try self.visit(element, place.inner("\(index)"), isFree: isFree, &visitor)
            }
        case .object:
            var place = place
            if let role = view.present("role")?.string { place.role = role }
            // The data of a document may be its text, where it says so.
            let isPlain = view.present("type")?.string == "text"
            for member in view.members {
                let key = member.key
                // Under one of those keys an object is a property of a schema, or holds texts of its own.
                if !isFree, member.value.kind != .object, Self.structural.contains(key), !(isPlain && key == "data") {
                    continue
                }
                let inner = isFree || (member.value.kind == .object && Self.free.contains(key))
                try self.visit(member.value, place.inner(key), isFree: inner, &visitor)
            }
        case .null, .boolean, .number: break
        }
    }

    private mutating func visitText(
        _ view: JSONView, _ place: TextPlace, _ visitor: inout some TextVisitor
    ) throws(NeedletailError) {
        let whole = view.whole
        let range = (view.range.lowerBound + 1)..<(view.range.upperBound - 1)
        let bytes = whole.readableBytesUInt8Span
        guard !range.isEmpty else { return }
        let raw = bytes.extracting(range)
        guard !DataURL.isWhole(raw) else { return }
        guard let decoded = UnescapedText(raw) else {
            for edit in try visitor.visit(raw, at: place) { self.add(edit, edit.range, range.lowerBound) }
            return
        }
        for edit in try visitor.visit(decoded.bytes.span, at: place) {
            self.add(edit, decoded.raw(edit.range), range.lowerBound)
        }
    }

    private mutating func add(_ edit: TextEdit, _ range: Range<Int>, _ base: Int) {
        let quoted = JSONText(string: edit.replacement).bytes
        let inner = quoted.getSlice(at: quoted.readerIndex + 1, length: quoted.readableBytes - 2) ?? ByteBuffer()
        self.edits.append(((range.lowerBound + base)..<(range.upperBound + base), inner))
    }

    // MARK: What comes of it

    /// By how many bytes the body grows.
    var growth: Int { self.edits.reduce(0) { $0 + $1.replacement.readableBytes - $1.range.count } }

    /// The body with all edits made.
    func applied(to body: ByteBuffer) -> ByteBuffer {
        var splice = JSONSplice()
        for edit in self.edits { splice.replace(edit.range, with: edit.replacement) }
        return splice.applied(to: body)
    }

    /// Where the landmarks are then.
    func moved(_ landmarks: BodyLandmarks) -> BodyLandmarks {
        func moved(_ offset: Int) -> Int {
            self.edits.reduce(offset) { sum, edit in
                edit.range.upperBound <= offset ? sum + edit.replacement.readableBytes - edit.range.count : sum
            }
        }
        func moved(_ range: Range<Int>?) -> Range<Int>? { range.map { moved($0.lowerBound)..<moved($0.upperBound) } }
        var landmarks = landmarks
        landmarks.model = moved(landmarks.model)
        landmarks.streamOptions = moved(landmarks.streamOptions)
        landmarks.end = moved(landmarks.end)
        return landmarks
    }
}

extension TextPlace {
    fileprivate func inner(_ key: String) -> Self {
        TextPlace(path: self.path.isEmpty ? key : "\(self.path).\(key)", role: self.role)
    }
}
