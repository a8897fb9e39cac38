import HTTPTypes
import Logging
import NIOCore
import NIOPosix
public import NeedletailCore
import NeedletailTransport

/// Asks a running gateway's admin API, for the commands.
public struct AdminClient: Sendable {
    /// Where a gateway on this machine listens unless it is told otherwise.
    public static let usualURL = "http://127.0.0.1:4004"
    /// No answer is longer: a page of 1000 definitions.
    private static let answerLimit = 64 << 20

    private let transport: any HTTPTransport
    private let url: String
    private let key: Secret?

    /// Creates a client; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - url: The admin listener, without a path.
    ///   - key: The admin key; `nil` for none.
    /// - Throws: `.invalidRequest` for a URL that is none.
    public init(url: String, key: Secret?) throws(NeedletailError) {
        self.url = url
        self.key = key
        self.transport = try UpstreamPool(
            origin: try Origin(url: url), group: MultiThreadedEventLoopGroup.singleton, time: .live,
            logger: Logger(label: "needletail") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Calls an operation.
    ///
    /// - Parameters:
    ///   - method: The method's name.
    ///   - path: The path below `/admin/v1`, with its query; names in it encoded by ``segment(_:)``.
    ///   - body: A JSON text; `nil` for none.
    ///   - ifMatch: The version that a change is for; `nil` for any.
    /// - Returns: The answer; `nil` where there is nothing to say.
    /// - Throws: What the gateway says is wrong, its faults line by line, or that nobody answers.
    public func call(
        _ method: String, _ path: String, body: JSONText? = nil, ifMatch: String? = nil
    ) async throws(NeedletailError) -> JSONView? {
        var headers: HTTPFields = [.accept: "application/json"]
        if let key = self.key { headers[.authorization] = "Bearer \(key.exposed)" }
        if body != nil { headers[.contentType] = "application/json" }
        if let ifMatch { headers[.ifMatch] = ifMatch }
        let request = TransportRequest(
            method: HTTPRequest.Method(rawValue: method) ?? .get, path: AdminRoute.root + path, headers: headers,
            body: body?.bytes ?? ByteBuffer(), timeouts: Timeouts(firstToken: .seconds(610)))
        let status: Int
        let bytes: ByteBuffer
        do {
            let response = try await self.transport.send(request)
            status = response.status
            bytes = try await response.body.collect(upTo: Self.answerLimit)
        } catch {
            throw NeedletailError(
                .unreachable,
                "Nobody answers at \(self.url): \(error.message) Is the gateway running, and is this its admin listener?",
                cause: error)
        }
        if status < 300, bytes.readableBytes == 0 { return nil }
        guard let root = try? JSONDocument(bytes).root else {
            throw NeedletailError(.malformedReply, "What answers at \(self.url) is no admin API (status \(status)).")
        }
        guard status >= 300 else { return root }
        let error = root["error"]
        var lines = [error?["message"]?.string ?? "It answered with status \(status)."]
        if let faults = error?["faults"] { lines += faults.elements.compactMap(\.string) }
        if status == 401 { lines.append("Set NEEDLETAIL_ADMIN_KEY to an admin key.") }
        throw NeedletailError(.invalidRequest, lines.joined(separator: "\n"))
    }

    /// All entries of a list, page by page.
    public func list(_ path: String) async throws(NeedletailError) -> [JSONView] {
        var (entries, cursor): ([JSONView], String?) = ([], nil)
        repeat {
            let more = cursor.map { "&cursor=\($0)" } ?? ""
            let page = try await self.call("GET", "\(path)?limit=1000\(more)")
            if let data = page?["data"] { entries += data.elements }
            cursor = page?.present("next_cursor")?.string
        } while cursor != nil
        return entries
    }

    /// A name as one segment of a path (RFC 3986, section 3.3).
    public static func segment(_ name: String) -> String {
        let plain = "-._~"
        return name.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = byte < 0x80 && (Character(scalar).isLetter || Character(scalar).isNumber)
            if isPlain || plain.unicodeScalars.contains(scalar) { return String(scalar) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }
}
