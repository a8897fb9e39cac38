/// What a target must deliver before its reply counts as one.
public struct ReplyContract: Sendable, Hashable {
    /// Whether a stream counts from its first content and not from its preamble, so that one which breaks before that is
    /// begun again elsewhere. Default false.
    public var commitsAtContent: Bool
    /// Whether a reply without any content is a failure. Default false.
    public var refusesEmpty: Bool
    /// Whether a reply is a failure that is no JSON, or does not follow the schema, where the request asked for it and the
    /// model ended by itself. Whole replies only. Default false.
    public var refusesInvalidJSON: Bool
    /// Whether a reply is a failure that is no JSON, where the request asked for it, because a limit cut it off. Whole
    /// replies only. Default false.
    public var refusesTruncated: Bool

    /// Creates a contract.
    public init(
        commitsAtContent: Bool = false,
        refusesEmpty: Bool = false,
        refusesInvalidJSON: Bool = false,
        refusesTruncated: Bool = false
    ) {
        self.commitsAtContent = commitsAtContent
        self.refusesEmpty = refusesEmpty
        self.refusesInvalidJSON = refusesInvalidJSON
        self.refusesTruncated = refusesTruncated
    }

    /// Whether it demands nothing.
    public var isEmpty: Bool { self == Self() }
    /// Whether it demands something of a stream.
    var concernsStreams: Bool { self.commitsAtContent || self.refusesEmpty }
    /// Whether it demands something of a whole reply.
    var concernsWholeReplies: Bool { self.refusesEmpty || self.refusesInvalidJSON || self.refusesTruncated }
}
