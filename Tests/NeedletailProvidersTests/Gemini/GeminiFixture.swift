import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

/// Short ways to say what a test does with the dialect.
enum GeminiFixture {
    static func request(_ json: String) throws -> ChatRequest {
        try Gemini.decodeRequest(ByteBuffer(string: json))
    }

    /// A request of one user message with more members.
    static func asked(_ members: String) throws -> ChatRequest {
        try self.request(#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],\#(members)}"#)
    }

    static func written(_ request: ChatRequest) throws -> (json: [String: Any], losses: [String]) {
        var out = ByteBuffer()
        let losses = try Gemini.encodeRequest(request, into: &out)
        return (try self.object(out), losses.map(\.field))
    }

    static func object(_ bytes: ByteBuffer) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes.readableBytesView)) as? [String: Any])
    }

    static func reply(_ json: String) throws -> ChatResponse {
        try Gemini.decodeReply(ByteBuffer(string: json))
    }

    /// A reply of one candidate.
    static func candidate(_ parts: String, finish: String = #""STOP""#, more: String = "") -> String {
        #"{"candidates":[{"content":{"parts":[\#(parts)],"role":"model"},"finishReason":\#(finish),"index":0\#(more)}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":3,"totalTokenCount":7},"modelVersion":"g-1","responseId":"r1"}"#
    }

    static func chunk(_ parts: String) -> String {
        #"data: {"candidates":[{"content":{"parts":[\#(parts)],"role":"model"},"index":0}],"responseId":"r1","modelVersion":"g-1"}"#
            + "\r\n\r\n"
    }

    static func last(_ finish: String = "STOP") -> String {
        #"data: {"candidates":[{"finishReason":"\#(finish)","index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":3,"totalTokenCount":7}}"#
            + "\r\n\r\n"
    }

    /// The events of a stream that comes in pieces.
    static func events(_ text: String, every size: Int = .max) throws -> [ChatEvent] {
        var decoder = GeminiStreamDecoder()
        var events: [ChatEvent] = []
        for piece in ByteBuffer(string: text).pieces(of: size) { try decoder.decode(piece, into: &events) }
        try decoder.finish(into: &events)
        return events
    }

    /// What a client of a dialect gets for events of another.
    static func stream(_ events: [ChatEvent], as client: DialectID, from source: DialectID) -> (String, [String]) {
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "req")
        options.source = source
        var encoder = client.dialect.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        return (String(buffer: out), encoder.losses.map(\.field))
    }
}

extension ByteBuffer {
    func pieces(of size: Int) -> [ByteBuffer] {
        var rest = self
        var pieces: [ByteBuffer] = []
        while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            pieces.append(piece)
        }
        return pieces
    }
}

extension [String: Any] {
    /// A value by its path: `contents.0.parts.1.text`.
    subscript(path path: String) -> Any? {
        var value: Any? = self
        for key in path.split(separator: ".") {
            if let index = Int(key) {
                let list = value as? [Any]
                value = list.flatMap { $0.indices.contains(index) ? $0[index] : nil }
            } else {
                value = (value as? [String: Any])?[String(key)]
            }
        }
        return value
    }
}
