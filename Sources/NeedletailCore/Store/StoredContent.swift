/// What was said in one request, as the store keeps it: redacted, and only where the operator wants it.
public struct StoredContent: Sendable, Hashable {
    /// The end of the request, in milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64
    /// The request's id.
    public var requestID: String
    /// The name of the client's key; empty for none.
    public var key: String
    /// Its tenant; empty for none.
    public var tenant: String
    /// The client's end user; empty for none.
    public var user: String
    /// The model, as the client named it.
    public var model: String
    /// Who answered; empty for nobody.
    public var provider: String
    /// The texts of the request: a JSON array of objects with `path`, `role` and `text`.
    public var request: String
    /// The texts of the reply in the same form; empty for none.
    public var reply: String
    /// Whether some of it was too long and is left out.
    public var isCut: Bool

    /// Creates a record.
    public init(
        wallMilliseconds: Int64, requestID: String, key: String, tenant: String, user: String, model: String,
        provider: String, request: String, reply: String, isCut: Bool
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.requestID = requestID
        self.key = key
        self.tenant = tenant
        self.user = user
        self.model = model
        self.provider = provider
        self.request = request
        self.reply = reply
        self.isCut = isCut
    }
}
