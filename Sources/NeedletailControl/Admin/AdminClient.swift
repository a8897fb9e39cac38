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
    /// Where it asks.
    public let url: String
    private let key: Secret?

    /// Creates a client; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - url: The admin listener, without a path.
    ///   - key: The admin key; `nil` for none.
    /// - Throws: `.invalidRequest` for a URL that is none.
    public init(url: String, key: Secret?) throws(NeedletailError) {
        let pool = try UpstreamPool(
            origin: try Origin(url: url), group: MultiThreadedEventLoopGroup.singleton, time: .live,
            logger: Logger(label: "needletail") { _ in SwiftLogNoOpLogHandler() })
        self.init(url: url, key: key, transport: pool)
    }

    init(url: String, key: Secret?, transport: any HTTPTransport) {
        self.url = url
        self.key = key
        self.transport = transport
    }

    /// Calls an operation.
    ///
    /// - Parameters:
    ///   - method: The method's name.
    ///   - path: The path below `/admin/v1`, with its query; names in it encoded by ``segment(_:)``.
    ///   - body: A JSON text; `nil` for none.
    ///   - ifMatch: The version that a change is for; `nil` for any.
    ///   - limit: How long all of it may take; `nil` waits as long as the longest operation, a drain of ten minutes.
    /// - Returns: The answer; `nil` where there is nothing to say.
    /// - Throws: What the gateway says is wrong, its faults line by line, or that nobody answers.
    public func call(
        _ method: String, _ path: String, body: JSONText? = nil, ifMatch: String? = nil, within limit: Duration? = nil
    ) async throws(NeedletailError) -> JSONView? {
        var headers: HTTPFields = [.accept: "application/json"]
        if let key = self.key { headers[.authorization] = "Bearer \(key.exposed)" }
        if body != nil { headers[.contentType] = "application/json" }
        if let ifMatch { headers[.ifMatch] = ifMatch }
        let timeouts = limit.map { Self.timeouts($0) } ?? Timeouts(firstToken: .seconds(610))
        let request = TransportRequest(
            method: HTTPRequest.Method(rawValue: method) ?? .get, path: AdminRoute.root + path, headers: headers,
            body: body?.bytes ?? ByteBuffer(), timeouts: timeouts)
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

    /// How the gateway is, whatever the status that it says it with.
    ///
    /// - Parameter limit: How long all of it may take; `nil` for what ``Timeouts`` say.
    /// - Returns: `nil` where the answer is no JSON.
    public func health(within limit: Duration? = nil) async throws(NeedletailError) -> JSONView? {
        let (_, body) = try await self.get(
            "/health/detailed", accept: "application/json", timeouts: limit.map { Self.timeouts($0) } ?? Timeouts())
        let bytes = try await body.collect(upTo: Self.answerLimit)
        return try? JSONDocument(bytes).root
    }

    /// Reads a stream of server-sent events to its end.
    ///
    /// - Parameters:
    ///   - path: The path below `/admin/v1`, with its query.
    ///   - take: Called with each event's name and data, one after the other; false ends it.
    /// - Throws: `.invalidRequest` with what the gateway says is wrong; `.unreachable` when nobody answers or the
    ///   connection breaks.
    public func events(
        _ path: String, _ take: (_ name: String, _ data: JSONView) -> Bool
    ) async throws(NeedletailError) {
        // A heartbeat comes every 15 s; the whole has no end.
        let timeouts = Timeouts(idle: .seconds(60), total: .seconds(10 * 365 * 86_400))
        let (status, body) = try await self.get(AdminRoute.root + path, accept: "text/event-stream", timeouts: timeouts)
        guard status == 200 else {
            let root = try? JSONDocument(await body.prefix(64 << 10)).root
            throw NeedletailError(
                .invalidRequest, root?["error"]?["message"]?.string ?? "It answered with status \(status).")
        }
        var decoder = SSEDecoder(maximumEventSize: 1 << 20)
        while let chunk = try await body.next() {
            decoder.feed(chunk)
            while let event = try decoder.next() {
                guard let data = try? JSONDocument(event.data).root else { continue }
                guard take(String(buffer: event.name), data) else { return body.cancel() }
            }
        }
    }

    private static func timeouts(_ limit: Duration) -> Timeouts {
        Timeouts(connect: limit, firstToken: limit, idle: limit, total: limit)
    }

    private func get(
        _ path: String, accept: String, timeouts: Timeouts
    ) async throws(NeedletailError) -> (status: Int, body: TransportBody) {
        var headers: HTTPFields = [.accept: accept]
        if let key = self.key { headers[.authorization] = "Bearer \(key.exposed)" }
        do {
            let response = try await self.transport.send(
                TransportRequest(method: .get, path: path, headers: headers, timeouts: timeouts))
            return (response.status, response.body)
        } catch {
            throw NeedletailError(.unreachable, "Nobody answers at \(self.url): \(error.message)", cause: error)
        }
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
