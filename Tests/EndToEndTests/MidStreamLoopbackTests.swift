import NeedletailCore
import NeedletailGateway
import Testing

/// The part of the matrix that needs no clock, from socket to socket: one gateway, one mock that plays every upstream.
@Suite("Streams that break, over sockets", .timeLimit(.minutes(15)))
struct MidStreamLoopbackTests {
    private static let cases = MidStreamCase.all.filter { $0.kind != .stall && $0.kind != .slow }

    @Test("each fault has its documented outcome under each policy")
    func outcome() async throws {
        let script = MockScript(
            delay: .zero, rules: Self.cases.filter { $0.policy == .never }.map(Self.rule) + Self.fine)
        try await withMock(script) { engine, port in
            try await withGateway(Self.yaml(port)) { gateway in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in 0..<8 {
                        group.addTask {
                            for (number, example) in Self.cases.enumerated() where number % 8 == lane {
                                try await Self.check(example, gateway.connect())
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    private static func check(_ example: MidStreamCase, _ client: TestClient) async throws {
        let model = Self.group(example)
        let path = example.surface.path.replacing("MODEL", with: model)
        let reply = try await client.post(path, Self.request(example, model))
        let answer = SeenAnswer(reply.body, example.surface.dialect)
        let context = Comment("\(example.testDescription)\n\(reply.status) \(reply.body)")
        #expect(reply.status == 200 && reply.isWhole, context)
        #expect(answer.faults.isEmpty, context)
        #expect(answer.starts == 1, context)
        #expect(answer.errors == (example.outcome == .error ? 1 : 0), context)
        #expect(MidStreamCase.text.hasPrefix(answer.text), context)
        guard example.outcome == .whole else { return }
        #expect(answer.ends == 1, context)
        if example.point == .toolArguments {
            #expect(answer.calls.map(\.arguments) == [MidStreamCase.arguments], context)
        } else {
            #expect(answer.text == MidStreamCase.text, context)
        }
    }

    // MARK: The world

    private static func name(_ point: MidStreamCase.Point) -> String { point.rawValue.replacing(" ", with: "-") }

    private static func model(_ example: MidStreamCase) -> String {
        "broken-\(Self.name(example.point))-\(example.kind.rawValue)"
    }

    private static func group(_ example: MidStreamCase) -> String {
        "\(example.surface.rawValue)-\(example.policy.rawValue)-\(Self.name(example.point))-\(example.kind.rawValue)"
    }

    private static func rule(_ example: MidStreamCase) -> MockRule {
        var rule = MockRule(reply: example.reply, fault: MockFault(at: example.point.mock, kind: example.kind))
        rule.match.model = Self.model(example)
        return rule
    }

    private static var fine: [MockRule] {
        MidStreamCase.Point.allCases.map { point in
            let example = MidStreamCase(point: point, kind: .reset, surface: .chat, policy: .never)
            var rule = MockRule(reply: example.reply)
            rule.match.model = "fine-\(Self.name(point))"
            return rule
        }
    }

    private static func yaml(_ port: Int) -> String {
        var yaml = "providers:\n"
        for surface in MidStreamCase.Surface.allCases {
            let path = surface == .gemini ? "/v1beta" : surface == .messages ? "" : "/v1"
            for name in ["first", "second"] {
                yaml +=
                    "  \(name)-\(surface.rawValue): { type: \(surface.type), base_url: 'http://127.0.0.1:\(port)\(path)', "
                yaml += "api_key: sk-1, retry: { max_attempts: 1 }, circuit_breaker: false"
                yaml += surface == .responses ? ", api: responses }\n" : " }\n"
            }
        }
        yaml += "models:\n"
        for example in Self.cases {
            let surface = example.surface.rawValue
            yaml += "  \(Self.group(example)): { mid_stream: \(example.policy.rawValue), targets: ["
            yaml += "first-\(surface)/\(Self.model(example)), second-\(surface)/fine-\(Self.name(example.point))] }\n"
        }
        return yaml
    }

    private static func request(_ example: MidStreamCase, _ model: String) -> String {
        switch example.surface {
        case .chat: #"{"model":"\#(model)","stream":true,"messages":[{"role":"user","content":"hello"}]}"#
        case .responses: #"{"model":"\#(model)","stream":true,"input":"hello"}"#
        case .messages:
            #"{"model":"\#(model)","stream":true,"max_tokens":200,"messages":[{"role":"user","content":"hello"}]}"#
        case .gemini: #"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#
        }
    }
}
