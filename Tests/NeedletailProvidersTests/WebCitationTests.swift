import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

/// A web page that a reply cites is told in the client's own form, wherever that has one.
@Suite("Citations of web pages")
struct WebCitationTests {
    private static let citations: [(DialectID, String)] = [
        (
            .openAIChat,
            #"{"type":"url_citation","url_citation":{"start_index":0,"end_index":4,"url":"https://u","title":"T"}}"#
        ),
        (.openAIResponses, #"{"type":"url_citation","start_index":0,"end_index":4,"url":"https://u","title":"T"}"#),
        (
            .anthropicMessages,
            #"{"type":"web_search_result_location","url":"https://u","title":"T","cited_text":"c","encrypted_index":"e"}"#
        ),
        (
            .anthropicMessages,
            #"{"type":"search_result_location","source":"https://u","title":"T","cited_text":"c","search_result_index":0}"#
        ),
        (
            .bedrockConverse,
            #"{"title":"T","sourceContent":[{"text":"c"}],"location":{"web":{"url":"https://u","domain":"u"}}}"#
        ),
        (
            .cohereChat,
            #"{"start":0,"end":4,"text":"blue","sources":[{"type":"tool","id":"x","tool_output":{"url":"https://u","title":"T"}}]}"#
        ),
    ]

    @Test(
        "Whole and streamed", arguments: citations.indices,
        [DialectID.openAIChat, .openAIResponses, .gemini, .cohereChat])
    func pairs(_ index: Int, _ client: DialectID) throws {
        let (source, citation) = Self.citations[index]
        var text = TextPart("blue")
        text.citations = JSONText(unchecked: "[\(citation)]")
        text.citationDialect = source
        var reply = ChatResponse(
            id: "r", model: "m", choices: [ChatChoice(content: [.text(text)], stopReason: .endTurn)])
        reply.source = source
        var whole = ByteBuffer()
        let losses = try client.dialect.encodeReply(reply, created: 1, into: &whole).map(\.field)
        #expect(losses == [] && String(buffer: whole).contains("https://u"), "\(losses)")
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = source
        var encoder = client.dialect.makeStreamEncoder(options)
        var stream = ByteBuffer()
        for event in [
            ChatEvent.started(StreamStart(id: "r", model: "m")), .text("blue", choice: 0),
            .citation(JSONText(unchecked: citation), dialect: source, choice: 0),
            .finished(.endTurn, stopSequence: nil, choice: 0),
        ] { encoder.encode(event, into: &stream) }
        encoder.finish(into: &stream)
        #expect(encoder.losses.isEmpty && String(buffer: stream).contains("https://u"), "\(encoder.losses)")
    }

    @Test(
        "What is no page is none",
        arguments: [
            (DialectID.anthropicMessages, #"{"type":"search_result_location","source":"shelf 7","title":"T"}"#),
            (.bedrockConverse, #"{"title":"T","location":{"documentChar":{"documentIndex":0,"start":0,"end":1}}}"#),
        ])
    func others(_ dialect: DialectID, _ citation: String) throws {
        let view = try JSONDocument(ByteBuffer(string: citation)).root
        #expect(WebCitation(view, dialect, start: 0, end: 4) == nil)
    }

    @Test("Sources that a server tells before its text wait for that")
    func early() throws {
        let citation = Self.citations[0].1
        let chunk = { (delta: String, finish: String) in
            #"data: {"id":"r","choices":[{"index":0,"delta":"# + delta + #","finish_reason":"# + finish + "}]}\n\n"
        }
        var decoder = OpenAIChat.makeStreamDecoder()
        var events: [ChatEvent] = []
        let stream =
            chunk(#"{"content":"","annotations":["# + citation + "]}", "null") + chunk(#"{"content":"blue"}"#, "null")
            + chunk("{}", #""stop""#) + "data: [DONE]\n\n"
        try decoder.decode(ByteBuffer(string: stream), into: &events)
        #expect(
            events.dropFirst() == [
                .text("blue", choice: 0), .citation(JSONText(unchecked: citation), dialect: .openAIChat, choice: 0),
                .finished(.endTurn, stopSequence: nil, choice: 0),
            ])
    }
}
