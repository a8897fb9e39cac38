import Foundation
import NeedletailGateway
import Testing

/// A stream that breaks at each point has one outcome each, in both dialects: `docs/streams.md`.
@Suite("Faults in streams", .timeLimit(.minutes(15)))
struct StreamFaultTests {
    @Test("each fault at each point has its documented outcome", arguments: FaultCase.all, Surface.allCases)
    func outcome(fault: FaultCase, client: Surface) async throws {
        guard fault.point != .headers || fault.kind != .garbage else {
            // The mock's own server cannot write what is no HTTP.
            return try await withUpstream({ peer, request in
                request.contains("broken")
                    ? peer.send("garbage\r\n\r\n") : peer.send(response(fault.upstream.wholeReply))
            }) { upstream in
                try await self.check(fault, client, port: upstream.port) { upstream.requests.count }
            }
        }
        try await withMock(MockScript(delay: .zero, rules: [self.rule(fault)])) { engine, port in
            try await self.check(fault, client, port: port) { engine.statistics.total.requests }
        }
    }

    private func rule(_ fault: FaultCase) -> MockRule {
        var rule = MockRule(fault: MockFault(at: fault.point.mock, kind: fault.kind.mock))
        rule.match.model = "broken"
        switch fault.point {
        case .toolArguments: rule.reply.toolCalls = [.init(name: "weather", arguments: #"{"city":"Paris in France"}"#)]
        case .thinking: rule.reply.reasoning = "Let us think about this for a while."
        default: rule.reply.text = "alpha beta gamma delta"
        }
        return rule
    }

    private func check(_ fault: FaultCase, _ client: Surface, port: Int, _ calls: @Sendable () -> Int) async throws {
        let yaml = """
            providers:
              \(fault.upstream.provider):
                type: \(fault.upstream.provider)-compatible
                base_url: http://127.0.0.1:\(port)
                api_key: sk-upstream
                timeouts: { first_token: 30s, idle: \(fault.kind == .stall ? "200ms" : "30s") }
                retry: { max_attempts: 2, base_delay: 1ms }
            """
        let time = ShiftedTime()
        try await withGateway(yaml, time: time.source) { gateway in
            let connection = try await gateway.connect()
            let body = client.request("\(fault.upstream.provider)/broken", stream: true)
            async let answer = connection.post(client.path, body)
            if fault.kind == .stall, fault.point.isBeforeCommit {
                // The limit passes when the upstream has been asked, and not before on a busy machine.
                for call in 1...fault.calls {
                    await eventually { calls() == call }
                    time.advance(seconds: 31)
                }
            }
            let reply = try await answer
            #expect(reply.isWhole, "the message's framing is kept")
            #expect(calls() == fault.calls)
            switch fault.outcome {
            case .status(let failure):
                #expect(reply.status == failure.status(client), "\(reply.body)")
                #expect(reply.headers["content-type"] == "application/json")
                for name in client.names(failure) { #expect(reply.body.contains(name), "\(reply.body)") }
            case .errorEvent(let failure):
                #expect(reply.status == 200)
                #expect(reply.headers["x-needletail-attempts"] == "1")
                let events = Self.events(reply.body)
                self.expectSoFar(fault, client, reply.body)
                #expect(!reply.body.contains(client.endMarker), "\(reply.body)")
                let last = try #require(events.last)
                for name in client.names(failure) { #expect(last.contains(name), "\(reply.body)") }
                #expect(last.contains(#""error":{"#))
                #expect(events.filter { $0.contains(#""error":{"#) }.count == 1)
                #expect(last.hasPrefix(client == .anthropic ? "event: error\n" : "data: {"))
            case .whole:
                #expect(reply.status == 200)
                let events = Self.events(reply.body)
                #expect(events.last?.hasPrefix(client.endMarker) == true, "\(reply.body)")
                #expect(events.filter { $0.hasPrefix(client.endMarker) }.count == 1)
                #expect(!reply.body.contains(#""error":{"#))
                self.expectSoFar(fault, client, reply.body)
                let stop = client == .openAI ? #""finish_reason":"stop""# : #""stop_reason":"end_turn""#
                #expect(reply.body.contains(stop), "\(reply.body)")
            }
            let second = try await connection.post(client.path, client.request("\(fault.upstream.provider)/fine"))
            #expect(second.status == 200, "the connection goes on: \(second.body)")
        }
    }

    /// What came before the fault has reached the client, and what came after it has not.
    private func expectSoFar(_ fault: FaultCase, _ client: Surface, _ body: String) {
        switch fault.point {
        case .headers, .firstEvent: break
        case .text:
            #expect(body.contains("alpha") && body.contains("beta"), "\(body)")
            #expect(!body.contains("gamma"))
        case .toolArguments:
            #expect(body.contains("weather"), "\(body)")
            #expect(!body.contains("France"))
        case .thinking:
            #expect(body.contains("Let"), "\(body)")
            #expect(!body.contains("while"))
        case .usage, .end: #expect(body.contains("alpha") && body.contains("delta"), "\(body)")
        }
    }

    private static func events(_ body: String) -> [String] {
        body.split(separator: "\n\n").map(String.init)
    }

    @Test("docs/streams.md has these outcomes and no others")
    func documented() throws {
        let rows = try DocumentedTable.rows("streams.md", under: "## One upstream")
        #expect(rows == FaultCase.all.map(\.row), "write:\n\(FaultCase.all.map(\.row).joined(separator: "\n"))")
    }
}
