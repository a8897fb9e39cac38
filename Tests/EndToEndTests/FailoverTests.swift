import HTTPTypes
import NIOCore
import NeedletailGateway
import Testing

@Suite("Failover", .timeLimit(.minutes(15)))
struct FailoverTests {
    /// A mock whose model `m` answers as `rule` says.
    private func script(_ change: (inout MockRule) -> Void) -> MockScript {
        var rule = MockRule()
        rule.match.model = "m"
        rule.reply.text = "never seen"
        change(&rule)
        return MockScript(delay: .zero, rules: [rule])
    }

    private static func retryAfter(_ value: String) -> HTTPFields {
        var fields = HTTPFields()
        if let name = HTTPField.Name("retry-after") { fields[name] = value }
        return fields
    }

    private func provider(
        _ name: String, _ surface: Surface, _ port: Int, maxDelay: String = "30s", breaker: Bool = true
    ) -> String {
        """
          \(name):
            type: \(surface.provider)-compatible
            base_url: http://127.0.0.1:\(port)
            api_key: sk-\(name)
            timeouts: { first_token: 30s, idle: 30s }
            circuit_breaker: \(breaker)
            retry: { max_attempts: 2, base_delay: 1ms, max_delay: \(maxDelay) }

        """
    }

    private func group(_ first: String, _ second: String) -> String {
        "providers:\n\(first)\(second)models:\n  chat: { targets: [first/m, second/good] }\n"
    }

    @Test(
        "what fails before the commit is answered by the next target, and the client sees nothing of it",
        arguments: ["cut", "500", "529", "429", "401", "404", "garbage", "error event", "html"], Surface.allCases)
    func failsOver(how: String, client: Surface) async throws {
        let broken = self.script { rule in
            switch how {
            case "cut": rule.fault = MockFault(at: .headers, kind: .reset)
            case "garbage": rule.fault = MockFault(at: .firstEvent, kind: .garbage)
            case "error event": rule.fault = MockFault(at: .firstEvent, kind: .errorEvent)
            case "html":
                rule.reply.text = nil
                rule.reply.raw = .init(bytes: .init(string: "<html>oops</html>"), contentType: "text/html")
            default: rule.reply.status = Int(how)
            }
        }
        let good = self.script { rule in
            rule.match.model = "good"
            rule.reply.text = "the second answers"
        }
        try await withMock(broken) { first, firstPort in
            try await withMock(good) { second, secondPort in
                // The second target speaks the other dialect, so that a failover is a translation too.
                let other = Surface.allCases.first { $0 != client } ?? client
                let yaml = self.group(
                    self.provider("first", client, firstPort), self.provider("second", other, secondPort))
                try await withGateway(yaml) { gateway in
                    let connection = try await gateway.connect()
                    for isStreaming in [false, true] {
                        let reply = try await connection.post(client.path, client.request("chat", stream: isStreaming))
                        #expect(reply.status == 200 && reply.isWhole, "\(reply.body)")
                        #expect(reply.headers["x-needletail-attempts"] == "2")
                        #expect(reply.headers["x-needletail-provider"] == "second")
                        #expect(reply.headers["x-needletail-model"] == "good")
                        #expect(reply.body.contains("second") && !reply.body.contains("never"), "\(reply.body)")
                        #expect(!reply.body.contains(#""error""#))
                        if isStreaming { #expect(reply.body.contains(client.endMarker)) }
                    }
                    #expect(first.statistics.total.requests == 2)
                    #expect(second.statistics.total.completed == 2)
                    #expect(gateway.counts.unanswered == 0)
                }
            }
        }
    }

    @Test(
        "after the commit nobody is asked again",
        arguments: [MockFault.Kind.reset, .garbage, .errorEvent], Surface.allCases)
    func commits(kind: MockFault.Kind, client: Surface) async throws {
        let broken = self.script { $0.fault = MockFault(at: .chunk(2), kind: kind) }
        try await withMock(broken) { first, firstPort in
            try await withMock(MockScript(delay: .zero)) { second, secondPort in
                let yaml = self.group(
                    self.provider("first", client, firstPort), self.provider("second", client, secondPort))
                try await withGateway(yaml) { gateway in
                    let reply = try await gateway.connect().post(client.path, client.request("chat", stream: true))
                    #expect(reply.body.contains("never") && reply.body.contains(#""error":{"#), "\(reply.body)")
                    #expect(first.statistics.total.requests == 1)
                    #expect(second.statistics.total.requests == 0)
                    #expect((gateway.counts.failed, gateway.counts.abandoned) == (1, 0))
                }
            }
        }
    }

    /// The contract's table: what the upstream says, how often it is asked of two times, and what the client sees on each
    /// surface.
    private static let statuses: [(says: Int, calls: Int, openAI: Int, anthropic: Int)] = [
        (400, 1, 400, 400), (401, 1, 500, 500), (402, 1, 500, 500), (403, 1, 500, 500), (404, 1, 404, 404),
        (408, 2, 504, 504), (409, 2, 502, 502), (413, 1, 413, 413), (422, 1, 422, 422), (425, 2, 502, 502),
        (429, 2, 429, 429), (500, 2, 502, 502), (502, 2, 502, 502), (503, 2, 503, 529), (504, 2, 504, 504),
        (529, 2, 503, 529),
    ]

    @Test("each status of a lone upstream becomes the contract's", arguments: Self.statuses, Surface.allCases)
    func status(row: (says: Int, calls: Int, openAI: Int, anthropic: Int), upstream: Surface) async throws {
        let script = self.script { rule in
            rule.reply.status = row.says
            rule.reply.text = "the provider's words"
        }
        try await withMock(script) { engine, port in
            try await withGateway("providers:\n" + self.provider("one", upstream, port, breaker: false)) { gateway in
                let connection = try await gateway.connect()
                for (turn, client) in Surface.allCases.enumerated() {
                    for isStreaming in [false, true] {
                        let before = engine.statistics.total.requests
                        let reply = try await connection.post(
                            client.path, client.request("one/m", stream: isStreaming))
                        let expected = client == .openAI ? row.openAI : row.anthropic
                        #expect(reply.status == expected, "\(turn): \(reply.body)")
                        #expect(engine.statistics.total.requests - before == row.calls)
                        #expect(reply.body.hasPrefix(client == .openAI ? #"{"error":{"# : #"{"type":"error""#))
                        let id = try #require(reply.headers["x-request-id"])
                        if client == .anthropic { #expect(reply.headers["request-id"] == id) }
                        if [429, 503, 529].contains(expected) { #expect(reply.headers["retry-after"] != nil) }
                        // What the client can act on it is told; our credentials are not its business.
                        if [400, 404, 413, 422, 429].contains(row.says) {
                            #expect(reply.body.contains("the provider's words"), "\(reply.body)")
                        }
                        if row.openAI == 500 { #expect(!reply.body.contains("sk-one")) }
                    }
                }
            }
        }
    }

    @Test("a 429 is waited for as long as the provider says, and kept when it stays", arguments: Surface.allCases)
    func limited(client: Surface) async throws {
        let passing = self.script { rule in
            rule.match.nth = 1
            rule.reply.status = 429
            rule.reply.headers = Self.retryAfter("0")
        }
        try await withMock(passing) { engine, port in
            try await withGateway("providers:\n" + self.provider("one", client, port)) { gateway in
                let reply = try await gateway.connect().post(client.path, client.request("one/m"))
                #expect(reply.status == 200, "\(reply.body)")
                #expect(reply.headers["x-needletail-attempts"] == "2")
                #expect(engine.statistics.total.requests == 2)
            }
        }
        let staying = self.script { rule in
            rule.reply.status = 429
            rule.reply.headers = Self.retryAfter("3000")
        }
        try await withMock(staying) { engine, port in
            // Longer than anybody is made to wait: the client is told at once.
            let yaml = "providers:\n" + self.provider("one", client, port, maxDelay: "1s")
            try await withGateway(yaml) { gateway in
                let connection = try await gateway.connect()
                let first = try await connection.post(client.path, client.request("one/m"))
                #expect(first.status == 429)
                #expect(first.headers["retry-after"] == "3000")
                // What is asked for again is known to be limited.
                let second = try await connection.post(client.path, client.request("one/m", stream: true))
                #expect(second.status == 429)
                #expect((1...3000).contains(second.headers["retry-after"].flatMap { Int($0) } ?? 0))
                #expect(engine.statistics.total.requests == 1)
                // Asked for by name a provider answers for many models, and one model's limit is not another's.
                let other = try await connection.post(client.path, client.request("one/n"))
                #expect(other.status == 200, "\(other.body)")
                #expect(engine.statistics.total.requests == 2)
            }
        }
    }
}
