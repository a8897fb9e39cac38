import NIOCore
import NeedletailCore

/// The requests as they end, as server-sent events: `request` with what a list shows of one and its number as the id, and
/// `missed` with a count of those that were gone before a slow reader came to them.
///
/// It has no queue of its own: it reads the log's ring, which is as far as a reader may fall behind.
final class RequestTail: ReplyReader {
    /// How often a silent stream says that it is there: below what proxies allow a silent connection.
    static let heartbeat = Duration.seconds(15)
    /// Requests in one write.
    private static let batch = 25

    private let log: RecentRequests
    private let filter: RequestFilter
    private let time: TimeSource
    private let release: @Sendable () -> Void
    /// The request that was looked at last.
    private var last: UInt64
    private var hasBegun = false

    /// - Parameters:
    ///   - after: The number of the last request that the reader knows; `nil` for only what ends from now on.
    ///   - release: Called once, when nobody reads any more.
    init(
        _ log: RecentRequests, _ filter: RequestFilter, after: UInt64?, time: TimeSource,
        release: @escaping @Sendable () -> Void
    ) {
        self.log = log
        self.filter = filter
        self.time = time
        self.release = release
        let newest = log.newest(0).newest
        // A number from before a restart: all that is kept is new to the reader.
        self.last = after.map { $0 > newest ? 0 : $0 } ?? newest
    }

    deinit {
        self.release()
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        var out = ByteBuffer()
        if !self.hasBegun {
            self.hasBegun = true
            // The head goes out with the first bytes; `retry` is how soon a browser comes back.
            out.writeString(": the requests as they end\nretry: 2000\n\n")
            _ = self.write(into: &out)
            return out
        }
        while true {
            if Task.isCancelled { throw NeedletailError(.cancelled, "The reader has gone.") }
            while self.write(into: &out), out.readableBytes == 0 {}
            if out.readableBytes > 0 { return out }
            if self.log.news.isClosed { return nil }
            let isNew = await self.wait()
            if !isNew, !Task.isCancelled {
                SSEEncoder.writeComment(" still here", into: &out)
                return out
            }
        }
    }

    /// Writes some of what has ended since the last look.
    ///
    /// - Returns: Whether there is more to look at.
    private func write(into out: inout ByteBuffer) -> Bool {
        let (page, missed) = self.log.tail(after: self.last, limit: Self.batch, where: self.filter)
        self.last = page.newest
        if missed > 0 {
            SSEEncoder.write(name: "missed", data: ByteBuffer(string: #"{"count":\#(missed)}"#), into: &out)
        }
        for entry in page.entries {
            var json = JSONWriter()
            json.beginObject()
            json.members(of: entry)
            json.endObject()
            out.writeString("id: \(entry.number)\n")
            SSEEncoder.write(name: "request", data: json.bytes, into: &out)
        }
        return page.hasMore
    }

    /// Waits for a request to end, or for the next heartbeat.
    ///
    /// - Returns: Whether something is new.
    private func wait() async -> Bool {
        let (news, last, time) = (self.log.news, self.last, self.time)
        let end = time.now().advanced(by: Self.heartbeat)
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await news.after(last)
                return true
            }
            group.addTask {
                try? await time.sleep(end)
                return false
            }
            let isNew = await group.next() ?? false
            group.cancelAll()
            return isNew
        }
    }
}
