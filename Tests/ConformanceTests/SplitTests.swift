import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// However a stream is cut into pieces, it decodes to the same events.
///
/// A byte at a time for every recorded stream up to 20,000 bytes; in two pieces at every offset for those up to 1,200;
/// at 8 offsets chosen by the name for the rest, and with `NEEDLETAIL_EVERY_CUT=1` at every offset, which takes the better
/// part of an hour. Straight at the decoders, since the way through a socket is the same for all.
@Suite("Conformance: every way to cut a stream", .enabled(if: Recordings.areThere))
struct SplitTests {
    @Test("Cuts do not matter", .timeLimit(.minutes(15)), arguments: Recordings.chatFolders)
    func cuts(_ folder: String) {
        for recording in Recordings.cases(folder) where recording.isStream && recording.status < 300 {
            guard let dialect = recording.dialect else { continue }
            let bytes = ByteBuffer(bytes: recording.reply)
            let whole = Self.decode([bytes], dialect)
            if bytes.readableBytes <= 20_000 {
                #expect(Self.decode(bytes.split(every: 1), dialect) == whole, "\(recording), a byte at a time")
            }
            for offset in Self.offsets(recording) where Self.decode(bytes.split(at: offset), dialect) != whole {
                Issue.record("\(recording), cut at \(offset)")
                break
            }
            if recording.chunkSizes.count > 1 {
                #expect(Self.decode(recording.pieces(.random), dialect) == whole, "\(recording), as recorded")
            }
        }
    }

    @Test(
        "No cut of any stream matters",
        .enabled(if: ProcessInfo.processInfo.environment["NEEDLETAIL_EVERY_CUT"] != nil),
        .timeLimit(.minutes(240)), arguments: Recordings.chatFolders)
    func everyCut(_ folder: String) {
        for recording in Recordings.cases(folder) where recording.isStream && recording.status < 300 {
            guard let dialect = recording.dialect else { continue }
            Self.everyCut(recording, dialect)
        }
    }

    /// Cuts a window at every offset, then the next, each with the decoder's state from the bytes before it: the cost is
    /// the stream's size times the window's, not its square.
    private static func everyCut(_ recording: Recording, _ dialect: DialectID, window: Int = 256) {
        let bytes = ByteBuffer(bytes: recording.reply)
        let size = bytes.readableBytes
        func piece(_ range: Range<Int>) -> ByteBuffer {
            bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
        }
        func told(_ before: any StreamDecoder, _ pieces: [ByteBuffer]) -> (events: [ChatEvent], failure: String?) {
            var decoder = before
            var events: [ChatEvent] = []
            do throws(NeedletailError) {
                for piece in pieces where !decoder.isComplete { try decoder.decode(piece, into: &events) }
            } catch {
                return (events, "\(error.code): \(error.message)")
            }
            return (events, nil)
        }
        var decoder = dialect.dialect.makeStreamDecoder()
        for start in stride(from: 0, to: size, by: window) {
            let end = min(size, start + 2 * window)
            let whole = told(decoder, [piece(start..<end)])
            for cut in start + 1..<max(start + 2, min(end, start + window + 1)) where cut < end {
                let parts = told(decoder, [piece(start..<cut), piece(cut..<end)])
                guard parts != whole else { continue }
                Issue.record("\(recording), cut at \(cut)")
                return
            }
            var events: [ChatEvent] = []
            let next = piece(start..<min(size, start + window))
            guard whole.failure == nil, !decoder.isComplete, (try? decoder.decode(next, into: &events)) != nil else {
                return
            }
        }
    }

    private static func offsets(_ recording: Recording) -> [Int] {
        let size = recording.reply.count
        guard size > 1200 else { return size > 1 ? Array(1..<size) : [] }
        var random = NameGenerator(recording.name)
        return (0..<8).map { _ in Int.random(in: 1..<size, using: &random) }
    }

    /// The events, and what ended them.
    private static func decode(_ pieces: [ByteBuffer], _ dialect: DialectID) -> [String] {
        var decoder = dialect.dialect.makeStreamDecoder()
        var events: [ChatEvent] = []
        var end = "ended"
        do throws(NeedletailError) {
            for piece in pieces where !decoder.isComplete { try decoder.decode(piece, into: &events) }
            try decoder.finish(into: &events)
        } catch {
            end = "\(error.code): \(error.message)"
        }
        return events.map { "\($0)" } + [end]
    }
}
