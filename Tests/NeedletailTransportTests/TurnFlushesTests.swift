import NIOEmbedded
import Testing

@testable import NeedletailTransport

@Suite("What a turn writes")
struct TurnFlushesTests {
    private final class Connection: TurnFlushed {
        var flushed = 0
        var whenFlushed: () -> Void = {}
        func flushNow() {
            self.flushed += 1
            self.whenFlushed()
        }
    }

    @Test func goesOutWhenTheTurnEnds() {
        let loop = EmbeddedEventLoop()
        let flushes = TurnFlushes(loop)
        let connections = (0..<3).map { _ in Connection() }
        for connection in connections { flushes.add(connection) }
        #expect(connections.map(\.flushed) == [0, 0, 0])
        loop.run()
        #expect(connections.map(\.flushed) == [1, 1, 1])
        loop.run()
        #expect(connections.map(\.flushed) == [1, 1, 1], "nothing is due twice")
    }

    @Test func doesNotWaitBehindManyOthers() {
        let loop = EmbeddedEventLoop()
        let flushes = TurnFlushes(loop)
        let connections = (0...TurnFlushes.most).map { _ in Connection() }
        for connection in connections { flushes.add(connection) }
        #expect(connections.map(\.flushed) == Array(repeating: 1, count: TurnFlushes.most) + [0])
        loop.run()
        #expect(connections.allSatisfy { $0.flushed == 1 })
    }

    /// A flush may find a connection broken, and what that sets off may write to another one.
    @Test func takesWhatAFlushWrites() {
        let loop = EmbeddedEventLoop()
        let flushes = TurnFlushes(loop)
        let (first, second) = (Connection(), Connection())
        first.whenFlushed = { flushes.add(second) }
        flushes.add(first)
        loop.run()
        #expect(first.flushed == 1 && second.flushed == 1)
    }
}
