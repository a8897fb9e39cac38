import NIOCore
import NeedletailCore

/// Passes the client's stream on and keeps its chunks for the comparison, within a bound.
final class ShadowedReader: ReplyReader {
    private var chunks: ReplyStream.Iterator
    private let ending: StreamEnding
    private let pair: ShadowPair
    private var reply: ShadowPair.Reply

    init(_ stream: ReplyStream, _ pair: ShadowPair, _ reply: ShadowPair.Reply) {
        self.chunks = stream.makeAsyncIterator()
        self.ending = stream.ending
        self.pair = pair
        self.reply = reply
    }

    deinit {
        self.pair.tell(.abandoned)
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        do throws(NeedletailError) {
            if let chunk = try await self.chunks.next() {
                self.keep(chunk)
                return chunk
            }
        } catch {
            self.reply.error = error
            self.tell(isAbandoned: error.code == .cancelled)
            throw error
        }
        self.tell(isAbandoned: false)
        return nil
    }

    private func keep(_ chunk: ByteBuffer) {
        guard let kept = self.reply.bytes else { return }
        if kept.readableBytes + chunk.readableBytes > ShadowTraffic.maximumReply {
            self.reply.bytes = nil
        } else {
            self.reply.bytes?.writeImmutableBuffer(chunk)
        }
    }

    private func tell(isAbandoned: Bool) {
        self.reply.usage = self.ending.usage
        self.pair.tell(isAbandoned ? .abandoned : .replied(self.reply))
    }
}
