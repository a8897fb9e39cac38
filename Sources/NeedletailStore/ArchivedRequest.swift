/// A request as ``RequestArchive`` keeps it.
public struct ArchivedRequest: Sendable, Hashable {
    /// Its place in the order in which requests ended, over all starts.
    public var number: Int64
    /// When it ended, in seconds since 1970.
    public var second: Int64
    /// The id that the client was told.
    public var id: String
    /// The name of the client's key.
    public var key: String?
    /// What the client named.
    public var model: String
    /// What answered.
    public var answeredModel: String?
    /// Everybody who was called, or answered.
    public var called: [String]
    /// The HTTP status.
    public var status: Int
    /// How long it took, in milliseconds.
    public var durationMilliseconds: Int64
    /// What it cost; `nil` where that is not known.
    public var picoDollars: Int64?
    /// What a list shows, as JSON.
    public var row: String
    /// All that is known, as JSON.
    public var whole: String

    /// Creates a request.
    public init(
        number: Int64, second: Int64, id: String, key: String? = nil, model: String, answeredModel: String? = nil,
        called: [String] = [], status: Int, durationMilliseconds: Int64, picoDollars: Int64? = nil, row: String,
        whole: String
    ) {
        self.number = number
        self.second = second
        self.id = id
        self.key = key
        self.model = model
        self.answeredModel = answeredModel
        self.called = called
        self.status = status
        self.durationMilliseconds = durationMilliseconds
        self.picoDollars = picoDollars
        self.row = row
        self.whole = whole
    }
}
