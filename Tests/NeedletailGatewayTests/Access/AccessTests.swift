import NIOHTTP1
import NeedletailCore
import Testing

@testable import NeedletailGateway

@Suite("Access: keys and where they are found")
struct AccessTests {
    private static func head(_ headers: [(String, String)], uri: String = "/") -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: .POST, uri: uri, headers: HTTPHeaders(headers))
    }

    private static let table = AccessTable([
        AccessKey(name: "one", secret: "sk-1"), AccessKey(name: "two", secret: "sk 2/ü", models: ["gpt-*"]),
    ])

    private static func verdict(_ head: HTTPRequestHead) -> String {
        switch Self.table.check(head) {
        case .open: "open"
        case .known(let key): key.name
        case .unknown: "unknown"
        case .missing: "missing"
        }
    }

    @Test(
        "a key is found wherever clients put it",
        arguments: [
            ([("Authorization", "Bearer sk-1")], "/", "one"), ([("authorization", "bearer   sk-1")], "/", "one"),
            ([("X-Api-Key", "sk-1")], "/", "one"), ([("api-key", "sk-1")], "/", "one"),
            ([("x-goog-api-key", "sk-1")], "/", "one"), ([], "/?key=sk-1", "one"), ([], "/?a=b&key=sk-1", "one"),
            ([], "/?key=sk%202%2f%C3%bc", "two"),
            ([("x-api-key", "")], "/?key=sk-1", "one"), ([("authorization", "Basic sk-1")], "/", "missing"),
            ([("authorization", "Bearer ")], "/", "missing"), ([("authorization", "Bearer")], "/", "missing"),
            ([], "/?keys=sk-1", "missing"), ([], "/?key=", "missing"), ([], "/?key=%zz", "missing"),
            ([], "/", "missing"),
            ([("authorization", "Bearer sk-2")], "/", "unknown"), ([("authorization", "Bearer sk-1 ")], "/", "unknown"),
            ([("authorization", "Bearer sk")], "/", "unknown"),
            ([("authorization", "Bearer wrong"), ("x-api-key", "sk-1")], "/", "unknown"),
        ] as [([(String, String)], String, String)])
    func finding(_ headers: [(String, String)], _ uri: String, _ expected: String) {
        #expect(Self.verdict(Self.head(headers, uri: uri)) == expected)
    }

    @Test("without keys everybody passes")
    func open() {
        guard case .open = AccessTable().check(Self.head([])) else {
            Issue.record("closed")
            return
        }
    }

    @Test(
        "a refused key gets its dialect's 401 before the body is read",
        arguments: [
            "/v1/chat/completions", "/v1/messages",
        ])
    func refused(_ path: String) async throws {
        let asked = Signal()
        try await withGateway(
            access: Self.table,
            answer: { (_, _) throws(NeedletailError) in
                asked.fire()
                return wholeReply("{}")
            }
        ) { _, port in
            for header in ["", "x-api-key: wrong\r\n"] {
                let client = try await RawClient.connect(port)
                // The body never comes.
                try await client.send("POST \(path) HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\(header)\r\n")
                let answer = Answer(await client.all())
                #expect(answer.headers["connection"] == "close" && answer.headers["x-request-id"] != nil)
                #expect(!answer.body.contains("wrong"))
            }
            #expect(asked.count == 0)
        }
    }

    @Test(
        "comparison tells equal from different", arguments: [("", ""), ("a", "a"), ("a", "b"), ("a", "aa"), ("é", "e")])
    func comparison(_ left: String, _ right: String) {
        #expect(ConstantTime.equal(left, right) == (left == right))
    }
}
