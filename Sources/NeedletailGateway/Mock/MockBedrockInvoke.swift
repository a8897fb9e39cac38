import HTTPTypes
import NIOCore
import NeedletailCore

/// Claude behind Amazon Bedrock's InvokeModel as the mock speaks it: Anthropic's messages with the model in the path, and
/// streams whose frames hold Anthropic's events in base64.
///
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>
enum MockBedrockInvoke: MockDialect {
    static var requestIDHeader: String { MockBedrockConverse.requestIDHeader }
    static var failureStatus: Int { MockBedrockConverse.failureStatus }
    static var streamContentType: String { MockBedrockConverse.streamContentType }
    static var garbage: ByteBuffer { MockBedrockConverse.garbage }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        guard method == "POST", path.contains("/model/") else { return nil }
        return path.hasSuffix("/invoke") || path.hasSuffix("/invoke-with-response-stream") ? .chat : nil
    }

    static func target(path: String) -> (model: String, isStreaming: Bool)? { MockBedrockConverse.target(path: path) }

    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        guard let target = Self.target(path: path) else {
            throw MockRefusal(400, "The provided model identifier is invalid.")
        }
        guard body["anthropic_version"]?.string == "bedrock-2023-05-31" else {
            throw MockRefusal(400, "anthropic_version: Field required")
        }
        for name: StaticString in ["model", "stream"] where body[name] != nil {
            throw MockRefusal(400, "\(name): Extra inputs are not permitted")
        }
        return try MockAnthropicMessages.read(body, model: target.model, isStreaming: target.isStreaming)
    }

    static func whole(_ answer: MockAnswer) -> MockWhole { MockAnthropicMessages.whole(answer) }

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter {
        MockBedrockInvokeStream(answer)
    }

    static func tokenCount(_ tokens: Int) -> ByteBuffer { MockBedrockConverse.tokenCount(tokens) }
    static func modelList(_ names: [String]) -> ByteBuffer { MockBedrockConverse.modelList(names) }
    static func model(_ name: String) -> ByteBuffer { MockBedrockConverse.model(name) }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        MockBedrockConverse.failure(refusal, requestID: requestID)
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        MockBedrockConverse.streamFailure(refusal, requestID: requestID)
    }
}

/// Anthropic's events, each in a frame.
struct MockBedrockInvokeStream: MockStreamWriter {
    private var events: MockAnthropicMessagesStream

    init(_ answer: MockAnswer) {
        self.events = MockAnthropicMessagesStream(answer)
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        var text = ByteBuffer()
        self.events.write(piece, into: &text)
        for line in text.readableBytesView.split(separator: UInt8(ascii: "\n")) where line.starts(with: Self.data) {
            let event = Array(line.dropFirst(Self.data.count))
            // Bedrock's frames are no keep-alives.
            if event.elementsEqual(Self.ping) { continue }
            var json = JSONWriter()
            json.beginObject()
            json.member("bytes", MockBase64.encode(event))
            // Padding of a random length; here the same for the same event.
            json.member("p", String("abcdefghijklmnopqrstuvwxyz".prefix(event.count % 26)))
            json.endObject()
            out.writeImmutableBuffer(
                MockEventStream.frame(":event-type", "chunk", message: "event", payload: json.bytes))
        }
    }

    private static let data = Array("data: ".utf8)
    private static let ping = Array(#"{"type": "ping"}"#.utf8)
}
