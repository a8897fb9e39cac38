public import NeedletailCore

extension BedrockConverse {
    /// What watches a passed-through stream.
    public static func makeStreamTap() -> any StreamTap { BedrockStreamTap() }

    /// What reads an upstream's stream.
    public static func makeStreamDecoder() -> any StreamDecoder { BedrockStreamDecoder() }

    /// What writes a client's stream.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        BedrockStreamEncoder(options)
    }
}
