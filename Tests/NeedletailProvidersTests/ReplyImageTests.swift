import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

/// Images that a model or a provider's tool makes.
@Suite("Images in replies")
struct ReplyImageTests {
    /// "ABC", and what an image is told to be.
    private static let image = ImagePart(.base64(mediaType: "image/png", data: "QUJD"))

    private static let replies: [(DialectID, String)] = [
        (
            .openAIChat,
            #"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Here.","images":[{"type":"image_url","index":0,"image_url":{"url":"data:image/png;base64,QUJD"}}]},"finish_reason":"stop"}]}"#
        ),
        (
            .openAIResponses,
            #"{"id":"resp_1","model":"m","status":"completed","output":[{"id":"ig_1","type":"image_generation_call","status":"completed","output_format":"png","result":"QUJD"},{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Here.","annotations":[]}]}]}"#
        ),
        (
            .gemini,
            #"{"candidates":[{"content":{"parts":[{"text":"Here."},{"inlineData":{"mimeType":"image/png","data":"QUJD"}}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"m"}"#
        ),
        (
            .bedrockConverse,
            #"{"output":{"message":{"role":"assistant","content":[{"text":"Here."},{"image":{"format":"png","source":{"bytes":"QUJD"}}}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#
        ),
        (
            .ollamaChat,
            #"{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"Here.","images":["QUJD"]},"done":true,"done_reason":"stop"}"#
        ),
    ]
    private static let showing = Self.replies.map(\.0)

    private static func images(_ reply: ChatResponse) -> [ImagePart] {
        reply.showing(imagesIn: .openAIChat).choices.flatMap(\.content).compactMap { part in
            if case .image(let image) = part { image } else { nil }
        }
    }

    @Test("reach the client where its dialect shows them, and are named where not", arguments: Self.replies)
    func whole(_ upstream: DialectID, _ body: String) throws {
        let reply = try upstream.dialect.decodeReply(ByteBuffer(string: body))
        for client in DialectID.allCases where client != upstream {
            var out = ByteBuffer()
            let losses = try client.dialect.encodeReply(reply, created: 1, into: &out).map(\.field)
            if Self.showing.contains(client) {
                let read = try client.dialect.decodeReply(out)
                #expect(Self.images(read) == [Self.image], "\(upstream.rawValue) to \(client.rawValue)")
                #expect(read.text == "Here.")
                #expect(losses.isEmpty, "\(upstream.rawValue) to \(client.rawValue): \(losses)")
            } else {
                let names = [ModelField.replyImage, .replyOpaque].map { $0.name(in: upstream) }
                #expect(!Set(losses).isDisjoint(with: names), "\(upstream.rawValue) to \(client.rawValue)")
            }
        }
    }

    @Test("reach the client of a stream", arguments: Self.showing, Self.showing)
    func stream(_ upstream: DialectID, _ client: DialectID) throws {
        guard upstream != client else { return }
        // As the upstream would send it, by way of its own encoder.
        var sent = ByteBuffer()
        let events: [ChatEvent] = [
            .started(StreamStart(id: "r", model: "m")), .text("Here.", choice: 0), .blockEnded(choice: 0),
            .image(Self.image, choice: 0), .finished(.endTurn, stopSequence: nil, choice: 0),
            .usage(Usage(inputTokens: 1, outputTokens: 1)),
        ]
        var origin = upstream.dialect.makeStreamEncoder(Self.options(upstream, from: upstream))
        for event in events { origin.encode(event, into: &sent) }
        origin.finish(into: &sent)

        var encoder = client.dialect.makeStreamEncoder(Self.options(client, from: upstream))
        var out = ByteBuffer()
        for event in try Self.events(sent, upstream) { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        var read = ChatResponseAssembler()
        for event in try Self.events(out, client) { read.add(event) }
        var reply = read.assembled()
        reply.source = client
        #expect(Self.images(reply) == [Self.image])
        #expect(reply.text == "Here.")
        let field = ModelField.replyImage.name(in: upstream)
        #expect(!encoder.losses.contains { $0.field == field }, "\(encoder.losses)")
    }

    private static func options(_ dialect: DialectID, from source: DialectID) -> StreamEncoderOptions {
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = source
        return options
    }

    private static func events(_ bytes: ByteBuffer, _ dialect: DialectID) throws -> [ChatEvent] {
        var decoder = dialect.dialect.makeStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(bytes, into: &events)
        try decoder.finish(into: &events)
        return events
    }

    @Test("what else a tool tells of its image is named")
    func details() throws {
        let body =
            #"{"id":"resp_1","model":"m","status":"completed","output":[{"id":"ig_1","type":"image_generation_call","status":"completed","output_format":"webp","result":"QUJD","revised_prompt":"a cat","size":"1x1"}]}"#
        let reply = try OpenAIResponses.decodeReply(ByteBuffer(string: body))
        var out = ByteBuffer()
        let losses = try OpenAIChat.encodeReply(reply, created: 1, into: &out)
        #expect(Set(losses.map(\.field)) == ["output.revised_prompt", "output.size"])
        let read = try OpenAIChat.decodeReply(out)
        #expect(Self.images(read) == [ImagePart(.base64(mediaType: "image/webp", data: "QUJD"))])
        // Its own dialect keeps the item, which a client refers to by its id.
        var own = ByteBuffer()
        #expect(try OpenAIResponses.encodeReply(reply, created: 1, into: &own).isEmpty)
        #expect(String(buffer: own).contains(#""id":"ig_1""#) && String(buffer: own).contains("a cat"))
    }

    @Test("that come back from the client are seen where the assistant shows images, and are named where not")
    func sentBack() throws {
        let body =
            #"{"model":"m","input":[{"role":"user","content":"A cat."},{"id":"ig_1","type":"image_generation_call","status":"completed","output_format":"png","result":"QUJD","revised_prompt":"a cat"},{"role":"user","content":"Blue."}]}"#
        let request = try OpenAIResponses.decodeRequest(ByteBuffer(string: body))
        for upstream in DialectID.allCases where upstream != .openAIResponses {
            var out = ByteBuffer()
            let losses = try upstream.dialect.encodeRequest(request, into: &out).map(\.field)
            let sent = String(buffer: out)
            if upstream == .gemini {
                #expect(
                    sent.contains(#""role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"QUJD"}}]"#))
                #expect(losses == ["input.revised_prompt"])
            } else {
                #expect(!sent.contains("QUJD") && losses.contains(ModelField.contentOpaque.name(in: .openAIResponses)))
            }
        }
    }

    @Test(
        "sound of Gemini's stream reaches a client of chat, and is named for all others", arguments: DialectID.allCases)
    func sound(_ client: DialectID) throws {
        guard client != .gemini else { return }
        let chunk =
            #"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16;codec=pcm;rate=24000","data":"QUJD"}}],"role":"model"},"finishReason":"STOP","index":0}]}"#
        var encoder = client.dialect.makeStreamEncoder(Self.options(client, from: .gemini))
        var out = ByteBuffer()
        for event in try Self.events(ByteBuffer(string: "data: \(chunk)\n\n"), .gemini) {
            encoder.encode(event, into: &out)
        }
        encoder.finish(into: &out)
        let losses = encoder.losses.map(\.field)
        if client == .openAIChat {
            #expect(String(buffer: out).contains(#""delta":{"audio":{"data":"QUJD"}}"#))
            #expect(losses.isEmpty, "\(losses)")
        } else {
            #expect(losses.contains(ModelField.replyOpaque.name(in: .gemini)), "\(losses)")
        }
    }

    @Test("Bedrock's image may come in several pieces, each base64 by itself")
    func pieces() throws {
        var bytes = ByteBuffer()
        BedrockStreamWriter.start(into: &bytes)
        BedrockStreamWriter.startBlock(0, "image", into: &bytes) { $0.member("format", "jpeg") }
        for data in ["QQ==", "Qg==", "Qw=="] {
            BedrockStreamWriter.delta(0, into: &bytes) { json in
                json.key("image")
                json.beginObject()
                BedrockMediaFormat.writeSource(data, &json)
                json.endObject()
            }
        }
        BedrockStreamWriter.stopBlock(0, into: &bytes)
        BedrockStreamWriter.stop("end_turn", nil, into: &bytes)
        BedrockStreamWriter.metadata(Usage(), serviceTier: nil, isOwn: true, into: &bytes)
        let events = try Self.events(bytes, .bedrockConverse)
        #expect(events.contains(.image(ImagePart(.base64(mediaType: "image/jpeg", data: "QUJD")), choice: 0)))
    }
}
