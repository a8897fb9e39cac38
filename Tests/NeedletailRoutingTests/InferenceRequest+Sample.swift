import NIOCore
import NeedletailCore

extension InferenceRequest {
    /// A request of no content.
    static func sample(_ model: String = "m") -> Self {
        Self(
            operation: .chat, model: model,
            body: .wire(WireBody(dialect: .openAIChat, bytes: ByteBuffer()), BodyLandmarks()),
            replyDialect: .openAIChat)
    }
}
