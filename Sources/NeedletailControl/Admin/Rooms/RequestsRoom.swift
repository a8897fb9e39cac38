import NIOCore
import NIOHTTP1
import NeedletailCore

/// The last requests.
struct RequestsRoom: AdminRoom {
    /// The longest that a caller may wait for a request, in seconds: below what proxies allow a silent connection.
    static let longestWait = 25
    /// How often a waiting call looks, which is also how late it may be.
    private static let look = Duration.milliseconds(200)

    let title = "Requests"
    let log: RecentRequests
    let time: TimeSource
    private let seats = TailSeats()

    init(log: RecentRequests, time: TimeSource) {
        self.log = log
        self.time = time
    }

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/requests", .audit,
                "The last requests, newest first; with `after`, those that ended later, oldest first.",
                query: Self.fields
            ) { request throws(AdminError) in
                try await self.list(request)
            },
            AdminRoute(
                .GET, "/requests/tail", .audit,
                "The requests as they end, as server-sent events: `request`, and `missed` with a count for who is slow.",
                query: [
                    AdminField(
                        "after", .integer(0...Int.max),
                        "Begin after this number; the header `last-event-id` says the same. Else with the next to end.")
                ] + Self.filters
            ) { request throws(AdminError) in
                try self.tail(request)
            },
            AdminRoute(
                .GET, "/requests/{id}", .audit, "One request: its calls with their times, losses, usage and cost."
            ) { request throws(AdminError) in
                if let entry = self.log.find(request["id"]) { return .object { $0.story(of: entry) } }
                guard
                    let story = try await self.past({ history throws(NeedletailError) in try history.find(request["id"])
                    })
                else { throw AdminError(404, "not_found", "No request with this id is kept.") }
                return AdminReply(body: ByteBuffer(string: story))
            },
        ]
    }

    private static let fields =
        [
            AdminField("limit", .integer(1...AdminPage.largest), "How many; \(AdminPage.usual) when left out."),
            AdminField("before", .integer(1...Int.max), "Only those that ended before this number: `next_before`."),
            AdminField("after", .integer(0...Int.max), "Only those that ended after this number: `newest`."),
            AdminField(
                "wait", .integer(0...Self.longestWait), "With `after`: how many seconds to wait for the first one."),
        ] + Self.filters

    private static let filters = [
        AdminField("key", .text, "The key's name."),
        AdminField("model", .text, "The model asked for or answering; `name*` for a beginning."),
        AdminField("provider", .text, "Who answered, or was called in vain."),
        AdminField("status", .text, "A status, or a class such as `5xx`."),
        AdminField("min_duration_ms", .integer(0...Int.max), "At least so long."),
        AdminField("min_cost_usd", .number, "At least so dear."),
        AdminField("since", .integer(0...Int.max), "Ended in this second since 1970 or later."),
        AdminField("until", .integer(0...Int.max), "Ended in this second since 1970 or before."),
    ]

    private func list(_ request: AdminRequest) async throws(AdminError) -> AdminReply {
        let filter = try Self.filter(request.query)
        let limit = request.query["limit"].flatMap { Int($0) } ?? AdminPage.usual
        let page: RecentRequests.Page
        if let after = request.query["after"].flatMap({ UInt64($0) }) {
            page = await self.wait(after, limit, filter, seconds: request.query["wait"].flatMap { Int($0) } ?? 0)
        } else {
            let before = request.query["before"].flatMap { UInt64($0) }
            page = self.log.newest(limit, before: before, where: filter)
            // Where memory ends the file goes on.
            let (oldest, missing) = (self.log.oldest, limit - page.entries.count)
            if !page.hasMore {
                let rows = try await self.past { history throws(NeedletailError) in
                    try history.page(filter, before: min(before ?? oldest, oldest), limit: missing + 1)
                }
                if let rows, !rows.isEmpty {
                    return Self.reply(page, rows.prefix(missing), hasMore: rows.count > missing)
                }
            }
        }
        return Self.reply(page, [], hasMore: page.hasMore)
    }

    private static func reply(
        _ page: RecentRequests.Page, _ rows: ArraySlice<(number: Int64, row: String)>, hasMore: Bool
    ) -> AdminReply {
        .object { json in
            json.key("data")
            json.beginArray()
            for entry in page.entries {
                json.beginObject()
                json.members(of: entry)
                json.endObject()
            }
            for row in rows { json.raw(JSONText(unchecked: ByteBuffer(string: row.row))) }
            json.endArray()
            json.member("newest", Int(clamping: page.newest))
            json.member("has_more", hasMore)
            let last = rows.last.map { Int($0.number) } ?? page.entries.last.map { Int(clamping: $0.number) }
            json.member("next_before", hasMore ? last : nil)
        }
    }

    /// Asks the history, where there is one.
    private func past<Value: Sendable>(
        _ ask: (RequestHistory) throws(NeedletailError) -> Value?
    ) async throws(AdminError) -> Value? {
        guard let history = self.log.history else { return nil }
        // What has left memory may still wait to be written.
        await history.flush()
        do throws(NeedletailError) { return try ask(history) } catch { throw .store(error) }
    }

    private func tail(_ request: AdminRequest) throws(AdminError) -> AdminReply {
        let filter = try Self.filter(request.query)
        let after = (request.query["after"] ?? request.lastEventID).flatMap { UInt64($0) }
        let seats = self.seats
        guard seats.take() else {
            throw AdminError(
                429, "rate_limit_error", "\(TailSeats.count) readers follow the requests already; close one of them.")
        }
        let tail = RequestTail(self.log, filter, after: after, time: self.time) { seats.leave() }
        var reply = AdminReply(body: ByteBuffer())
        reply.stream = ReplyStream(dialect: .openAIChat, reader: tail)
        reply.contentType = StreamFraming.serverSentEvents.contentType
        return reply
    }

    /// What ended after an entry, as soon as something did.
    private func wait(_ after: UInt64, _ limit: Int, _ filter: RequestFilter, seconds: Int) async -> RecentRequests.Page
    {
        let end = self.time.now().advanced(by: .seconds(seconds))
        while true {
            let page = self.log.after(after, limit: limit, where: filter)
            let now = self.time.now()
            guard page.entries.isEmpty, now < end else { return page }
            do { try await self.time.sleep(min(end, now.advanced(by: Self.look))) } catch { return page }
        }
    }

    private static func filter(_ query: [String: String]) throws(AdminError) -> RequestFilter {
        var filter = RequestFilter()
        filter.key = query["key"]
        filter.model = query["model"]
        filter.provider = query["provider"]
        if let status = query["status"] {
            guard let range = Self.statuses(status) else {
                throw .badField("status", "is a status such as 429, or a class such as 5xx")
            }
            filter.statuses = range
        }
        filter.slowerThan = query["min_duration_ms"].flatMap { Int($0) }
        filter.dearerThan = query["min_cost_usd"].flatMap { Double($0) }.map { Int64(min(max($0, 0), 9e6) * 1e12) }
        filter.since = query["since"].flatMap { Int64($0) }
        filter.until = query["until"].flatMap { Int64($0) }
        return filter
    }

    private static func statuses(_ text: String) -> ClosedRange<Int>? {
        if text.count == 3, text.hasSuffix("xx"), let digit = text.first?.wholeNumberValue, (1...5).contains(digit) {
            return digit * 100...digit * 100 + 99
        }
        return Int(text).flatMap { (100...599).contains($0) ? $0...$0 : nil }
    }
}
