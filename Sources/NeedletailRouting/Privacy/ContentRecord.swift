import NIOCore
public import NeedletailCore

/// A request and its reply, for whoever keeps what was said.
public struct ContentRecord: Sendable {
    /// Whose it is.
    public let info: RequestInfo
    /// The request, as it went upstream.
    public let request: InferenceRequest
    /// Who answered; `nil` for nobody.
    public var provider: ProviderID?
    /// The reply in the client's dialect, whole or as a stream; `nil` for none or one that was too long.
    public var reply: WireBody?
    /// Whether ``reply`` is a stream.
    public var isStream = false
    /// Whether the reply was too long.
    public var isCut = false

    /// About how many bytes it takes to keep it.
    public var size: Int {
        let asked =
            switch self.request.body {
            case .wire(let wire, _): wire.bytes.readableBytes
            // Three bytes for a token, as in the guess that this was made by.
            case .model: max(1_024, self.request.estimatedInputTokens * 3)
            }
        return 512 + asked + (self.reply?.bytes.readableBytes ?? 0)
    }

    /// The record as it is kept: texts alone, with a word in the place of everything sensitive.
    ///
    /// - Parameters:
    ///   - wallMilliseconds: The end, in milliseconds since 1970 UTC.
    ///   - limit: The most bytes of the request's texts, and of the reply's.
    ///   - dialects: The code behind a dialect's name.
    public func stored(
        at wallMilliseconds: Int64, limit: Int, dialects: (DialectID) -> any Dialect.Type
    ) -> StoredContent {
        var collector = TextCollector()
        var request = self.request
        // A collector throws nothing.
        try? request.visitTexts(&collector)
        var isCut = self.isCut
        let asked = Self.json(collector.texts, limit: limit, &isCut)
        let answered = self.answer(dialects).map { Self.json($0.hookTexts, limit: limit, &isCut) }
        return StoredContent(
            wallMilliseconds: wallMilliseconds, requestID: self.info.id, key: self.info.keyName ?? "",
            tenant: self.info.tenant ?? "", user: self.request.user ?? "", model: self.request.model,
            provider: self.provider?.rawValue ?? "", request: asked, reply: answered ?? "", isCut: isCut)
    }

    private func answer(_ dialects: (DialectID) -> any Dialect.Type) -> ChatResponse? {
        guard let reply = self.reply, self.request.operation == .chat else { return nil }
        let dialect = dialects(reply.dialect)
        guard self.isStream else { return try? dialect.decodeReply(reply.bytes) }
        var decoder = dialect.makeStreamDecoder()
        var events: [ChatEvent] = []
        // Of a stream that broke, what came before.
        try? decoder.decode(reply.bytes, into: &events)
        var assembler = ChatResponseAssembler()
        for event in events { assembler.add(event) }
        return assembler.assembled()
    }

    private static func json(_ texts: [HookCall.Text], limit: Int, _ isCut: inout Bool) -> String {
        var json = JSONWriter()
        json.beginArray()
        var rest = limit
        for text in texts {
            guard rest > 0 else {
                isCut = true
                break
            }
            var shown = Self.redacted(text.text)
            if shown.utf8.count > rest {
                shown = String(decoding: shown.utf8.prefix(rest), as: UTF8.self)
                isCut = true
            }
            rest -= shown.utf8.count
            json.beginObject()
            json.member("path", text.path)
            json.member("role", text.role)
            json.member("text", shown)
            json.endObject()
        }
        json.endArray()
        return String(buffer: json.bytes)
    }

    /// A text with the kind's name in the place of everything sensitive.
    static func redacted(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var matches: [SensitiveMatch] = []
        SensitiveScanner.scan(bytes.span, for: .all, into: &matches)
        guard !matches.isEmpty else { return text }
        return TextEdit.applied(
            matches.map { TextEdit(range: $0.range, replacement: "[\($0.kind.name)]") }, to: bytes)
    }
}
