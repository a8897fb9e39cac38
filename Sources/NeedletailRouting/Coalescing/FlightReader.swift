import NIOCore
import NeedletailCore

/// One request's way through a shared stream.
final class FlightReader: ReplyReader {
    private let flight: Flight
    private let id: Int
    private let ending: StreamEnding
    /// The end of the stream that is shared.
    private let source: StreamEnding
    private var hasLeft = false

    init(_ flight: Flight, _ id: Int, ending: StreamEnding, source: StreamEnding) {
        self.flight = flight
        self.id = id
        self.ending = ending
        self.source = source
    }

    deinit {
        self.leave(atEnd: false)
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        do throws(NeedletailError) {
            if let chunk = try await self.flight.next(self.id) { return chunk }
        } catch {
            self.leave(atEnd: error.code != .cancelled)
            throw error
        }
        self.leave(atEnd: true)
        return nil
    }

    /// Must come before the stream's ending is told, so that the tokens are known to whoever listens there.
    private func leave(atEnd: Bool) {
        guard !self.hasLeft else { return }
        self.hasLeft = true
        self.ending.addLosses(self.source.losses)
        if let charge = self.flight.leave(self.id, atEnd: atEnd) { self.ending.setUsage(charge) }
    }
}
