import Foundation
import GRDB
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailStore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Audit: the record", .timeLimit(.minutes(5)))
struct AuditTrailTests {
    /// A store that takes nothing while it is told so.
    private final class FlakyStore: AuditStore {
        let inner: SQLiteStore
        let isAway = Atomic(false)
        init(_ inner: SQLiteStore) { self.inner = inner }
        func appendAudit(_ make: (AuditHead) -> [AuditRecord]) throws(NeedletailError) -> AuditHead {
            if self.isAway.load(ordering: .relaxed) { throw NeedletailError(.unavailable, "away") }
            return try self.inner.appendAudit(make)
        }
        func auditHead() throws(NeedletailError) -> AuditHead { try self.inner.auditHead() }
        func auditRecords(after sequence: Int64, limit: Int) throws(NeedletailError) -> [AuditRecord] {
            try self.inner.auditRecords(after: sequence, limit: limit)
        }
        func auditRecords(_ question: AuditQuestion) throws(NeedletailError) -> [AuditRecord] {
            try self.inner.auditRecords(question)
        }
    }

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func trail(_ fixture: VaultFixture, _ store: any AuditStore) -> AuditTrail {
        AuditTrail(
            store, anchor: AuditAnchor(store: fixture.path), time: fixture.time.source, logger: Self.logger
        ) { work throws(NeedletailError) in try work() }
    }

    @Test("What the store does not take waits, in order, and nothing is done when too much waits")
    func away() async throws {
        let fixture = try VaultFixture()
        let store = FlakyStore(fixture.store)
        let trail = Self.trail(fixture, store)
        trail.note("one", by: "ann")
        await trail.flush()
        store.isAway.store(true, ordering: .relaxed)
        for number in 0..<AuditTrail.capacity { trail.note("act \(number)", by: "ann") }
        #expect(!trail.hasRoom)
        trail.note("too much", by: "gateway")
        await trail.flush()
        #expect(!trail.hasRoom)
        store.isAway.store(false, ordering: .relaxed)
        await trail.flush()
        #expect(trail.hasRoom)
        let tool = AuditTool(fixture.store)
        let report = try tool.verify()
        #expect(report.faults.isEmpty && report.isAnchored)
        #expect(report.head.sequence == Int64(AuditTrail.capacity) + 2)
        let last = try #require(try tool.list(AuditQuestion(limit: 1)).first?.event)
        #expect(last.action == "audit.lost" && last.details == ["count": "1"])
    }

    @Test("Tampering with the file is found; SQLite itself refuses the simple ways", arguments: 0..<5)
    func tampering(_ way: Int) throws {
        let fixture = try VaultFixture()
        let tool = AuditTool(fixture.store)
        for number in 1...5 { try tool.note("act", subject: "s\(number)") }
        #expect(try tool.verify().faults.isEmpty)
        let end = try tool.verify().head
        let queue = try DatabaseQueue(path: fixture.path)
        for sql in ["DELETE FROM audit", "UPDATE audit SET event = ''"] {
            #expect(throws: DatabaseError.self) { try queue.write { database in try database.execute(sql: sql) } }
        }
        try queue.write { database in
            try database.execute(sql: "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete")
            switch way {
            case 0: try database.execute(sql: "UPDATE audit SET event = replace(event, 's3', 's9')")
            case 1: try database.execute(sql: "DELETE FROM audit WHERE sequence = 3")
            case 2: try database.execute(sql: "DELETE FROM audit WHERE sequence = 5")
            case 3:
                // The end cut off with the store's own note of it.
                try database.execute(
                    sql: """
                        DELETE FROM audit WHERE sequence > 3;
                        UPDATE audit_head SET sequence = 3, hash = (SELECT hash FROM audit WHERE sequence = 3)
                        """)
            default: try database.execute(sql: "UPDATE audit SET event = 'spoilt' WHERE sequence = 2")
            }
        }
        #expect(try tool.verify().faults != [])
        #expect(try tool.verify(noted: end).faults != [])
        if way == 3 {
            try fixture.folder.remove("needletail.db.audit-head")
            let report = try tool.verify()
            #expect(report.faults.isEmpty && !report.isAnchored, "nobody has noted the end elsewhere")
            #expect(try tool.verify(noted: end).faults != [])
        }
    }

    @Test("Records are found by who, what, how and when")
    func list() throws {
        let fixture = try VaultFixture()
        let tool = AuditTool(fixture.store, time: fixture.time.source)
        for number in 1...5 {
            try tool.note(number % 2 == 0 ? "keys.rotate" : "keys.create", number == 5 ? .failed : .done)
            fixture.time.advance(by: .seconds(10))
        }
        func numbers(_ question: AuditQuestion) throws -> [Int64] { try tool.list(question).map(\.sequence) }
        #expect(try numbers(AuditQuestion()) == [5, 4, 3, 2, 1])
        #expect(try numbers(AuditQuestion(before: 4, limit: 2)) == [3, 2])
        #expect(try numbers(AuditQuestion(action: "keys.c")) == [5, 3, 1])
        #expect(try numbers(AuditQuestion(outcome: .failed)) == [5])
        #expect(try numbers(AuditQuestion(actor: "nobody")) == [])
        #expect(try numbers(AuditQuestion(since: 1_700_000_000_000 + 25_000)) == [5, 4])
        var all: [Int64] = []
        try tool.each { all.append($0.sequence) }
        #expect(all == [1, 2, 3, 4, 5])
    }

    @Test("The admin API's changes, refusals and readings of the vault are in it, and no secret")
    func gateway() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("main", Secret("sk-marker-vault"))
        let path = try fixture.folder.write(
            "needletail.yaml",
            """
            listen: { api: "127.0.0.1:0", admin: "127.0.0.1:0" }
            providers: { main: { type: mock, api_key: { vault: main } } }
            admin: { keys: [ { name: ann, key: marker-ann-0123456789, role: admin }, { name: dev, key: marker-dev-0123456789, role: developer } ] }
            """)
        let environment = ["NEEDLETAIL_MASTER_KEY": VaultFixture.first]
        let configuration = try ConfigurationLoader(
            types: .version, environment: environment, time: fixture.time.source
        ).load(file: path)
        let process = try GatewayProcess(
            configuration,
            .init(environment: environment, group: .singleton, time: fixture.time.source, logger: Self.logger))
        let access = AdminAccess(configuration.admin, host: "127.0.0.1", time: fixture.time.source)
        let api = AdminAPI(
            process.rooms, access: access, rest: NowhereHandler(), logger: Self.logger, audit: process.store.audit)
        func ask(_ method: String, _ path: String, _ body: String = "", key: String?) async -> EdgeResponse {
            let head = adminHead(.init(rawValue: method), AdminRoute.root + path, key: key)
            switch api.admit(head, from: try? .init(ipAddress: "192.0.2.7", port: 1)) {
            case .refused(let response): return response
            case .admitted(let call):
                guard let call = call as? AdminAPI.Call else { return EdgeResponse(status: 599) }
                return await api.answer(call, head, .init(string: body)).response
            }
        }
        let ann = "marker-ann-0123456789"
        #expect(await ask("POST", "/keys", #"{"name":"k1"}"#, key: ann).status == 201)
        #expect(await ask("POST", "/keys", #"{"name":"k2"}"#, key: "marker-dev-0123456789").status == 403)
        for _ in 0..<5 { #expect(await ask("GET", "/keys", key: "marker-wrong").status == 401) }
        #expect(await ask("PUT", "/vault/other", #"{"value":"sk-marker-two"}"#, key: ann).status == 200)
        #expect(await ask("GET", "/audit?limit=2", key: "marker-dev-0123456789").status == 403)
        let shown = await ask("GET", "/audit", key: ann)
        #expect(shown.status == 200 && !shown.text.contains("marker"))
        let verified = await ask("GET", "/audit/verify", key: ann)
        #expect(verified.text.contains(#""ok":true"#))
        await process.drain()
        let events = try AuditTool(fixture.store).list(AuditQuestion(limit: 1_000)).compactMap(\.event)
        func count(_ action: String, _ outcome: AuditEvent.Outcome) -> Int {
            events.count { $0.action == action && $0.outcome == outcome }
        }
        #expect(count("POST /keys", .done) == 1 && count("PUT /vault/{name}", .done) == 1)
        #expect(count("vault.read", .done) >= 2 && count("config.serves", .done) >= 2)
        let made = try #require(events.first { $0.action == "POST /keys" })
        #expect(made.subject == "k1" && made.actor == "ann" && made.role == "admin" && made.peer == "192.0.2.7")
        let wrong = events.filter { $0.action == "admin.refused" && $0.actor.isEmpty }
        #expect(wrong.count == 2 && wrong.contains { $0.details["more"] == "4" })
        #expect(events.contains { $0.action == "admin.refused" && $0.actor == "dev" && $0.subject == "POST /keys" })
        #expect(try AuditTool(fixture.store).verify().faults.isEmpty)
    }
}

/// Answers nothing.
struct NowhereHandler: EdgeHandler {
    func admit(_ head: HTTPRequestHead) -> EdgeAdmission { .refused(EdgeResponse(status: 299)) }
    func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {}
    func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse { EdgeResponse(status: 500) }
}
