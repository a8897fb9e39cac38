public import NeedletailCore

extension AnthropicMessages {
    /// What watches a passed-through stream.
    public static func makeStreamTap() -> any StreamTap { AnthropicMessagesStreamTap() }

    /// What reads an upstream's stream.
    public static func makeStreamDecoder() -> any StreamDecoder { AnthropicMessagesStreamDecoder() }

    /// What writes a client's stream.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        AnthropicMessagesStreamEncoder(options)
    }
}
