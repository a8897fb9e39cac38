import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// Every recording of a chat goes through the whole gateway: socket, surface, provider, dialects, and back.
///
/// To clients of other dialects a reply comes in one way of cutting it, chosen by its name: as recorded where that is
/// known or at random, and every third short stream a byte at a time. `SplitTests` has the other cuts. One in three replies
/// is sent back as the assistant's turn, but all between the two first dialects; which one, the name decides.
@Suite("Conformance: recorded replies", .enabled(if: Recordings.areThere), .timeLimit(.minutes(15)))
struct ReplayTests {
    @Test("The recordings are there, and every folder has its dialect or a reason to have none")
    func folders() {
        let required = ["openai/chat", "anthropic/messages", "vllm/chat", "together/chat"]
        #expect(Set(required).isSubset(of: Recordings.chatFolders))
        #expect(Recordings.chatFolders.count > 30)
        for folder in Recordings.folders { #expect(RecordedSurface.of(folder) != nil, "\(folder)") }
    }

    @Test("Whatever is not replayed is reported with its reason")
    func others() {
        for folder in Recordings.folders where RecordedSurface.inbound[folder] == nil {
            var tally = Tally(folder: folder)
            tally.cases = Recordings.names(in: "\(Recordings.root)/\(folder)").count
            switch RecordedSurface.of(folder) {
            case .other(let reason): tally.other[reason] = tally.cases
            default: continue
            }
            Report.shared.add(tally)
        }
    }

    @Test("Token counts pass as they are")
    func countTokens() async throws {
        var cases = 0
        for recording in Recordings.cases("anthropic/count_tokens") {
            guard let request = recording.request else { continue }
            let transport = recording.transport()
            let reply = try await Gateway.running().ask(
                request, of: .anthropic, transport: transport, path: "/v1/messages/count_tokens")
            let sent = try #require(transport.requests.first)
            #expect(sent.path == "/v1/messages/count_tokens", "\(recording)")
            #expect(Data(sent.body.readableBytesView) == request, "\(recording)")
            if recording.status == 200 {
                #expect(reply.status == 200 && reply.body == recording.reply, "\(recording): \(reply.text)")
            } else {
                #expect(reply.status == recording.status, "\(recording): \(reply.text)")
            }
            cases += 1
        }
        #expect(cases > 0)
    }

    @Test(
        "A folder's recordings arrive as they are, and translated with their meaning", arguments: Recordings.chatFolders
    )
    func replay(_ folder: String) async throws {
        var tally = Tally(folder: folder)
        for recording in Recordings.cases(folder) {
            tally.cases += 1
            guard let dialect = recording.dialect else {
                if case .mixed(let reason) = RecordedSurface.of(folder) { tally.other[reason, default: 0] += 1 }
                continue
            }
            let judged = JudgedRecording(recording, dialect)
            let passthrough = Passthrough(judged: judged)
            try await passthrough.check()
            tally.passthrough += 1
            if let reason = passthrough.madeUpReason { tally.madeUp[reason, default: 0] += 1 }
            for client in DialectID.allCases where client != dialect {
                try await self.translate(judged, client, &tally)
            }
        }
        Report.shared.add(tally)
    }

    private func translate(_ judged: JudgedRecording, _ client: DialectID, _ tally: inout Tally) async throws {
        let translation = Translation(judged: judged, to: client)
        let reply = try await translation.check()
        tally.translated[client, default: 0] += 1
        switch judged.expectation {
        case .reply where Translation.unreadable.contains(judged.recording.name): tally.broken += 1
        case .reply:
            let isFirst = DialectID.spelledOut.contains(client) && DialectID.spelledOut.contains(judged.dialect)
            guard isFirst || translation.isChosen(1, of: 3) else { return }
            if try await translation.checkResend(reply) { tally.resent += 1 }
        case .brokenStream: tally.broken += 1
        case .failure, .garbage: tally.errors += 1
        }
    }
}

extension Recording {
    /// The description of who answered, where it ships; that of any speaker of `dialect` otherwise.
    func spec(_ dialect: DialectID) -> ProviderSpec {
        let type = String(self.folder.prefix { $0 != "/" })
        if dialect == .openAIChat || dialect == .anthropicMessages, let own = ProviderSpec.named(type),
            own.dialects.contains(dialect), own.paths[dialect] == nil
        {
            return own
        }
        return .speaking(dialect)
    }
}

extension ProviderSpec {
    /// A description for a speaker of `dialect`.
    static func speaking(_ dialect: DialectID) -> ProviderSpec {
        switch dialect {
        case .openAIChat: .openAICompatible
        case .anthropicMessages: .anthropicCompatible
        default: ProviderSpec(type: "any-\(dialect.rawValue)", dialects: [dialect], baseURL: nil, auth: .bearer)
        }
    }
}
