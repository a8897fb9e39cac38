import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// Every provider that ships, in every dialect it speaks, through every scenario, to clients of both dialects.
@Suite("Conformance: every provider", .timeLimit(.minutes(15)))
struct ProviderTests {
    static let providers = ProviderSpec.all.map(\.type)

    @Test("A provider has fixtures for every scenario", arguments: providers)
    func coverage(_ type: String) throws {
        let spec = try #require(ProviderSpec.named(type))
        for dialect in spec.dialects {
            for scenario in Scenario.allCases {
                #expect(OwnFixture(type, dialect, scenario) != nil, "\(type)/\(dialect.rawValue)/\(scenario.rawValue)")
            }
        }
    }

    @Test("No fixture is left over", arguments: Recordings.names(in: OwnFixture.root).filter { $0 != "README.md" })
    func leftovers(_ folder: String) {
        let dialects = ProviderSpec.named(folder)?.dialects ?? (folder == "dialects" ? DialectID.spelledOut : [])
        let surfaces = dialects.map(\.rawValue)
        for surface in Recordings.names(in: "\(OwnFixture.root)/\(folder)") {
            #expect(surfaces.contains(surface), "\(folder)/\(surface)")
            for name in Recordings.names(in: "\(OwnFixture.root)/\(folder)/\(surface)") where name != "shared.txt" {
                #expect(Scenario(rawValue: name) != nil, "\(folder)/\(surface)/\(name)")
            }
        }
    }

    @Test("A client gets what the provider meant", arguments: providers, Scenario.allCases)
    func scenario(_ type: String, _ scenario: Scenario) async throws {
        let spec = try #require(ProviderSpec.named(type))
        for dialect in spec.dialects {
            let fixture = try #require(OwnFixture(type, dialect, scenario))
            for client in DialectID.spelledOut {
                for cut in Recording.Cut.allCases {
                    try await self.check(fixture, spec, dialect, client, cut)
                }
            }
        }
    }

    private func check(
        _ fixture: OwnFixture, _ spec: ProviderSpec, _ dialect: DialectID, _ client: DialectID, _ cut: Recording.Cut
    ) async throws {
        let label = "\(spec.type): \(fixture.recording) to \(client.rawValue) in pieces: \(cut)"
        let scenario = try #require(Scenario(rawValue: fixture.recording.name))
        // The other dialect's client asks the same in its own words.
        let other: OwnFixture? =
            client == .openAIChat
            ? OwnFixture(ProviderSpec.openAICompatible.type, client, scenario)
            : OwnFixture(ProviderSpec.anthropicCompatible.type, client, scenario)
        let body = client == dialect ? fixture.request : try #require(other?.request, "\(label)")
        let transport = fixture.recording.transport(cut)
        let reply = try await Gateway.running().ask(body, as: client, of: spec, in: dialect, transport: transport)
        let sent = try #require(transport.requests.first, "\(label)")
        self.checkSent(sent, body, spec, dialect, client, label)
        if let cutText = fixture.expect["cutText"] as? String {
            let seen = SeenReply(reply.body, dialect: client, isStream: true)
            #expect(reply.status == 200 && seen.text == cutText, "\(label)")
            #expect(seen.error?.isEmpty == false, "\(label): \(reply.text)")
            let last = ServerEvents(reply.body).events.last
            #expect(JSON.object(last?.data ?? "")?["error"] is [String: Any], "\(label)")
            #expect(last?.name == (client == .anthropicMessages ? "error" : ""), "\(label)")
        } else if let wanted = fixture.expect[client.rawValue] as? [String: Any] {
            self.checkFailure(reply, wanted, fixture, client, label)
        } else {
            try self.checkReply(reply, fixture, dialect, client, label)
        }
    }

    private func checkSent(
        _ sent: TransportRequest, _ body: Data, _ spec: ProviderSpec, _ dialect: DialectID, _ client: DialectID,
        _ label: String
    ) {
        #expect(sent.path == (dialect == .openAIChat ? "/v1/chat/completions" : "/v1/messages"), "\(label)")
        switch spec.auth {
        case .none: #expect(sent.headers[.authorization] == nil, "\(label)")
        case .bearer: #expect(sent.headers[.authorization] == "Bearer test-key", "\(label)")
        case .header(let name): #expect(sent.headers[name] == "test-key", "\(label)")
        }
        for field in spec.headers[dialect] ?? [:] { #expect(sent.headers[field.name] == field.value, "\(label)") }
        let bytes = Data(sent.body.readableBytesView)
        if client == dialect {
            #expect(bytes == body, "\(label)")
            return
        }
        let meant = PlainConversation(JSON.object(body) ?? [:], dialect: client)
        let json = JSON.object(bytes) ?? [:]
        let said = PlainConversation(json, dialect: dialect)
        #expect(said.system == meant.system && said.user == meant.user, "\(label)")
        #expect(said.media == meant.media && said.tools == meant.tools, "\(label)")
        let wantsNew = spec.quirks.contains(.wantsMaxCompletionTokens) && dialect == .openAIChat
        #expect(json[wantsNew ? "max_completion_tokens" : "max_tokens"] as? Int == 2000, "\(label)")
        if dialect == .openAIChat, json["stream"] as? Bool == true {
            #expect((json["stream_options"] as? [String: Any])?["include_usage"] as? Bool == true, "\(label)")
        }
    }

    private func checkFailure(
        _ reply: ClientReply, _ wanted: [String: Any], _ fixture: OwnFixture, _ client: DialectID, _ label: String
    ) {
        #expect(reply.status == wanted["status"] as? Int, "\(label): \(reply.text)")
        #expect(reply.error["type"] as? String == wanted["type"] as? String, "\(label)")
        if client == .openAIChat {
            #expect(reply.error["code"] as? String == wanted["code"] as? String, "\(label)")
        } else {
            #expect(reply.json["type"] as? String == "error", "\(label)")
            #expect(reply.json["request_id"] as? String == reply.headers["request-id"], "\(label)")
        }
        if let message = fixture.expect["message"] as? String {
            #expect(reply.error["message"] as? String == message, "\(label)")
        }
        #expect(!reply.text.contains("sk-made-up"), "\(label)")
        if let wait = fixture.recording.headers["retry-after"] {
            #expect(reply.headers["retry-after"] == wait, "\(label)")
        }
    }

    private func checkReply(
        _ reply: ClientReply, _ fixture: OwnFixture, _ dialect: DialectID, _ client: DialectID, _ label: String
    ) throws {
        #expect(reply.status == 200, "\(label): \(reply.text)")
        if client == dialect { #expect(reply.body == fixture.recording.reply, "\(label)") }
        let seen = SeenReply(reply.body, dialect: client, isStream: fixture.recording.isStream)
        let expect = fixture.expect
        #expect(seen.error == nil, "\(label)")
        #expect(seen.text == expect["text"] as? String, "\(label)")
        #expect(seen.reasoning == expect["reasoning"] as? String, "\(label)")
        let calls = expect["calls"] as? [[String: Any]] ?? []
        #expect(seen.calls.map(\.name) == calls.map { $0["name"] as? String }, "\(label)")
        #expect(seen.calls.map(\.arguments) == calls.map { JSON.canonical($0["arguments"] ?? "") }, "\(label)")
        #expect(Set(seen.calls.map(\.id)).count == calls.count && !seen.calls.contains { $0.id.isEmpty }, "\(label)")
        #expect(seen.stop.map { "\($0)" } == expect["stop"] as? String, "\(label)")
        #expect(seen.inputTokens == expect["input"] as? Int, "\(label)")
        #expect(seen.outputTokens == expect["output"] as? Int, "\(label)")
    }
}
