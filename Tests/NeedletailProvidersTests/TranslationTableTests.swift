import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

/// Holds docs/translation.md to what the encoders do: each field alone, for every pair of dialects.
///
/// `NEEDLETAIL_WRITE_DOCS=1 swift test --filter TranslationTable` writes the tables; otherwise they are compared.
@Suite("docs/translation.md")
struct TranslationTableTests {
    @Test("the tables are what the code does, for every pair of dialects")
    func tables() throws {
        let path = Self.root.appending(path: "docs/translation.md")
        var text = try String(contentsOf: path, encoding: .utf8)
        let isWriting = ProcessInfo.processInfo.environment["NEEDLETAIL_WRITE_DOCS"] == "1"
        for (name, table) in [
            ("names", Self.names()), ("requests", try Self.fates(isReply: false)),
            ("replies", try Self.fates(isReply: true)),
        ] {
            let begin = try #require(text.range(of: "<!-- table \(name) -->\n"), "\(name)")
            let end = try #require(text.range(of: "<!-- end -->", range: begin.upperBound..<text.endIndex), "\(name)")
            let range = begin.upperBound..<end.lowerBound
            guard !isWriting else {
                text.replaceSubrange(range, with: table)
                continue
            }
            let (there, meant) = (text[range].split(separator: "\n"), table.split(separator: "\n"))
            for (old, new) in zip(there, meant) where old != new {
                Issue.record("docs/translation.md has\n\(old)\ninstead of\n\(new)")
            }
            #expect(there.count == meant.count, "\(name)")
        }
        if isWriting { try text.write(to: path, atomically: true, encoding: .utf8) }
    }

    @Test("whatever is set is said, said otherwise, told as lost or refused", arguments: ModelField.allCases)
    func nothingIsDropped(_ field: ModelField) throws {
        for source in DialectID.allCases {
            for target in DialectID.allCases where target != source {
                let fate = try Self.fate(of: field, from: source, to: target)
                #expect(fate != .dropped, "\(field): \(source.rawValue) to \(target.rawValue)")
            }
        }
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func fate(of field: ModelField, from source: DialectID, to target: DialectID) throws -> FieldFate {
        if let sample = RequestSample.all[field] { return try sample.fate(field, from: source, to: target) }
        return try #require(ReplySample.all[field], "no sample for \(field)").fate(field, from: source, to: target)
    }

    private static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        self.row(head) + "|" + String(repeating: "---|", count: head.count) + "\n" + rows.map(self.row).joined()
    }

    /// What the users of each dialect call a field.
    private static func names() -> String {
        let dialects = DialectID.allCases
        return self.table(
            ["field"] + dialects.map(\.rawValue),
            ModelField.allCases.map { field in
                ["`\(field.rawValue)`"] + dialects.map { "`\(field.name(in: $0))`" }
            })
    }

    /// A column for each side that is written to: what becomes of a field from most others, and from which it fares
    /// otherwise.
    private static func fates(isReply: Bool) throws -> String {
        let dialects = DialectID.allCases
        let fields = ModelField.allCases.filter { ModelField.reply.contains($0) == isReply }
        let rows = try fields.map { field in
            try ["`\(field.rawValue)`"]
                + dialects.map { target in
                    self.cell(
                        try dialects.filter { $0 != target }
                            .map { ($0, try self.fate(of: field, from: $0, to: target)) })
                }
        }
        return self.table(["field"] + dialects.map(\.rawValue), rows)
    }

    /// `carried`, or `carried; lost: gemini, converse`.
    private static func cell(_ fates: [(dialect: DialectID, fate: FieldFate)]) -> String {
        let usual = FieldFate.allCases.max { left, right in
            fates.count { $0.fate == left } < fates.count { $0.fate == right }
        }
        guard let usual else { return "" }
        var cell = usual.rawValue
        for fate in FieldFate.allCases where fate != usual {
            let names = fates.filter { $0.fate == fate }.map(\.dialect.rawValue)
            if !names.isEmpty { cell += "; \(fate.rawValue): \(names.joined(separator: ", "))" }
        }
        return cell
    }
}

/// What becomes of a field on its way to another dialect.
enum FieldFate: String, CaseIterable {
    case carried, changed, lost, refused
    /// Left out without a word, which must not be.
    case dropped
}

/// A request with one field set, and how to read that field back.
struct RequestSample {
    var set: @Sendable (inout ChatRequest) -> Void
    var get: @Sendable (ChatRequest) -> AnyHashable?

    static func plain(_ source: DialectID) -> ChatRequest {
        var request = ChatRequest(model: "claude-sonnet-4-5", messages: [.user("x")])
        request.source = source
        request.maxOutputTokens = 4000
        return request
    }

    func fate(_ field: ModelField, from client: DialectID, to upstream: DialectID) throws -> FieldFate {
        var request = Self.plain(client)
        self.set(&request)
        var out = ByteBuffer()
        let losses: [Loss]
        do {
            losses = try upstream.dialect.encodeRequest(request, into: &out)
        } catch {
            return .refused
        }
        let read = try upstream.dialect.decodeRequest(out)
        if losses.contains(where: { $0.field == field.name(in: client) }) { return .lost }
        if self.get(read) == self.get(request) { return .carried }
        var plain = ByteBuffer()
        _ = try upstream.dialect.encodeRequest(Self.plain(client), into: &plain)
        return out == plain && losses.isEmpty ? .dropped : .changed
    }
}

/// A reply with one field set, and how to read that field back.
struct ReplySample {
    var set: @Sendable (inout ChatResponse) -> Void
    var get: @Sendable (ChatResponse) -> AnyHashable?

    static func plain(_ source: DialectID) -> ChatResponse {
        var reply = ChatResponse(id: "id", model: "m")
        reply.source = source
        reply.choices = [ChatChoice(content: [.text(TextPart("hello"))], stopReason: .endTurn)]
        reply.usage = Usage(inputTokens: 9, outputTokens: 9)
        return reply
    }

    /// - Parameter upstream: The dialect it was read from.
    func fate(_ field: ModelField, from upstream: DialectID, to client: DialectID) throws -> FieldFate {
        var reply = Self.plain(upstream)
        self.set(&reply)
        var out = ByteBuffer()
        let losses: [Loss]
        do {
            losses = try client.dialect.encodeReply(reply, created: 1, into: &out)
        } catch {
            return .refused
        }
        let read = try client.dialect.decodeReply(out)
        if losses.contains(where: { $0.field == field.name(in: upstream) }) { return .lost }
        if self.get(read) == self.get(reply) { return .carried }
        var plain = ByteBuffer()
        _ = try client.dialect.encodeReply(Self.plain(upstream), created: 1, into: &plain)
        return out == plain && losses.isEmpty ? .dropped : .changed
    }
}
