import NIOCore
import NeedletailCore

/// Makes an OpenAI stream tell its usage: the gateway always knows it, whether the client asked or not.
///
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options>
enum StreamUsageOption {
    private static let member = ByteBuffer(string: #","stream_options":{"include_usage":true}"#)

    /// Adds to `splice` what turns the option on.
    static func turnOn(in body: ByteBuffer, _ landmarks: BodyLandmarks, _ splice: inout JSONSplice) {
        guard let range = landmarks.streamOptions else {
            splice.replace(landmarks.end..<landmarks.end, with: Self.member)
            return
        }
        let old = body.getSlice(at: body.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
        splice.replace(range, with: Self.withUsage(old))
    }

    /// The client's options, all its other fields kept, with `include_usage` true.
    private static func withUsage(_ options: ByteBuffer) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        if let view = try? JSONDocument(options).root {
            for member in view.members where !member.hasKey("include_usage") {
                json.key(member.key)
                json.raw(member.value.text)
            }
        }
        json.key("include_usage")
        json.bool(true)
        json.endObject()
        return json.bytes
    }
}
