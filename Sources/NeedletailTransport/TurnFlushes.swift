package import NIOCore

/// A connection that has written what is not flushed yet.
package protocol TurnFlushed: AnyObject {
    /// Sends what was written.
    func flushNow()
}

/// What the connections of one event loop write in a turn of it goes out at the turn's end.
///
/// Most of a small write's price is waking whoever reads at the other end. One that is awake already takes what comes
/// right after without being woken, so that the writes of a turn, made one after the other and not between the work of
/// the requests, cost less than the same writes made at once. Nothing waits for longer than its loop's turn, nor behind
/// more than ``most`` others.
///
/// Used on its loop only.
package final class TurnFlushes {
    /// A turn can be long: this many connections, and what they wrote goes out.
    package static let most = 16

    private let loop: any EventLoop
    private var waiting: [any TurnFlushed] = []
    /// An emptied array whose storage is used again.
    private var spare: [any TurnFlushed] = []
    private var isScheduled = false

    package init(_ loop: any EventLoop) {
        self.loop = loop
    }

    /// Flushes `connection` at the end of this turn. It is to be added once until then.
    package func add(_ connection: any TurnFlushed) {
        self.waiting.append(connection)
        if self.waiting.count >= Self.most { return self.flush() }
        guard !self.isScheduled else { return }
        self.isScheduled = true
        // Runs when the jobs that this turn resumed have run.
        self.loop.assumeIsolated().execute {
            self.isScheduled = false
            self.flush()
        }
    }

    /// Flushes what waits.
    package func flush() {
        var connections = self.waiting
        self.waiting = self.spare
        self.spare = []
        for connection in connections { connection.flushNow() }
        connections.removeAll(keepingCapacity: true)
        self.spare = connections
    }
}
