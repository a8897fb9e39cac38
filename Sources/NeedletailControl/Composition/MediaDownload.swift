import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailProviders
import NeedletailTransport

/// Fetches the images and documents that requests name by URL, where the operator allows it (`fetch_urls: true`).
///
/// The URL comes from a client, so it may try to reach what only this machine can. The name is looked up once, an address
/// that is not public is refused, and the connection goes to that very address: a name that changes its mind in between
/// gains nothing. Redirects are not followed.
struct MediaDownload: MediaFetcher {
    /// How long a file may take: somebody waits for the answer.
    var timeouts = Timeouts(
        connect: .seconds(5), firstToken: .seconds(10), idle: .seconds(10), total: .seconds(30))

    let group: any EventLoopGroup
    let time: TimeSource
    let logger: Logger
    /// Which addresses may be reached.
    var permits: @Sendable (SocketAddress) -> Bool = PublicAddress.isPublic
    /// The largest file in bytes. Default 20 MiB, what providers take inline at most.
    var maximumSize = 20 << 20

    func fetch(_ url: String, deadline: Instant?) async throws(NeedletailError) -> (mediaType: String, data: String) {
        guard let parts = URLComponents(string: url), let origin = try? Origin(url: url) else {
            throw Self.refusal("A URL in the request cannot be read.")
        }
        var options = TransportOptions()
        options.address = try await self.address(of: origin)
        let pool = try UpstreamPool(
            origin: origin, options: options, group: self.group, time: self.time, logger: self.logger)
        do {
            let result = try await self.get(parts, from: pool, deadline: deadline)
            await pool.shutdown()
            return result
        } catch {
            await pool.shutdown()
            // What the client asked for is not to blame for these.
            if error.code == .cancelled { throw error }
            if error.code == .timedOut, let deadline, self.time.now() >= deadline { throw error }
            throw Self.refusal("What a URL in the request points to could not be fetched: \(error.message)", error)
        }
    }

    private static func refusal(_ message: String, _ cause: (any Error)? = nil) -> NeedletailError {
        NeedletailError(.invalidRequest, message, parameter: "messages", cause: cause)
    }

    private func get(
        _ parts: URLComponents,
        from pool: UpstreamPool,
        deadline: Instant?
    ) async throws(NeedletailError) -> (mediaType: String, data: String) {
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        let query = parts.percentEncodedQuery.map { "?" + $0 } ?? ""
        let response = try await pool.send(
            TransportRequest(
                method: .get, path: path + query, headers: [.userAgent: "needletail"], timeouts: self.timeouts,
                deadline: deadline))
        guard response.status == 200 else {
            response.body.cancel()
            throw Self.refusal("the server answered with status \(response.status).")
        }
        let type = response.headers[.contentType]?.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces) ?? ""
        guard type.hasPrefix("image/") || type == "application/pdf" else {
            response.body.cancel()
            throw Self.refusal("it is neither an image nor a PDF.")
        }
        let bytes: ByteBuffer
        do {
            bytes = try await response.body.collect(upTo: self.maximumSize)
        } catch {
            guard error.code == .cancelled || error.code == .timedOut else {
                throw Self.refusal("it is larger than \(self.maximumSize >> 20) MiB, or its server broke off.", error)
            }
            throw error
        }
        return (type, Data(bytes.readableBytesView).base64EncodedString())
    }

    private func address(of origin: Origin) async throws(NeedletailError) -> SocketAddress {
        let address: SocketAddress
        do {
            address = try await NIOThreadPool.singleton.runIfActive {
                try SocketAddress.makeAddressResolvingHost(origin.host, port: origin.port)
            }
        } catch {
            throw Self.refusal("The host of a URL in the request is not known.", error)
        }
        guard self.permits(address) else { throw Self.refusal("A URL in the request points into a private network.") }
        return address
    }
}
