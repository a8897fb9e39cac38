import NIOHTTP1
import NeedletailCore
import NeedletailRouting
import NeedletailStore

/// What was said, where that is kept, and users who want to be forgotten.
struct ContentRoom: AdminRoom {
    let title = "Content"
    private let store: GatewayStore
    private let stack: @Sendable () -> GatewayStack
    private let log: RecentRequests
    private let random: RandomSource

    init(
        _ store: GatewayStore, stack: @escaping @Sendable () -> GatewayStack, log: RecentRequests, random: RandomSource
    ) {
        self.store = store
        self.stack = stack
        self.log = log
        self.random = random
    }

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/requests/{id}/content", .audit,
                "What was said in a request, redacted, where `privacy.content` has it kept."
            ) { request throws(AdminError) in try await self.content(request["id"]) },
            AdminRoute(
                .DELETE, "/users/{user}", .configure,
                "Forgets an end user: deletes what was said, kept responses and cached replies; a pseudonym stands in the ledger.",
                query: [AdminField("tenant", .text, "Only this tenant's user of that name.")]
            ) { request throws(AdminError) in try await self.erase(request["user"], tenant: request.query["tenant"]) },
        ]
    }

    private func content(_ id: String) async throws(AdminError) -> AdminReply {
        guard let file = self.store.file else { throw .noStore }
        let content = self.store.content
        do throws(NeedletailError) {
            try await content.flush(self.store, file)
            let found = try await self.store.perform { () throws(NeedletailError) in try file.content(of: id) }
            guard let found else {
                throw NeedletailError(.notFound, "Nothing is kept of what was said in a request with this id.")
            }
            return .object { json in
                json.member("id", found.requestID)
                json.member("ended", number: Double(found.wallMilliseconds) / 1e3)
                json.member("key", found.key.isEmpty ? nil : found.key)
                json.member("tenant", found.tenant.isEmpty ? nil : found.tenant)
                json.member("user", found.user.isEmpty ? nil : found.user)
                json.member("model", found.model)
                json.member("provider", found.provider.isEmpty ? nil : found.provider)
                json.member("request", JSONText(unchecked: found.request))
                json.member("reply", found.reply.isEmpty ? nil : JSONText(unchecked: found.reply))
                json.member("cut", found.isCut)
            }
        } catch {
            throw .store(error)
        }
    }

    private func erase(_ user: String, tenant: String?) async throws(AdminError) -> AdminReply {
        guard !user.isEmpty else { throw AdminError(400, "invalid_request", "The user has no name.") }
        let stack = self.stack()
        var erasure = UserErasure(user: user, tenant: tenant)
        (erasure.responses, erasure.cached) = stack.forget(user: user, tenant: tenant)
        self.store.replies?.eraseWaiting(user: user, tenant: tenant)
        erasure.requests = self.log.erase(user: user, tenant: tenant)
        erasure.contents = self.store.content.erase(user: user, tenant: tenant)
        if let file = self.store.file {
            let (pseudonym, ledger, content) = (
                UserErasure.pseudonym(self.random), self.store.ledger, self.store.content
            )
            do throws(NeedletailError) {
                try await ledger?.flush()
                let replies = self.store.replies
                let counters = self.store.budgets.rules.counters(of: user, now: self.store.wallSeconds)
                let (late, done) = try await self.store.perform {
                    () throws(NeedletailError) -> (Int, SQLiteStore.Erasure) in
                    // What came meanwhile; what was taken out to be written is in the file, since that is this thread's.
                    let late = content.erase(user: user, tenant: tenant)
                    replies?.eraseWaiting(user: user, tenant: tenant)
                    let done = try file.erase(
                        user: user, tenant: tenant, pseudonym: pseudonym, counters: counters)
                    return (late, done)
                }
                erasure.contents += late + done.contents
                erasure.lines = done.lines
                erasure.stored = done.replies
                // What was found in the store meanwhile.
                _ = stack.forget(user: user, tenant: tenant)
            } catch {
                throw .store(error)
            }
        }
        let done = erasure
        return .object { done.write(&$0) }
    }
}

/// What was done to forget a user.
struct UserErasure: Sendable {
    var user: String
    var tenant: String?
    /// Requests whose content was deleted.
    var contents = 0
    /// Lines that have a pseudonym now.
    var lines = 0
    /// Responses that were kept.
    var responses = 0
    /// Replies that were cached in memory.
    var cached = 0
    /// Replies that were cached in the store.
    var stored = 0
    /// Entries of the request log that name nobody now.
    var requests = 0

    /// A name that tells nothing.
    static func pseudonym(_ random: RandomSource) -> String {
        let digits = String(random.next(), radix: 16)
        return "erased-" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Writes the members of an answer.
    func write(_ json: inout JSONWriter) {
        json.member("contents_deleted", self.contents)
        json.member("lines_pseudonymised", self.lines)
        json.member("responses_deleted", self.responses)
        json.member("cached_replies_deleted", self.cached)
        json.member("stored_replies_deleted", self.stored)
        json.member("log_entries_cleared", self.requests)
    }
}
