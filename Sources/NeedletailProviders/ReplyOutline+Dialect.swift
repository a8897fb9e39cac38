public import NIOCore
public import NeedletailCore

extension ReplyOutline {
    /// Reads the outline of a chat reply.
    ///
    /// - Parameters:
    ///   - bytes: The reply as a client of `dialect` is sent it.
    ///   - isStream: Whether they are a stream's.
    /// - Throws: `.malformedReply` for what is no reply of the dialect.
    public init(_ bytes: ByteBuffer, dialect: DialectID, isStream: Bool) throws(NeedletailError) {
        guard isStream else {
            self.init(try dialect.dialect.decodeReply(bytes))
            return
        }
        self.init()
        var decoder = dialect.dialect.makeStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(bytes, into: &events)
        for event in events { self.add(event) }
    }
}
