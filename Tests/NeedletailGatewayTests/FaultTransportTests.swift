import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailGateway

@Suite("Fault transport")
struct FaultTransportTests {
    private let upstream = FunctionTransport { _ throws(NeedletailError) in
        TransportResponse(status: 200, headers: [:], body: TransportBody(ScriptedBody([ByteBuffer(string: "real")])))
    }

    private func transport(_ rules: [MockRule], seed: UInt64 = 1) -> FaultTransport {
        let (time, _) = jumpingTime()
        return FaultTransport(
            self.upstream, engine: MockEngine(script: MockScript(seed: seed, delay: .zero, rules: rules)), time: time)
    }

    private func request(method: HTTPRequest.Method = .post) -> TransportRequest {
        let mock = MockDialectCase.openAI.request(stream: true)
        return TransportRequest(method: method, path: mock.path, body: mock.body)
    }

    @Test("what no rule matches goes to the provider, untouched")
    func passes() async throws {
        var match = MockMatch()
        match.model = "another"
        let transport = self.transport([MockRule(match: match, fault: MockFault(at: .connect, kind: .reset))])
        for _ in 0..<3 {
            let response = try await transport.send(self.request())
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == "real")
        }
        #expect(self.upstream.requests.count == 3)
    }

    @Test("a script without rules, and a health check, reach the provider")
    func harmless() async throws {
        _ = try await self.transport([]).send(self.request())
        _ = try await self.transport([MockRule(fault: MockFault(at: .connect, kind: .reset))])
            .send(self.request(method: .get))
        #expect(self.upstream.requests.count == 2)
    }

    @Test("what a rule matches is answered by the script in the provider's dialect, and the provider does not see it")
    func faults() async throws {
        var every = MockMatch()
        every.every = 2
        var limited = MockScriptedReply()
        limited.status = 429
        let transport = self.transport([MockRule(match: every, reply: limited)])
        var statuses: [Int] = []
        for _ in 0..<4 {
            let response = try await transport.send(self.request())
            statuses.append(response.status)
            let body = String(buffer: try await response.body.collect(upTo: 10_000))
            #expect(response.status == 200 ? body == "real" : body.contains("\"error\""))
        }
        #expect(statuses == [200, 429, 200, 429])
        #expect(self.upstream.requests.count == 2)
        let broken = self.transport([MockRule(fault: MockFault(at: .connect, kind: .reset))])
        let error = await #expect(throws: NeedletailError.self) { try await broken.send(self.request()) }
        #expect(error?.code == .unreachable)
    }

    @Test("a probability takes its share, by the seed", arguments: [UInt64(1), 2, 3])
    func probability(seed: UInt64) async throws {
        func run() async -> [Bool] {
            var match = MockMatch()
            match.probability = 0.2
            let transport = self.transport(
                [MockRule(match: match, fault: MockFault(at: .connect, kind: .reset))], seed: seed)
            var failures: [Bool] = []
            for _ in 0..<500 { failures.append((try? await transport.send(self.request())) == nil) }
            return failures
        }
        let failures = await run()
        #expect((70...130).contains(failures.count { $0 }))
        #expect(await run() == failures)
    }
}
