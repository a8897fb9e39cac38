import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailGateway

@Suite("Lock-out of who guesses clients' keys")
struct GuessGuardTests {
    /// Signed tokens, which nobody finds by trying.
    private struct Tokens: StoredAccess {
        let isEmpty = false
        func find(_ secret: String) -> AccessKey? { nil }
        func isGuess(_ secret: String) -> Bool { !secret.hasPrefix("ey") }
    }

    private let time = JumpingTime()
    private let handler: GatewayHandler

    init() {
        var services = GatewayServices(
            stack: NeedletailTesting.ScriptedProvider("never"), listModels: { _ in [] },
            access: AccessTable(
                [
                    AccessKey(name: "used", secret: "used"), AccessKey(name: "unused", secret: "unused"),
                    AccessKey(name: "long", secret: "no-guess-finds-these"),
                ], stored: Tokens()
            ))
        services.trustedProxies = [ClientNetwork("10.0.0.0/8")].compactMap(\.self)
        self.handler = GatewayHandler(
            services: services, ids: RequestIDSource(RandomSource.Generator(.seeded(1))), phase: ServingPhase(),
            time: self.time.source, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// 0 for who may pass, else the status.
    private func ask(
        _ key: String?, from peer: String = "192.0.2.1", path: String = "/v1/chat/completions",
        for client: String? = nil
    ) -> (status: Int, wait: String?) {
        var headers = HTTPHeaders([("host", "localhost")])
        if let key { headers.add(name: "authorization", value: "Bearer \(key)") }
        if let client { headers.add(name: "x-forwarded-for", value: client) }
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: path, headers: headers)
        switch self.handler.admit(head, from: try? SocketAddress(ipAddress: peer, port: 1)) {
        case .admitted: return (0, nil)
        case .refused(let response): return (response.status, response.headers[.retryAfter])
        }
    }

    private func guess(from peer: String = "192.0.2.1", for client: String? = nil, count: Int = GuessGuard.threshold) {
        for number in 0..<count { _ = self.ask("guess-\(number)", from: peer, for: client) }
    }

    @Test("many different keys lock a client out for a minute; long keys and those in use there go on, others do too")
    func locks() {
        for number in 1..<GuessGuard.threshold { #expect(self.ask("guess-\(number)").status == 401) }
        #expect(self.ask("used").status == 0)
        let last = self.ask("guess-0")
        #expect(last.status == 429 && last.wait == "60")
        #expect(self.ask("guess-0", path: "/v1/messages").status == 429)
        #expect(self.ask("used").status == 0)
        #expect(self.ask("unused").status == 429, "it may be the guess that was right")
        #expect(self.ask("no-guess-finds-these").status == 0)
        #expect(self.ask(nil).status == 401)
        #expect(self.ask("unused", from: "192.0.2.2").status == 0)
        #expect(self.ask("guess-1", from: "192.0.2.2").status == 401)
        self.time.advance(by: .seconds(59))
        #expect(self.ask("unused").wait == "1")
        self.time.advance(by: .seconds(1))
        #expect(self.ask("unused").status == 0 && self.ask("guess-1").status == 401)
    }

    @Test("one wrong key sent again and again, and tokens, lock nobody out")
    func mistakes() {
        for _ in 0..<1_000 { #expect(self.ask("old").status == 401) }
        for number in 0..<1_000 { #expect(self.ask("ey\(number)").status == 401) }
        #expect(self.ask("unused").status == 0)
    }

    @Test("guesses that are far apart are forgotten")
    func slow() {
        for number in 0..<200 {
            #expect(self.ask("guess-\(number)").status == 401)
            self.time.advance(by: .seconds(11))
        }
    }

    @Test("a client is an address of version 4, a network of version 6, and what a trusted proxy names")
    func clients() {
        self.guess(from: "2001:db8:1:2::9")
        #expect(self.ask("unused", from: "2001:db8:1:2:ffff::1").status == 429)
        #expect(self.ask("unused", from: "2001:db8:1:3::9").status == 0)
        self.guess(from: "10.0.0.1", for: "203.0.113.5")
        #expect(self.ask("unused", from: "10.0.0.2", for: "203.0.113.5").status == 429)
        #expect(self.ask("unused", from: "10.0.0.2", for: "203.0.113.6").status == 0)
        // Who is no proxy speaks for nobody.
        self.guess(from: "192.0.2.9", for: "203.0.113.6")
        #expect(self.ask("unused", from: "10.0.0.2", for: "203.0.113.6").status == 0)
        #expect(self.ask("unused", from: "192.0.2.9").status == 429)
    }

    @Test("who comes from many addresses drives out neither who is locked out nor who has guessed often")
    func crowd() {
        var state = GuessGuardState(threshold: 3)
        var now = Instant(nanoseconds: 0)
        for _ in 0..<3 { _ = state.fail("locked", now: now) }
        for _ in 0..<2 { _ = state.fail("often", now: now) }
        for number in 0..<5_000 { _ = state.fail("client-\(number)", now: now) }
        #expect(state.count == GuessGuardState.capacity)
        #expect(state.wait(of: "locked", now: now) != nil)
        let locks = state.fail("often", now: now)
        #expect(locks)
        // What is over goes first.
        now = now.advanced(by: .seconds(61))
        for number in 0..<GuessGuardState.capacity { _ = state.fail("later-\(number)", now: now) }
        #expect(state.wait(of: "locked", now: now) == nil)
        for client in ["locked", "often", "client-4999", "later-0"] { state.succeed(client) }
        #expect(state.count < GuessGuardState.capacity)
    }

    @Test("what is remembered is bounded: clients, guesses and right keys")
    func bounded() {
        var state = GuessGuardState(threshold: 3)
        let now = Instant(nanoseconds: 0)
        for number in 0..<5_000 {
            _ = state.fail("client-\(number)", guess: number, now: now)
            #expect(state.count <= GuessGuardState.capacity)
        }
        var locks: [Bool] = []
        for number in 0..<6 { locks.append(state.fail("c", guess: number, now: now)) }
        #expect(locks == [false, false, true, false, false, false])
        var other = GuessGuardState(threshold: 2)
        _ = other.fail("c", guess: 1, now: now)
        for number in 0..<1_000 { #expect(other.pass("c", key: number, now: now) == nil) }
        _ = other.fail("c", guess: 2, now: now)
        #expect(
            (0..<1_000).filter { other.pass("c", key: $0, now: now) == nil } == Array(0..<GuessGuardState.rightKeys))
        // What is over is dropped by whoever asks next.
        _ = other.pass("d", key: 1, now: now.advanced(by: .seconds(121)))
        #expect(other.count == 0)
    }
}
