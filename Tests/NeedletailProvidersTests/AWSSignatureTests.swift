import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailProviders

@Suite("Amazon's signature")
struct AWSSignatureTests {
    static let key = AWSCredentials(
        accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

    // MARK: Amazon's own vectors

    private static let root = URL(fileURLWithPath: OpenAIChatRecordings.root).deletingLastPathComponent()
        .appendingPathComponent("aws-sigv4").path

    static let vectors: [String] = {
        let all = FileManager.default.enumerator(atPath: Self.root)?.compactMap { $0 as? String } ?? []
        return all.filter { $0.hasSuffix(".req") }.map { String($0.dropLast(4)) }.sorted()
    }()

    private static func read(_ name: String, _ ending: String) throws -> String {
        try String(contentsOfFile: "\(Self.root)/\(name).\(ending)", encoding: .utf8)
            .replacingOccurrences(of: "\r\n", with: "\n")
    }

    @Test("the vectors are there", .enabled(if: OpenAIChatRecordings.areThere))
    func count() { #expect(Self.vectors.count > 30) }

    @Test("each vector's three steps", arguments: vectors)
    func vector(_ name: String) throws {
        let text = try Self.read(name, "req")
        let halves = text.components(separatedBy: "\n\n")
        var lines = halves[0].components(separatedBy: "\n")
        let request = lines.removeFirst()
        var headers: [(name: String, value: String)] = []
        for line in lines where !line.isEmpty {
            if line.hasPrefix(" "), let last = headers.indices.last {
                headers[last].value += "\n" + line
            } else {
                let colon = try #require(line.firstIndex(of: ":"))
                headers.append((line[..<colon].lowercased(), String(line[line.index(after: colon)...])))
            }
        }
        let canonical = try Self.read(name, "creq")
        // In one vector the token's header is made by the signer.
        if canonical.contains("x-amz-security-token:"), !headers.contains(where: { $0.name == "x-amz-security-token" })
        {
            let line = try #require(canonical.components(separatedBy: "\n").first { $0.hasPrefix("x-amz-security") })
            headers.append(("x-amz-security-token", String(line.dropFirst("x-amz-security-token:".count))))
        }
        let target = request.dropLast(" HTTP/1.1".count)
        let space = try #require(target.firstIndex(of: " "))
        let made = AWSSignature.canonicalRequest(
            method: String(target[..<space]), path: String(target[target.index(after: space)...]), headers: headers,
            payloadHash: AWSSignature.hash(ByteBuffer(string: halves.dropFirst().joined(separator: "\n\n"))))
        #expect(made.text == canonical)
        let date = AWSDate(seconds: 1_440_938_160)
        let signature = AWSSignature(region: "us-east-1", service: "service")
        let toSign = signature.stringToSign(made.text, date)
        #expect(toSign == (try Self.read(name, "sts")))
        let key = signature.signingKey(Self.key.secretAccessKey, day: date.day)
        let expected = try Self.read(name, "authz")
        #expect(expected.contains("SignedHeaders=\(made.signedHeaders), "))
        #expect(expected.hasSuffix("Signature=\(AWSSignature.sign(toSign, key: key))"))
    }

    // MARK: Our own

    @Test(
        "moments as signatures spell them",
        arguments: [
            (0, "19700101T000000Z"), (1_440_938_160, "20150830T123600Z"), (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"), (4_107_542_399, "21000228T235959Z"), (1_735_689_599, "20241231T235959Z"),
        ])
    func dates(_ seconds: Int64, _ text: String) {
        #expect(AWSDate(seconds: seconds).time == text)
    }

    @Test("moments as the credentials' servers spell them")
    func readDates() {
        #expect(AWSDate.seconds("2015-08-30T12:36:00Z") == 1_440_938_160)
        #expect(AWSDate.seconds("2015-08-30T12:36:00.123Z") == 1_440_938_160)
        for wrong in ["", "2015-08-30", "2015-13-30T12:36:00Z", "soon"] { #expect(AWSDate.seconds(wrong) == nil) }
    }

    /// A time that stands still.
    private static let time = TimeSource(
        now: { Instant(nanoseconds: 0) }, wallSeconds: { 1_440_938_160 }, sleep: { _ in })

    @Test("what is sent is signed: the path encoded once more, the host, the body, the session")
    func request() async throws {
        var credentials = Self.key
        credentials.sessionToken = "token"
        let signer = AWSRequestSigner(
            service: "bedrock", region: "eu-west-1", host: "bedrock-runtime.eu-west-1.amazonaws.com",
            source: credentials, time: Self.time)
        var request = TransportRequest(
            path: "/model/anthropic.claude-v2%3A1/converse",
            headers: [.contentType: "application/json", .userAgent: "needletail"], body: ByteBuffer(string: "{}"))
        try await signer.authorize(&request)
        let canonical = AWSSignature.canonicalRequest(
            method: "POST", path: request.path,
            headers: [
                ("content-type", "application/json"), ("host", "bedrock-runtime.eu-west-1.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"), ("x-amz-security-token", "token"),
            ], payloadHash: AWSSignature.hash(ByteBuffer(string: "{}")))
        #expect(canonical.text.hasPrefix("POST\n/model/anthropic.claude-v2%253A1/converse\n"))
        let signature = AWSSignature(region: "eu-west-1", service: "bedrock")
        let key = signature.signingKey(credentials.secretAccessKey, day: "20150830")
        let expected = AWSSignature.sign(
            signature.stringToSign(canonical.text, AWSDate(seconds: 1_440_938_160)), key: key)
        #expect(
            request.headers[.authorization]
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/bedrock/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=\(expected)")
    }

    @Test("without credentials nothing is sent, and the client is told nothing of ours")
    func none() async throws {
        let signer = AWSRequestSigner(
            service: "bedrock", region: "x", host: "h", source: AWSCredentialChain([]), time: Self.time)
        var request = TransportRequest(path: "/")
        let error = await #expect(throws: NeedletailError.self) { try await signer.authorize(&request) }
        #expect(error?.code == .credentialRejected)
        #expect(error?.message.contains("AWS") == false)
    }

    @Test("a key is never in a text that somebody might log")
    func secrecy() {
        #expect(!"\(Self.key)".contains("wJalr"))
        #expect(!String(describing: Optional(Self.key)).contains("wJalr"))
    }

    // MARK: Roles

    private static func reply(_ status: Int, _ body: String) -> TransportResponse {
        TransportResponse(status: status, body: TransportBody(ByteBuffer(string: body)))
    }

    private static let keys =
        #"{"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2015-08-30T13:36:00Z"}"#

    @Test("a machine's role: a session first, then the role's name, then its keys")
    func instance() async throws {
        let asked = Mutex<[String]>([])
        let transport = FunctionTransport { request in
            asked.withLock { $0.append("\(request.method) \(request.path)") }
            let name = HTTPField.Name("x-aws-ec2-metadata-token")
            switch request.path {
            case "/latest/api/token": return Self.reply(200, "session")
            case _ where name.flatMap({ request.headers[$0] }) != "session": return Self.reply(401, "")
            case "/latest/meta-data/iam/security-credentials/": return Self.reply(200, "my-role\n")
            default: return Self.reply(200, Self.keys)
            }
        }
        let found = try await AWSInstanceCredentials(transport: transport, time: Self.time).credentials(deadline: nil)
        #expect(
            found
                == AWSCredentials(
                    accessKeyID: "ASIA", secretAccessKey: "s", sessionToken: "t",
                    expires: Instant(nanoseconds: 3_600_000_000_000)))
        #expect(
            asked.withLock { $0 } == [
                "PUT /latest/api/token", "GET /latest/meta-data/iam/security-credentials/",
                "GET /latest/meta-data/iam/security-credentials/my-role",
            ])
    }

    @Test("a machine without a role has no credentials, which is no failure")
    func noRole() async throws {
        for status in [404, 500] {
            let transport = FunctionTransport { request in
                request.path == "/latest/api/token" ? Self.reply(200, "x") : Self.reply(status, "")
            }
            let source = AWSInstanceCredentials(transport: transport, time: Self.time)
            #expect(try await source.credentials(deadline: nil) == nil)
        }
    }

    @Test("a container's role shows its token, and keys that are refused or unreadable are named so")
    func container() async throws {
        for (status, body, isGood) in [
            (200, Self.keys, true), (200, "no json", false), (200, #"{"Code":"AssumeRoleUnauthorizedAccess"}"#, false),
            (403, "{}", false),
        ] {
            let transport = FunctionTransport { request in
                request.headers[.authorization] == "mine" && request.path == "/v2/x"
                    ? Self.reply(status, body) : Self.reply(400, "")
            }
            let source = AWSContainerCredentials(
                transport: transport, path: "/v2/x", time: Self.time, token: { () throws(NeedletailError) in "mine" })
            if isGood {
                #expect(try await source.credentials(deadline: nil)?.accessKeyID == "ASIA")
            } else {
                let error = await #expect(throws: NeedletailError.self) { try await source.credentials(deadline: nil) }
                #expect(error?.code == .credentialRejected)
            }
        }
    }
    /// Lends other keys each time, good for an hour.
    private final class Lender: AWSCredentialSource {
        let count = Mutex(0)

        func credentials(deadline: Instant?) async throws(NeedletailError) -> AWSCredentials? {
            let number = self.count.withLock { count in
                count += 1
                return count
            }
            return AWSCredentials(
                accessKeyID: "ASIA\(number)", secretAccessKey: "s",
                expires: Instant(nanoseconds: 3_600_000_000_000))
        }
    }

    @Test("keys that the upstream refused are fetched anew, others kept")
    func refused() async throws {
        let lender = Lender()
        let signer = AWSRequestSigner(
            service: "bedrock", region: "x", host: "h", source: AWSCredentialCache(lender, time: Self.time),
            time: Self.time)
        var first = TransportRequest(path: "/")
        try await signer.authorize(&first)
        signer.wasRefused(TransportRequest(path: "/", headers: [.authorization: "Bearer ASIA1"]))
        var second = TransportRequest(path: "/")
        try await signer.authorize(&second)
        #expect(second.headers[.authorization] == first.headers[.authorization])
        signer.wasRefused(first)
        var third = TransportRequest(path: "/")
        try await signer.authorize(&third)
        #expect(third.headers[.authorization]?.contains("Credential=ASIA2/") == true)
        // What somebody still had on the way says nothing of the new ones.
        signer.wasRefused(first)
        var fourth = TransportRequest(path: "/")
        try await signer.authorize(&fourth)
        #expect(fourth.headers[.authorization] == third.headers[.authorization])
        #expect(lender.count.withLock { $0 } == 2)
    }
}
