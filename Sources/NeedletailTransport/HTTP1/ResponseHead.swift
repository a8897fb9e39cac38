import HTTPTypes

/// Status and headers of a response.
struct ResponseHead: Sendable {
    var status: Int
    var headers: HTTPFields
}
