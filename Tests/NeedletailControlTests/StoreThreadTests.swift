import Dispatch
import Foundation
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailStore
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("The store's thread", .timeLimit(.minutes(5)))
struct StoreThreadTests {
    @Test("The audit record is looked over and the vault is opened while the thread that grants budgets is held up")
    func beside() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("main", Secret("sk-1"))
        try AuditTool(fixture.store).note("act", subject: "s1")
        let loader = ConfigurationLoader(types: .version, environment: [:])
        var configuration = try loader.load(text: "providers: { m: { type: mock } }\n", named: "f.yaml")
        configuration.store = StoreConfiguration()
        configuration.store.path = fixture.path
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = try GatewayStore(configuration, time: fixture.time.source, logger: logger)
        var tool = VaultTool(
            vault: fixture.vault(), providers: { _ in [] },
            probe: CredentialProbe(
                group: MultiThreadedEventLoopGroup.singleton, environment: [:], time: fixture.time.source,
                logger: logger))
        tool.store = store
        // Holds the thread up.
        let gate = DispatchSemaphore(value: 0)
        let started = AsyncStream.makeStream(of: Void.self)
        async let held: Void = store.perform { () throws(NeedletailError) in
            started.continuation.yield()
            gate.wait()
        }
        for await _ in started.stream { break }
        var answers: [String] = []
        for route in AuditRoom(store).routes {
            let reply = try? await route.handler(AdminRequest(caller: .local))
            answers.append(reply.map { String(buffer: $0.body) } ?? "failed")
        }
        let values = try? await tool.run { vault throws(NeedletailError) in try vault.values("main").texts }
        gate.signal()
        try await held
        #expect(answers.count == 2 && answers[0].contains(#""s1""#))
        #expect(answers[1].contains(#""ok":true"#))
        #expect(values == ["sk-1"])
        await store.close()
    }
}
