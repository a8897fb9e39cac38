import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

/// Holds docs/translation.md to what the encoders do: each field alone, in each of the two directions.
@Suite("docs/translation.md")
struct TranslationTableTests {
    /// What becomes of a field.
    enum Fate: String {
        case carried, changed, lost, refused
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func rows() throws -> [String: [String]] {
        let text = try String(contentsOf: Self.root.appending(path: "docs/translation.md"), encoding: .utf8)
        var rows: [String: [String]] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "") }
            rows[cells[0]] = Array(cells.dropFirst())
        }
        return rows
    }

    @Test("every field is there, named as users of each dialect know it")
    func names() throws {
        let rows = try Self.rows()
        #expect(Set(rows.keys) == Set(ModelField.allCases.map(\.rawValue)))
        for field in ModelField.allCases {
            let row = try #require(rows[field.rawValue])
            #expect(row.count == 4, "\(field)")
            #expect(row.first == field.name(in: .openAIChat), "\(field)")
            #expect(row.dropFirst().first == field.name(in: .anthropicMessages), "\(field)")
        }
    }

    @Test("each field fares as the table says", arguments: ModelField.allCases)
    func fate(_ field: ModelField) throws {
        let row = try #require(try Self.rows()[field.rawValue])
        let (fromOpenAI, fromAnthropic) = try Self.fates(of: field)
        #expect(row[2] == fromOpenAI.rawValue, "\(field): OpenAI to Anthropic")
        #expect(row[3] == fromAnthropic.rawValue, "\(field): Anthropic to OpenAI")
    }

    private static func fates(of field: ModelField) throws -> (fromOpenAI: Fate, fromAnthropic: Fate) {
        if let sample = RequestSample.all[field] {
            return (
                try sample.fate(field, from: .openAIChat, to: .anthropicMessages),
                try sample.fate(field, from: .anthropicMessages, to: .openAIChat)
            )
        }
        let sample = try #require(ReplySample.all[field], "no sample for \(field)")
        return (
            try sample.fate(field, from: .openAIChat, to: .anthropicMessages),
            try sample.fate(field, from: .anthropicMessages, to: .openAIChat)
        )
    }

    /// A request with one field set, and how to read that field back.
    struct RequestSample {
        var set: @Sendable (inout ChatRequest) -> Void
        var get: @Sendable (ChatRequest) -> AnyHashable?

        func fate(_ field: ModelField, from client: DialectID, to upstream: DialectID) throws -> Fate {
            var request = ChatRequest(model: "claude-sonnet-4-5", messages: [.user("x")])
            request.source = client
            request.maxOutputTokens = 4000
            self.set(&request)
            var out = ByteBuffer()
            let losses: [Loss]
            do {
                losses = try upstream.dialect.encodeRequest(request, into: &out)
            } catch {
                return .refused
            }
            if losses.contains(where: { $0.field == field.name(in: client) }) { return .lost }
            let read = try upstream.dialect.decodeRequest(out)
            return self.get(read) == self.get(request) ? .carried : .changed
        }
    }

    /// A reply with one field set, and how to read that field back.
    struct ReplySample {
        var set: @Sendable (inout ChatResponse) -> Void
        var get: @Sendable (ChatResponse) -> AnyHashable?

        /// - Parameter upstream: The dialect it was read from.
        func fate(_ field: ModelField, from upstream: DialectID, to client: DialectID) throws -> Fate {
            var reply = ChatResponse(id: "id", model: "m")
            reply.source = upstream
            reply.choices = [ChatChoice(content: [.text(TextPart("hello"))], stopReason: .endTurn)]
            reply.usage = Usage(inputTokens: 9, outputTokens: 9)
            self.set(&reply)
            var out = ByteBuffer()
            let losses: [Loss]
            do {
                losses = try client.dialect.encodeReply(reply, created: 1, into: &out)
            } catch {
                return .refused
            }
            if losses.contains(where: { $0.field == field.name(in: upstream) }) { return .lost }
            let read = try client.dialect.decodeReply(out)
            return self.get(read) == self.get(reply) ? .carried : .changed
        }
    }
}
