/// A request that was refused before anybody was asked.
public struct RefusalRecord: Sendable {
    /// The id that the client was told; empty where the head could not be read.
    public var requestID: String
    /// The dialect that the refusal was written in.
    public var surface: DialectID
    /// The HTTP status that the client saw.
    public var status: Int
    /// Why.
    public var error: NeedletailError
    /// The name of the client's key, where that was known by then.
    public var keyName: String?
    /// The client's address, where the refusal is about who may come in.
    public var peer: String?

    /// Creates a record.
    public init(
        requestID: String,
        surface: DialectID,
        status: Int,
        error: NeedletailError,
        keyName: String? = nil,
        peer: String? = nil
    ) {
        self.requestID = requestID
        self.surface = surface
        self.status = status
        self.error = error
        self.keyName = keyName
        self.peer = peer
    }
}
