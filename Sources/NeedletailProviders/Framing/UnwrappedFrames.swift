import NIOCore
import NeedletailCore
import Synchronization

/// The body of Amazon's `InvokeModelWithResponseStream` as the model's own stream: each frame holds one of its events in
/// base64, which becomes a server-sent event.
///
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html>
final class UnwrappedFrames: TransportBodySource {
    private struct State {
        var frames = EventStreamDecoder()
        /// What ended the frames; thrown once all that came before it has been handed on.
        var failure: NeedletailError?

        mutating func take() -> ByteBuffer {
            var out = ByteBuffer()
            do throws(NeedletailError) {
                while self.failure == nil, let frame = try self.frames.next() {
                    try UnwrappedFrames.write(frame, into: &out)
                }
            } catch {
                self.failure = error
            }
            return out
        }
    }

    private let state = Mutex(State())
    private let body: TransportBody

    init(_ body: TransportBody) {
        self.body = body
    }

    /// The events that the next frames hold; a failure is thrown as what it means.
    func next() async throws(NeedletailError) -> ByteBuffer? {
        while true {
            let (out, failure) = self.state.withLock { ($0.take(), $0.failure) }
            if out.readableBytes > 0 { return out }
            if let failure { throw failure }
            guard let chunk = try await self.body.next() else { return nil }
            self.state.withLock { $0.frames.feed(chunk) }
        }
    }

    func cancel() { self.body.cancel() }
    func drain() { self.body.drain() }

    private static func write(_ frame: SSEEvent, into out: inout ByteBuffer) throws(NeedletailError) {
        if case .failure(let type) = BedrockStreamMember(name: frame.name) {
            throw BedrockStreamMember.error(type, frame.data)
        }
        guard let text = try BedrockStreamMember.payload(frame.data).present("bytes")?.string,
            let bytes = Base64.decode(text)
        else { throw NeedletailError(.malformedReply, "The provider sent a frame without an event in it.") }
        let event = ByteBuffer(bytes: bytes)
        if let type = try BedrockStreamMember.payload(event).present("type")?.string,
            type.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            out.writeString("event: \(type)\n")
        }
        SSEEncoder.write(data: event, into: &out)
    }
}
