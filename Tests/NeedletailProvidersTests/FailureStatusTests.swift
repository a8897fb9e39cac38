import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

/// Every status a provider may answer with, beside every type its body may name, against the contract's table: the
/// status becomes ours, whatever the body calls it, but for the few that the body alone can tell apart.
@Suite("A provider's status and ours")
struct FailureStatusTests {
    /// The contract: "A provider's status becomes ours".
    static let table: [(upstream: Int, ours: Int, anthropic: Int)] = [
        (400, 400, 400), (401, 500, 500), (402, 500, 500), (403, 500, 500), (404, 404, 404), (405, 400, 400),
        (408, 504, 504), (409, 502, 502), (413, 413, 413), (418, 400, 400), (422, 422, 422), (425, 502, 502),
        (429, 429, 429), (500, 502, 502), (501, 502, 502), (502, 502, 502), (503, 503, 529), (504, 504, 504),
        (520, 502, 502), (529, 503, 529),
    ]
    /// What bodies call errors, in the words of either dialect.
    static let types = [
        "invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error",
        "request_too_large", "rate_limit_error", "timeout_error", "overloaded_error", "api_error", "server_error",
        "insufficient_quota", "invalid_api_key", "model_not_found", "content_filter", "rate_limit_exceeded", "unheard",
    ]

    private static let account: Set<String> = ["billing_error", "insufficient_quota"]
    private static let key: Set<String> = ["authentication_error", "invalid_api_key"]
    private static let model: Set<String> = ["not_found_error", "model_not_found"]

    /// What the body may change: whose account, whose key, which model, what a filter refused.
    private static func refined(_ status: Int, _ type: String, _ dialect: DialectID) -> Int? {
        let known: Set<String> =
            dialect == .anthropicMessages
            ? ["billing_error", "authentication_error", "not_found_error"]
            : Self.account.union(Self.key).union(Self.model).union(["content_filter"])
        guard known.contains(type) else { return nil }
        switch status {
        case 400:
            if Self.account.contains(type) || Self.key.contains(type) { return 500 }
            return Self.model.contains(type) ? 404 : nil
        case 403:
            if dialect == .openAIChat, Self.model.contains(type) { return 403 }
            return type == "content_filter" ? 400 : nil
        case 429: return Self.account.contains(type) ? 500 : nil
        default: return nil
        }
    }

    @Test(
        "the status decides, the body only what the status leaves open",
        arguments: DialectID.spelledOut, Self.table.map { [$0.upstream, $0.ours, $0.anthropic] })
    func combinations(_ dialect: DialectID, _ row: [Int]) {
        for type in Self.types {
            let body = #"{"type":"error","error":{"type":"\#(type)","message":"what happened"}}"#
            let error = dialect.dialect.decodeFailure(status: row[0], headers: [:], body: ByteBuffer(string: body))
            let refined = Self.refined(row[0], type, dialect)
            let what = "\(dialect.rawValue): \(row[0]) with \(type) became \(error.code)"
            #expect(error.disposition.status == refined ?? row[1], "\(what)")
            #expect(error.disposition.anthropicStatus == refined ?? row[2], "\(what)")
        }
    }

    @Test("a 403 about a model stays a 403, one about the key is our 500", arguments: DialectID.spelledOut)
    func forbidden(_ dialect: DialectID) {
        for (message, status) in [("Your account may not use this model.", 403), ("No access.", 500)] {
            let body = #"{"error":{"type":"permission_error","message":"\#(message)"}}"#
            let error = dialect.dialect.decodeFailure(status: 403, headers: [:], body: ByteBuffer(string: body))
            #expect(error.disposition.status == status)
        }
    }

    @Test(
        "inside a 200 the type is all there is",
        arguments: [
            ("overloaded_error", 503), ("rate_limit_error", 429), ("api_error", 502), ("timeout_error", 504),
            ("authentication_error", 500), ("not_found_error", 404), ("invalid_request_error", 400),
            ("billing_error", 500), ("unheard", 502),
        ])
    func insideSuccess(_ type: String, _ status: Int) {
        for dialect in DialectID.spelledOut {
            let body = #"{"type":"error","error":{"type":"\#(type)","message":"what happened"}}"#
            let error = #expect(throws: NeedletailError.self) {
                try dialect.dialect.inspectReply(ByteBuffer(string: body))
            }
            #expect(error?.disposition.status == status, "\(dialect.rawValue): \(type)")
        }
    }
}
