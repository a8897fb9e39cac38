import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailGateway

/// What an operation answers.
struct AdminReply: Sendable {
    /// JSON, or nothing.
    var body: ByteBuffer
    /// The version of what is shown, for `if-match` of a later change.
    var etag: ETag?
    /// `nil` for the route's own.
    var status: Int?
    /// Other headers.
    var headers: HTTPFields = [:]
    /// What the body is.
    var contentType = "application/json"
    /// What follows the head in the place of the body, piece by piece.
    var stream: ReplyStream?

    init(body: ByteBuffer, etag: ETag? = nil, status: Int? = nil) {
        self.body = body
        self.etag = etag
        self.status = status
    }

    /// No body.
    static let nothing = AdminReply(body: ByteBuffer())

    /// An object whose members `write` writes.
    static func object(etag: ETag? = nil, status: Int? = nil, _ write: (inout JSONWriter) -> Void) -> Self {
        var json = JSONWriter()
        json.beginObject()
        write(&json)
        json.endObject()
        return Self(body: json.bytes, etag: etag, status: status)
    }

    /// The response as it is sent.
    func response(_ usual: Int) -> EdgeResponse {
        var headers = self.headers
        headers[.contentType] = self.contentType
        headers[.cacheControl] = "no-store"
        if let etag = self.etag { headers[.eTag] = etag.description }
        return EdgeResponse(status: self.status ?? usual, headers: headers, body: self.body)
    }
}
