import NIOCore
import NeedletailCore

/// Watches a stream that passes through unchanged.
///
/// An ordinary delta costs one scan that checks it to be JSON; only the frames with usage and failures are decoded.
struct BedrockStreamTap: StreamTap {
    private var hasStarted = false
    private var hasStopped = false
    private(set) var usage: Usage?
    private(set) var isTerminated = false

    var isComplete: Bool { self.isTerminated || self.hasStopped }

    mutating func observe(name: ByteBuffer, data: ByteBuffer) throws(NeedletailError) -> TapVerdict {
        switch BedrockStreamMember(name: name) {
        case .failure(let type): throw BedrockStreamMember.error(type, data)
        case .messageStart:
            try Self.check(data)
            self.hasStarted = true
        case .blockStart, .blockDelta, .blockStop:
            guard self.hasStarted else { throw Self.noStart }
            if try Self.check(data) { return .state }
        case .messageStop:
            guard self.hasStarted else { throw Self.noStart }
            try Self.check(data)
            self.hasStopped = true
        case .metadata:
            let root = try BedrockStreamMember.payload(data)
            if let usage = root.present("usage").flatMap(BedrockUsage.read) { self.usage = usage }
            // It is the last frame; before the reply's end it would be a frame of a kind to come.
            if self.hasStopped { self.isTerminated = true }
        case .other: break
        }
        return .forward
    }

    func writeEnd(into out: inout ByteBuffer) {
        BedrockStreamWriter.metadata(self.usage ?? Usage(), serviceTier: nil, isOwn: true, into: &out)
    }

    private static var noStart: NeedletailError {
        NeedletailError(.malformedReply, "The provider's stream does not begin with messageStart.")
    }

    /// Checks that an event is JSON.
    ///
    /// - Returns: Whether it may hold a signature.
    @discardableResult
    private static func check(_ data: ByteBuffer) throws(NeedletailError) -> Bool {
        var scan = JSONStateScan()
        let bytes = data.readableBytesUInt8Span
        do {
            let start = JSONScanner.skipWhitespace(bytes, 0)
            guard start < bytes.count else { throw JSONError(.empty, at: start) }
            let end = JSONScanner.skipWhitespace(bytes, try scan.value(bytes, start))
            guard end == bytes.count else { throw JSONError(.trailingBytes, at: end) }
            return scan.mayHoldState
        } catch {
            throw NeedletailError(.malformedReply, "The provider sent an event that is not valid JSON.", cause: error)
        }
    }
}
