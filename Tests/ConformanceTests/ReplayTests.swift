import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// Every recording of a chat goes through the whole gateway: socket, surface, provider, dialects, and back.
@Suite("Conformance: recorded replies", .enabled(if: Recordings.areThere), .timeLimit(.minutes(15)))
struct ReplayTests {
    /// The folders whose recordings the gateway's providers must pass; the rest are their dialects' other speakers.
    static let required = ["openai/chat", "anthropic/messages", "vllm/chat", "together/chat"]

    @Test("The required folders are there")
    func folders() {
        #expect(Set(Self.required).isSubset(of: Recordings.chatFolders))
        #expect(Recordings.chatFolders.count > 30)
    }

    /// The folders of the required providers that hold no chats, and why.
    static let others = [
        "openai/batches": "a surface of its own: jobs that the gateway does not offer",
        "openai/completions": "a surface of its own: a prompt and texts, no messages",
        "openai/embeddings": "a surface of its own: vectors",
        "openai/files": "a surface of its own: stored files",
        "openai/images": "a surface of its own: pictures",
        "openai/models": "the list of models, which the gateway answers itself",
        "openai/moderations": "a surface of its own: verdicts",
        "openai/responses": "a dialect of its own: OpenAI's responses",
        "openai/responses-other": "a dialect of its own: OpenAI's responses",
        "anthropic/batches": "a surface of its own: jobs that the gateway does not offer",
        "anthropic/complete-legacy": "a dialect of its own: a prompt and a text, retired by Anthropic",
        "anthropic/count_tokens": "token counts, which are replayed by themselves",
        "anthropic/files": "a surface of its own: stored files",
        "anthropic/models": "the list of models, which the gateway answers itself",
        "vllm/completions": "a surface of its own: a prompt and texts, no messages",
        "vllm/embeddings": "a surface of its own: vectors",
        "vllm/models": "the list of models, which the gateway answers itself",
        "together/completions": "a surface of its own: a prompt and texts, no messages",
    ]

    @Test("Whatever is not replayed has its reason", arguments: ["openai", "anthropic", "vllm", "together"])
    func table(_ provider: String) {
        for folder in Recordings.folders where folder.hasPrefix(provider + "/") && !Self.required.contains(folder) {
            #expect(Self.others[folder] != nil, "\(folder)")
            let count = Recordings.names(in: "\(Recordings.root)/\(folder)").count
            print("conformance \(folder): \(count) cases: not chat: \(Self.others[folder] ?? "?")")
        }
    }

    @Test("Token counts pass as they are")
    func countTokens() async throws {
        var cases = 0
        for recording in Recordings.cases("anthropic/count_tokens") {
            guard let request = recording.request else { continue }
            let transport = recording.transport()
            let reply = try await Gateway.running().ask(
                request, as: .anthropicMessages, of: .anthropic, transport: transport, countsTokens: true)
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
        print("conformance anthropic/count_tokens: \(cases) cases: passthrough \(cases)")
    }

    @Test(
        "A folder's recordings arrive as they are, and translated with their meaning", arguments: Recordings.chatFolders
    )
    func replay(_ folder: String) async throws {
        var tally = Tally(folder: folder)
        for recording in Recordings.cases(folder) {
            tally.cases += 1
            guard let dialect = recording.dialect else {
                tally.skipped["not chat", default: 0] += 1
                continue
            }
            let other: DialectID = dialect == .openAIChat ? .anthropicMessages : .openAIChat
            let passthrough = Passthrough(recording: recording, dialect: dialect)
            try await passthrough.check()
            tally.passthrough += 1
            if let reason = passthrough.madeUpReason { tally.skipped[reason, default: 0] += 1 }
            let translation = Translation(recording: recording, from: dialect, to: other)
            let reply = try await translation.check()
            tally.translated[other, default: 0] += 1
            switch Expectation(recording, client: other) {
            case .reply where Translation.unreadable.contains(recording.name): tally.broken += 1
            case .reply:
                try await translation.checkResend(reply)
                tally.resent += 1
            case .brokenStream: tally.broken += 1
            case .failure: tally.errors += 1
            }
        }
        tally.report()
    }
}

extension Recording {
    /// The description of who answered, where it ships; that of any speaker of `dialect` otherwise.
    func spec(_ dialect: DialectID) -> ProviderSpec {
        let type = String(self.folder.prefix { $0 != "/" })
        if let own = ProviderSpec.named(type), own.dialects.contains(dialect) { return own }
        return .speaking(dialect)
    }
}

extension ProviderSpec {
    /// A description for a speaker of `dialect`.
    static func speaking(_ dialect: DialectID) -> ProviderSpec {
        dialect == .openAIChat ? .openAICompatible : .anthropicCompatible
    }
}

/// A small request of a client.
func plainRequest(_ dialect: DialectID, isStreaming: Bool) -> [String: Any] {
    var request: [String: Any] = ["model": "m", "messages": [["role": "user", "content": "Hi"]]]
    if isStreaming { request["stream"] = true }
    if dialect == .anthropicMessages { request["max_tokens"] = 4096 }
    if dialect == .openAIChat, isStreaming { request["stream_options"] = ["include_usage": true] }
    return request
}
