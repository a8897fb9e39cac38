public import NeedletailCore

/// Amazon Bedrock Converse: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.
public enum BedrockConverse: PendingDialect {
    /// The dialect's name.
    public static let id = DialectID.bedrockConverse
}
