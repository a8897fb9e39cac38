public import HTTPTypes
public import NIOCore

/// A request to a mock upstream.
public struct MockRequest: Sendable {
    /// The method's name.
    public var method: String
    /// Path and query.
    public var path: String
    /// The headers.
    public var headers: HTTPFields
    /// The body.
    public var body: ByteBuffer

    /// Creates a request.
    public init(method: String = "POST", path: String, headers: HTTPFields = [:], body: ByteBuffer = ByteBuffer()) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }

    /// The path without the query.
    var barePath: String {
        String(self.path.prefix { $0 != "?" && $0 != "#" })
    }

    /// The first value of a header, whose name is given in lower case.
    func header(_ name: String) -> String? {
        self.headers.first { $0.name.canonicalName == name }?.value
    }

    /// The key that came with it, from wherever a dialect puts it.
    var key: String {
        if let authorization = self.header("authorization") {
            let words = authorization.split(separator: " ", maxSplits: 1)
            return words.count == 2 ? String(words[1]) : authorization
        }
        return self.header("x-api-key") ?? self.header("api-key") ?? self.header("x-goog-api-key") ?? ""
    }
}

/// What a mock upstream does with a request: first ``leadIn``, then, if that did not end it, the head and ``steps``.
public struct MockReply: Sendable {
    /// What the reply costs when it is served to its end.
    public struct Account: Sendable, Hashable {
        /// The model asked for; empty if unknown.
        public var model: String
        /// The tokens.
        public var usage: MockUsage
        /// Whether it is a call that providers bill, and not a list of models or a count of tokens.
        public var isInference: Bool
    }

    /// The status.
    public var status: Int
    /// The headers, without those that frame the message.
    public var headers: HTTPFields
    /// What comes before the head.
    public var leadIn: [MockStep]
    /// How far the reply has come after ``leadIn``.
    public var leadInProgress: MockProgress
    /// Whether ``leadIn`` begins before the request was even taken.
    public var isConnectFault: Bool
    /// The steps after the head.
    public var steps: MockSteps
    /// The whole body, where ``steps`` do nothing but send it.
    public var wholeBody: ByteBuffer?
    /// For the statistics.
    public var account: Account

    init(
        status: Int,
        headers: HTTPFields,
        leadIn: [MockStep],
        steps: MockSteps,
        wholeBody: ByteBuffer? = nil,
        account: Account
    ) {
        self.status = status
        self.headers = headers
        self.leadIn = leadIn
        self.leadInProgress = MockProgress()
        self.isConnectFault = false
        self.steps = steps
        self.wholeBody = wholeBody
        self.account = account
    }
}
