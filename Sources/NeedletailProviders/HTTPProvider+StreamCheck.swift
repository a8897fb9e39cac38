import HTTPTypes
import NIOCore
import NeedletailCore
import Synchronization

extension HTTPProvider {
    /// The body of a reply that was to be streamed.
    ///
    /// A server that was asked for a stream and sends one JSON value has failed, or does not stream. One that streams
    /// under a wrong type is believed by its bytes, as the official SDKs do.
    ///
    /// - Throws: What the error in the body means; `.malformedReply` if it is none.
    func streamed(_ response: TransportResponse, _ call: UpstreamCall) async throws(NeedletailError) -> TransportBody {
        guard call.dialect.dialect.framing == .serverSentEvents, let type = response.headers[.contentType] else {
            return response.body
        }
        if type.hasPrefix(StreamFraming.amazonEventStream.contentType) {
            return TransportBody(UnwrappedFrames(response.body))
        }
        guard !type.hasPrefix("text/event-stream"),
            type.hasPrefix("application/json") || type.hasPrefix("text/html")
        else { return response.body }
        var start = ByteBuffer()
        while start.readableBytes < Self.sniffedBytes, var chunk = try await response.body.next() {
            start.writeBuffer(&chunk)
        }
        if Self.startsEvent(start) || (call.dialect.streamsBareJSON && Self.startsArray(start)) {
            return TransportBody(ResumedBody(start, response.body))
        }
        var rest = await response.body.prefix(Self.maximumFailureSize)
        start.writeBuffer(&rest)
        _ = try call.dialect.dialect.inspectReply(start)  // throws what an error inside a 200 means
        throw NeedletailError(.malformedReply, "The provider did not stream although it was asked to.")
    }

    /// How much tells a stream from a document: the longest of the beginnings below.
    private static let sniffedBytes = 6

    /// Whether bytes begin as a stream that is one JSON array.
    private static func startsArray(_ bytes: ByteBuffer) -> Bool {
        bytes.readableBytesView.first { $0 > 0x20 } == UInt8(ascii: "[")
    }

    /// Whether bytes begin as server-sent events do and JSON and HTML never do.
    private static func startsEvent(_ bytes: ByteBuffer) -> Bool {
        let view = bytes.readableBytesView
        return view.starts(with: "data:".utf8) || view.starts(with: "event:".utf8) || view.starts(with: ":".utf8)
    }
}

/// A body of which the first bytes have been looked at.
private final class ResumedBody: TransportBodySource {
    private let start: Mutex<ByteBuffer?>
    private let rest: TransportBody

    init(_ start: ByteBuffer, _ rest: TransportBody) {
        self.start = Mutex(start)
        self.rest = rest
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        if let start = self.start.withLock({ $0.take() }) { return start }
        return try await self.rest.next()
    }

    func cancel() { self.rest.cancel() }
    func drain() { self.rest.drain() }
}
