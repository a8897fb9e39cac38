import NIOCore
import NeedletailCore

/// Passes a stream on, and cuts it once it is dearer or longer than what was held for it: its provider ignores its bound.
///
/// What costs nothing is looked at for every chunk: what the stream tells of its usage, and its size. Only a stream that is
/// far longer than its bound allows is decoded.
final class MeteredReader: ReplyReader {
    /// Many providers tell their usage last: so many chunks may follow before the stream is cut.
    private static let lastWords = 2

    private var chunks: ReplyStream.Iterator
    private let ending: StreamEnding
    private let call: MeteredCall
    private let dialect: DialectID
    private let decoders: (@Sendable (DialectID) -> any StreamDecoder)?
    private var decoder: (any StreamDecoder)?
    private var size = 0
    private var text = 0
    private var chunksBeyond = 0
    /// The first chunks.
    private var beginning: [ByteBuffer] = []
    private static let beginningSize = 8 << 10

    init(
        _ stream: ReplyStream, _ call: MeteredCall, decoders: (@Sendable (DialectID) -> any StreamDecoder)?
    ) {
        self.chunks = stream.makeAsyncIterator()
        self.ending = stream.ending
        self.call = call
        self.dialect = stream.dialect
        self.decoders = decoders
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        guard let chunk = try await self.chunks.next() else { return nil }
        if let usage = self.ending.usage, self.call.isOutrun(by: usage) {
            self.chunksBeyond += 1
            if self.chunksBeyond > Self.lastWords { throw self.cut() }
        }
        self.size += chunk.readableBytes
        if self.size > self.call.suspiciousSize {
            if self.isTooLong(chunk) { throw self.cut() }
        } else if self.decoders != nil, self.size <= Self.beginningSize {
            self.beginning.append(chunk)
        }
        return chunk
    }

    /// Looks at the text of a stream that is suspiciously long, from here on, after its beginning, which says what is open.
    private func isTooLong(_ chunk: ByteBuffer) -> Bool {
        guard let decoders = self.decoders else { return false }
        var events: [ChatEvent] = []
        do {
            var decoder = self.decoder ?? decoders(self.dialect)
            if self.decoder == nil {
                for first in self.beginning { try decoder.decode(first, into: &events) }
                self.beginning = []
            }
            try decoder.decode(chunk, into: &events)
            self.decoder = decoder
        } catch {
            // What is open cannot be told: then the bytes count.
            self.decoder = nil
            return self.call.isOutrun(byBytes: self.size)
        }
        for event in events { self.text += event.textSize }
        return self.call.isOutrun(byText: self.text)
    }

    private func cut() -> NeedletailError {
        let error = NeedletailError(
            .budgetExceeded,
            "The reply was cut: it went beyond the limit on output that was asked for, and so beyond what the budget holds for it."
        )
        // The upstream is left before anybody is told, so that no more of it is paid.
        self.ending.end(.failed(error))
        return error
    }
}

extension ChatEvent {
    /// How many bytes of an answer it brings.
    fileprivate var textSize: Int {
        switch self {
        case .text(let text, _), .refusal(let text, _), .reasoning(let text, _): text.utf8.count
        case .toolCallArguments(_, let fragment, _): fragment.utf8.count
        default: 0
        }
    }
}
