import NIOCore
import NeedletailCore

/// A request without a word to answer asks Ollama to load its model, or to unload it with `"keep_alive": 0`.
///
/// An upstream of another kind has nothing to load: the gateway says itself that it is done.
enum OllamaLoading {
    /// The answer; `nil` if the request asks for a reply, or in another dialect.
    static func answer(_ request: ChatRequest, created clock: Int64) -> ByteBuffer? {
        guard let source = request.source, source.isOllama, request.messages.isEmpty else { return nil }
        let keepAlive = request.extensions.first { $0.path == "keep_alive" }.flatMap { try? $0.value.view() }
        let isUnloading = keepAlive?.int == 0 || keepAlive?.string == "0" || keepAlive?.string == "0s"
        var json = JSONWriter()
        json.beginObject()
        json.member("model", request.model)
        json.member("created_at", OllamaTime.text(clock))
        if source == .ollamaChat {
            json.key("message")
            json.beginObject()
            json.member("role", "assistant")
            json.member("content", "")
            json.endObject()
        } else {
            json.member("response", "")
        }
        json.member("done", true)
        json.member("done_reason", isUnloading ? "unload" : "load")
        json.endObject()
        var bytes = json.bytes
        bytes.writeStaticString("\n")
        return bytes
    }
}
