import NIOHTTP1
import NeedletailCore
import NeedletailStore

/// What was done to the gateway, and by whom.
struct AuditRoom: AdminRoom {
    let title = "Audit"
    private let store: GatewayStore

    init(_ store: GatewayStore) {
        self.store = store
    }

    private static let outcomes = AuditEvent.Outcome.allCases.map(\.rawValue)

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/audit", .audit, "What was done to the gateway and what was refused, newest first.",
                query: [
                    AdminField("limit", .integer(1...AdminPage.largest), "How many; \(AdminPage.usual) when left out."),
                    AdminField("before", .integer(1...Int.max), "Only those before this number: `next_before`."),
                    AdminField("actor", .text, "Only this actor's."),
                    AdminField("action", .text, "Only actions that begin so."),
                    AdminField("outcome", .word(Self.outcomes), "Only those that ended so."),
                    AdminField("since", .integer(0...Int.max), "From this second since 1970 on."),
                ]
            ) { request throws(AdminError) in try await self.list(request) },
            AdminRoute(
                .GET, "/audit/verify", .audit, "Looks the whole chain over: `ok`, its end, and every fault.",
                query: [AdminField("head", .text, "An end that was noted elsewhere, `NUMBER:HASH`.")]
            ) { request throws(AdminError) in
                var noted: AuditHead?
                if let text = request.query["head"] {
                    noted = AuditHead(text)
                    if noted == nil { throw .badField("head", "is an end as `NUMBER:HASH`") }
                }
                let head = noted
                let report = try await self.work { tool throws(NeedletailError) in try tool.verify(noted: head) }
                return .object { json in
                    json.member("ok", report.faults.isEmpty)
                    json.member("records", Int(report.head.sequence))
                    json.member("head", report.head.text)
                    json.member("anchored", report.isAnchored)
                    json.member("faults", texts: report.faults)
                }
            },
        ]
    }

    private func list(_ request: AdminRequest) async throws(AdminError) -> AdminReply {
        let query = request.query
        let since = query["since"].flatMap { Int64($0) }?.multipliedReportingOverflow(by: 1_000)
        let question = AuditQuestion(
            before: query["before"].flatMap { Int64($0) }, actor: query["actor"], action: query["action"],
            outcome: query["outcome"].flatMap { AuditEvent.Outcome(rawValue: $0) },
            since: since.map { $0.overflow ? .max : $0.partialValue },
            limit: query["limit"].flatMap { Int($0) } ?? AdminPage.usual)
        let records = try await self.work { tool throws(NeedletailError) in try tool.list(question) }
        let isFull = records.count == question.limit
        return .object { json in
            json.member("data", objects: records) { json, record in AuditTable.members(record, into: &json) }
            json.member("next_before", isFull ? records.last.map { Int($0.sequence) } : nil)
        }
    }

    private func work<Value: Sendable>(
        _ body: @escaping @Sendable (AuditTool) throws(NeedletailError) -> Value
    ) async throws(AdminError) -> Value {
        guard let file = self.store.file else { throw .noStore }
        await self.store.audit?.flush()
        do throws(NeedletailError) {
            // The whole chain may be millions of records, and calls wait for the store's own thread.
            let (path, time) = (file.path, self.store.time)
            return try await self.store.performBeside { () throws(NeedletailError) in
                try body(AuditTool(try SQLiteStore(path: path, mode: .read, isChecked: false), time: time))
            }
        } catch {
            throw .store(error)
        }
    }
}
