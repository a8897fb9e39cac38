import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// Every dialect, and every provider that ships in every dialect it speaks, through every scenario, to clients of all
/// dialects.
@Suite("Conformance: every provider", .timeLimit(.minutes(15)))
struct ProviderTests {
    static let providers = ProviderSpec.all.map(\.type)

    @Test("A provider has fixtures for every scenario", arguments: providers)
    func coverage(_ type: String) throws {
        let spec = try #require(ProviderSpec.named(type))
        for dialect in spec.dialects {
            for scenario in Scenario.allCases where scenario.applies(to: dialect) {
                #expect(OwnFixture(type, dialect, scenario) != nil, "\(type)/\(dialect.rawValue)/\(scenario.rawValue)")
            }
        }
    }

    @Test("No fixture is left over", arguments: Recordings.names(in: OwnFixture.root).filter { $0 != "README.md" })
    func leftovers(_ folder: String) {
        let dialects = ProviderSpec.named(folder)?.dialects ?? (folder == "dialects" ? DialectID.allCases : [])
        let surfaces = dialects.map(\.rawValue)
        for surface in Recordings.names(in: "\(OwnFixture.root)/\(folder)") {
            #expect(surfaces.contains(surface), "\(folder)/\(surface)")
            for name in Recordings.names(in: "\(OwnFixture.root)/\(folder)/\(surface)") where name != "shared.txt" {
                #expect(Scenario(rawValue: name) != nil, "\(folder)/\(surface)/\(name)")
            }
        }
    }

    @Test("A client gets what any speaker of a dialect meant", arguments: DialectID.allCases, Scenario.allCases)
    func dialect(_ dialect: DialectID, _ scenario: Scenario) async throws {
        guard scenario.applies(to: dialect) else { return }
        let fixture = try #require(OwnFixture(dialect, scenario), "\(dialect.rawValue)/\(scenario.rawValue)")
        for client in DialectID.allCases {
            for cut in Recording.Cut.allCases {
                try await ScenarioCase(
                    fixture: fixture, scenario: scenario, spec: .speaking(dialect), dialect: dialect, client: client,
                    cut: cut
                ).check()
            }
        }
    }

    /// One way to cut each reply, chosen by the names: `dialect` has them all.
    @Test("A client gets what the provider meant", arguments: providers, Scenario.allCases)
    func provider(_ type: String, _ scenario: Scenario) async throws {
        let spec = try #require(ProviderSpec.named(type))
        for dialect in spec.dialects where scenario.applies(to: dialect) {
            let fixture = try #require(OwnFixture(type, dialect, scenario))
            for client in DialectID.allCases {
                var random = NameGenerator("\(type) \(dialect) \(scenario) \(client)")
                let cut = Recording.Cut.allCases.randomElement(using: &random) ?? .whole
                try await ScenarioCase(
                    fixture: fixture, scenario: scenario, spec: spec, dialect: dialect, client: client, cut: cut
                ).check()
            }
        }
    }
}

/// A fixture, who serves it and who reads it.
struct ScenarioCase {
    let fixture: OwnFixture
    let scenario: Scenario
    let spec: ProviderSpec
    let dialect: DialectID
    let client: DialectID
    let cut: Recording.Cut

    private var label: String {
        "\(self.spec.type): \(self.fixture.recording) to \(self.client.rawValue) in pieces: \(self.cut)"
    }

    func check() async throws {
        // A client of another dialect asks the same in its own words, as far as it has them.
        let asked = self.scenario.applies(to: self.client) ? self.scenario : .chat
        let other = try #require(OwnFixture(self.client, asked), "\(self.label)")
        let body =
            self.client == self.dialect
            ? self.fixture.request : Self.streaming(other.request, self.client, self.fixture.recording.isStream)
        let transport = self.fixture.recording.transport(self.cut)
        let reply = try await Gateway.running().ask(
            body, as: self.client, isStreaming: self.fixture.recording.isStream, of: self.spec, in: self.dialect,
            transport: transport, clientModel: "tiny-1")
        let sent = try #require(transport.requests.first, "\(self.label): \(reply.text)")
        if asked == self.scenario { self.checkSent(sent, body) }
        if let cutText = self.fixture.expect["cutText"] as? String {
            let seen = self.client.judge.stream(reply.body)
            #expect(reply.status == 200 && seen.text == cutText, "\(self.label): \(reply.text)")
            #expect(seen.error?.isEmpty == false, "\(self.label): \(reply.text)")
            #expect(self.client.judge.events(reply.body).last?.kind == .failure, "\(self.label)")
        } else if self.fixture.expect["text"] == nil {
            self.checkFailure(reply)
        } else {
            self.checkReply(reply)
        }
    }

    /// The body of a scenario that does not stream, asking for a stream, and the other way round.
    private static func streaming(_ body: Data, _ client: DialectID, _ isStreaming: Bool) -> Data {
        guard !client.judge.isPathBound, var json = JSON.object(body) else { return body }
        let options = client.judge.request(isStreaming: isStreaming)
        json["stream"] = options["stream"]
        json["stream_options"] = options["stream_options"]
        return JSON.data(json)
    }

    private func checkSent(_ sent: TransportRequest, _ body: Data) {
        switch self.spec.authByDialect[self.dialect] ?? self.spec.auth {
        case .none: #expect(sent.headers[.authorization] == nil, "\(self.label)")
        case .bearer: #expect(sent.headers[.authorization] == "Bearer test-key", "\(self.label)")
        case .header(let name): #expect(sent.headers[name] == "test-key", "\(self.label)")
        }
        for field in self.spec.headers[self.dialect] ?? [:] {
            #expect(sent.headers[field.name] == field.value, "\(self.label)")
        }
        let bytes = Data(sent.body.readableBytesView)
        if self.client == self.dialect {
            let isUntouched =
                self.spec.requestFields[self.dialect] == nil && !self.spec.quirks.contains(.refusesStreamOptions)
            if isUntouched { #expect(bytes == body, "\(self.label)") }
            return
        }
        let meant = self.client.judge.conversation(JSON.object(body) ?? [:])
        let json = JSON.object(bytes) ?? [:]
        let said = self.dialect.judge.conversation(json)
        if said.isFlat || meant.isFlat {
            for piece in meant.pieces { #expect(said.all.contains(piece.text), "\(self.label)") }
        } else {
            #expect(said.system == meant.system && said.user == meant.user, "\(self.label)")
        }
        #expect(said.media == meant.media && said.tools == meant.tools, "\(self.label)")
        let wantsNew = self.spec.quirks.contains(.wantsMaxCompletionTokens) && self.dialect == .openAIChat
        if wantsNew {
            #expect(json.number("max_completion_tokens") == 2000, "\(self.label)")
        } else {
            #expect(RequestWords.says("limit", json, self.dialect), "\(self.label): \(json.keys)")
        }
        if self.dialect == .openAIChat, json["stream"] as? Bool == true,
            !self.spec.quirks.contains(.refusesStreamOptions)
        {
            #expect(json.object("stream_options")["include_usage"] as? Bool == true, "\(self.label)")
        }
    }

    private func checkFailure(_ reply: ClientReply) {
        let judge = self.client.judge
        let wanted = self.fixture.expect.object(self.client == .anthropicMessages ? "messages" : "chat")
        #expect(reply.status == wanted.number("status"), "\(self.label): \(reply.text)")
        let faults = judge.failureFaults(reply)
        #expect(faults.isEmpty, "\(self.label): \(faults)")
        let (type, code) = (wanted.text("type"), wanted.text("code"))
        switch self.client {
        case .openAIChat, .openAIResponses, .openAICompletions:
            #expect(reply.error.text("type") == type, "\(self.label)")
            if !code.isEmpty { #expect(reply.error.text("code") == code, "\(self.label)") }
        case .anthropicMessages:
            #expect(reply.error.text("type") == type, "\(self.label)")
            #expect(reply.json["request_id"] as? String == reply.headers["request-id"], "\(self.label)")
        case .gemini:
            let words = [400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"]
            if let word = words[reply.status] { #expect(reply.error.text("status") == word, "\(self.label)") }
        case .bedrockConverse:
            let words = [
                400: "ValidationException", 429: "ThrottlingException", 500: "InternalServerException",
                503: "ServiceUnavailableException",
            ]
            if let word = words[reply.status] {
                #expect(reply.headers["x-amzn-errortype"] == word, "\(self.label)")
            }
        case .ollamaChat, .ollamaGenerate, .cohereChat: break
        }
        if let message = self.fixture.expect["message"] as? String {
            #expect(judge.failure(reply.json) == message, "\(self.label): \(reply.text)")
        }
        #expect(!reply.text.contains("sk-made-up"), "\(self.label)")
        if let wait = self.fixture.recording.headers["retry-after"] {
            #expect(reply.headers["retry-after"] == wait, "\(self.label)")
        }
    }

    private func checkReply(_ reply: ClientReply) {
        let judge = self.client.judge
        #expect(reply.status == 200, "\(self.label): \(reply.text)")
        if self.client == self.dialect { #expect(reply.body == self.fixture.recording.reply, "\(self.label)") }
        let seen = judge.read(reply.body, isStream: self.fixture.recording.isStream)
        let expect = self.fixture.expect
        #expect(seen.error == nil, "\(self.label)")
        if self.client != self.dialect { #expect(seen.faults.isEmpty, "\(self.label): \(seen.faults)") }
        #expect(seen.text == expect["text"] as? String, "\(self.label)")
        if judge.shows.contains(.reasoning) {
            #expect(seen.reasoning == expect["reasoning"] as? String, "\(self.label)")
        }
        let calls = expect.list("calls")
        if judge.shows.contains(.calls) {
            #expect(seen.calls.map(\.name) == calls.map { $0.text("name") }, "\(self.label)")
            #expect(seen.calls.map(\.arguments) == calls.map { JSON.canonical($0["arguments"] ?? "") }, "\(self.label)")
            #expect(seen.stop.map { "\($0)" } == expect["stop"] as? String, "\(self.label)")
        }
        if judge.shows.contains(.callIDs) {
            let ids = seen.calls.map(\.id)
            #expect(Set(ids).count == calls.count && !ids.contains(""), "\(self.label)")
        }
        #expect(seen.inputTokens == expect.number("input"), "\(self.label)")
        #expect(seen.outputTokens == expect.number("output"), "\(self.label)")
    }
}
