import NIOCore
import NeedletailCore

/// What takes a stream apart into events; each keeps the promises of ``SSEDecoder``.
protocol EventDecoder: Sendable {
    /// Adds bytes; then call ``next()`` until it returns `nil`.
    mutating func feed(_ chunk: ByteBuffer)
    /// The next whole event, or `nil` until more bytes come.
    mutating func next() throws(NeedletailError) -> SSEEvent?
    /// The last events, if the stream ended without what closes them; call it until it returns `nil`.
    mutating func finish() throws(NeedletailError) -> SSEEvent?
    /// What ends an event; a stream may leave it out at its end.
    static var eventEnd: StaticString { get }
    /// The offset up to which all that was fed is whole and can be relayed.
    var boundary: Int { get }
    /// How many of the bytes fed lie after ``boundary``.
    var pendingBytes: Int { get }
}

extension SSEDecoder: EventDecoder {
    static var eventEnd: StaticString { "\n\n" }
}

extension LineDecoder: EventDecoder {
    /// A blank line would be more: readers of JSON lines stumble over it.
    static var eventEnd: StaticString { "\n" }
}

extension EventStreamDecoder: EventDecoder {
    /// A frame says itself how long it is.
    static var eventEnd: StaticString { "" }
}

extension StreamFraming {
    /// What takes such a stream apart.
    func makeDecoder() -> any EventDecoder {
        switch self {
        case .serverSentEvents: SSEDecoder()
        case .lines: LineDecoder()
        case .amazonEventStream: EventStreamDecoder()
        }
    }
}
