import Foundation
import NIOCore
import NeedletailCore

@testable import NeedletailProviders

/// Recorded cases, read in place; tests over them run only where they are.
enum AnthropicFixtures {
    static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["NEEDLETAIL_SHARED"] { return URL(fileURLWithPath: path) }
        return URL(fileURLWithPath: FileManager.default.currentDirectoryPath).appendingPathComponent("../shared")
            .standardizedFileURL
    }()

    static let isThere = FileManager.default.fileExists(atPath: Self.root.appendingPathComponent("fixtures").path)

    static let surfaces = [
        "anthropic/messages", "azure/anthropic-messages", "vertex/anthropic-rawpredict", "vertex/anthropic-stream",
        "bedrock/invoke",
    ]

    /// The cases of `surfaces` that have `file`.
    static func cases(with file: String, in surfaces: [String] = Self.surfaces) -> [String] {
        surfaces.flatMap { surface -> [String] in
            let folder = Self.root.appendingPathComponent("fixtures/\(surface)")
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            return names.sorted().map { "\(surface)/\($0)" }
        }.filter { Self.data($0, file) != nil }
    }

    static func data(_ name: String, _ file: String) -> Data? {
        try? Data(contentsOf: Self.root.appendingPathComponent("fixtures/\(name)/\(file)"))
    }

    /// The streams of a case. Some recorders put the replies of a conversation one behind the other.
    static func streams(_ name: String) -> [String] {
        let text = String(decoding: Self.data(name, "stream.sse") ?? Data(), as: UTF8.self)
        var streams = [""]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isNext = line.hasPrefix("event: message_start") && streams[streams.count - 1].contains("message_stop")
            if isNext { streams.append("") }
            streams[streams.count - 1] += line + "\n"
        }
        return streams
    }

    static func buffer(_ name: String, _ file: String) -> ByteBuffer {
        ByteBuffer(bytes: Self.data(name, file) ?? Data())
    }

    static func json(_ name: String, _ file: String) -> [String: Any] {
        Self.object(Self.data(name, file) ?? Data())
    }

    static func object(_ data: Data) -> [String: Any] {
        ((try? JSONSerialization.jsonObject(with: data)) as? [String: Any]) ?? [:]
    }

    static func object(_ text: String) -> NSDictionary {
        Self.object(Data(text.utf8)) as NSDictionary
    }
}

/// What a reply says, gathered in the simplest way there is.
struct NaiveReply: Equatable {
    struct Call: Equatable {
        var id: String
        var name: String
        var input: NSDictionary
    }

    var text = ""
    var thinking = ""
    var signature = ""
    var calls: [Call] = []
    var opaque: [NSDictionary] = []
    var citations = 0
    var stop: String?
    var sequence: String?
    var input = 0
    var output = 0
    var cached = 0
    var written = 0

    mutating func take(usage: [String: Any]?) {
        guard let usage else { return }
        if let value = usage["cache_read_input_tokens"] as? Int { self.cached = value }
        if let value = usage["cache_creation_input_tokens"] as? Int { self.written = value }
        if let value = usage["input_tokens"] as? Int { self.input = value }
        if let value = usage["output_tokens"] as? Int { self.output = value }
    }

    mutating func take(block: [String: Any]) {
        switch block["type"] as? String {
        case "text":
            self.text += block["text"] as? String ?? ""
            self.citations += (block["citations"] as? [Any])?.count ?? 0
        case "thinking":
            self.thinking += block["thinking"] as? String ?? ""
            self.signature += block["signature"] as? String ?? ""
        case "tool_use":
            self.calls.append(
                Call(
                    id: block["id"] as? String ?? "", name: block["name"] as? String ?? "",
                    input: (block["input"] as? [String: Any] ?? [:]) as NSDictionary))
        default: self.opaque.append(block as NSDictionary)
        }
    }

    /// A whole reply, from its JSON.
    init(reply: [String: Any]) {
        for block in reply["content"] as? [[String: Any]] ?? [] { self.take(block: block) }
        self.stop = reply["stop_reason"] as? String
        self.sequence = reply["stop_sequence"] as? String
        self.take(usage: reply["usage"] as? [String: Any])
    }

    /// A stream, from its lines.
    init(stream: String) {
        var blocks: [(index: Int, block: [String: Any], json: String)] = []
        for line in stream.split(whereSeparator: \.isNewline) where line.hasPrefix("data:") {
            let event = AnthropicFixtures.object(Data(line.dropFirst(5).utf8))
            switch event["type"] as? String {
            case "message_start":
                let message = event["message"] as? [String: Any] ?? [:]
                self.take(usage: message["usage"] as? [String: Any])
                for block in message["content"] as? [[String: Any]] ?? [] { blocks.append((-1, block, "")) }
                if let reason = message["stop_reason"] as? String { self.stop = reason }
            case "content_block_start":
                blocks.append((event["index"] as? Int ?? 0, event["content_block"] as? [String: Any] ?? [:], ""))
            case "content_block_delta":
                guard let place = blocks.lastIndex(where: { $0.index == event["index"] as? Int }) else { continue }
                for (key, value) in event["delta"] as? [String: Any] ?? [:] where key != "type" {
                    if key == "partial_json" {
                        blocks[place].json += value as? String ?? ""
                    } else if key == "citation" {
                        blocks[place].block["citations"] = (blocks[place].block["citations"] as? [Any] ?? []) + [value]
                    } else if let old = blocks[place].block[key] as? String, let more = value as? String {
                        blocks[place].block[key] = old + more
                    } else if !(value is NSNull) || blocks[place].block[key] == nil {
                        blocks[place].block[key] = value
                    }
                }
            case "message_delta":
                let delta = event["delta"] as? [String: Any] ?? [:]
                if let reason = delta["stop_reason"] as? String { self.stop = reason }
                self.sequence = delta["stop_sequence"] as? String
                self.take(usage: event["usage"] as? [String: Any])
            default: break
            }
        }
        for (_, block, json) in blocks {
            var block = block
            if !json.isEmpty, let input = try? JSONSerialization.jsonObject(with: Data(json.utf8)) {
                block["input"] = input
            } else if !json.isEmpty, block["type"] as? String == "tool_use" {
                block["input"] = ["unfinished": json]
            }
            self.take(block: block)
        }
    }

    /// What the library made of a reply.
    init(_ reply: ChatResponse) {
        let choice = reply.choices.first
        for part in choice?.content ?? [] {
            switch part {
            case .text(let part):
                self.text += part.text
                self.citations += (try? part.citations?.view()).map { $0?.elements.map { _ in 1 }.count ?? 0 } ?? 0
            case .reasoning(let part):
                self.thinking += part.text
                self.signature += part.signature ?? ""
            case .toolCall(let call): self.calls.append(Self.call(call.id, call.name, call.arguments))
            case .redactedReasoning(let data):
                self.opaque.append(["type": "redacted_thinking", "data": data] as NSDictionary)
            case .opaque(let part): self.opaque.append(AnthropicFixtures.object(part.json.description))
            default: break
            }
        }
        self.stop = choice?.stopReason.map(Self.word)
        self.sequence = choice?.stopSequence
        self.take(reply.usage)
    }

    /// What the library made of a stream.
    init(_ events: [ChatEvent]) {
        var arguments: [(id: String, name: String, json: String)] = []
        for event in events {
            switch event {
            case .text(let text, _): self.text += text
            case .reasoning(let text, _): self.thinking += text
            case .reasoningSignature(let text, _): self.signature += text
            case .citation: self.citations += 1
            case .redactedReasoning(let data, _):
                self.opaque.append(["type": "redacted_thinking", "data": data] as NSDictionary)
            case .opaque(let part, _): self.opaque.append(AnthropicFixtures.object(part.json.description))
            case .toolCallStarted(_, let id, let name, _, _): arguments.append((id, name, ""))
            case .toolCallArguments(let index, let fragment, _): arguments[index].json += fragment
            case .finished(let reason, let sequence, _):
                self.stop = Self.word(reason)
                self.sequence = sequence
            case .usage(let usage): self.take(usage)
            default: break
            }
        }
        self.calls = arguments.map { Self.call($0.id, $0.name, $0.json) }
    }

    private static func call(_ id: String, _ name: String, _ json: String) -> Call {
        let parsed = (try? JSONSerialization.jsonObject(with: Data(json.utf8))) as? [String: Any]
        return Call(id: id, name: name, input: (parsed ?? ["unfinished": json]) as NSDictionary)
    }

    private mutating func take(_ usage: Usage?) {
        guard let usage else { return }
        self.cached = usage.cachedInputTokens ?? 0
        self.written = usage.cacheWriteTokens ?? 0
        self.input = usage.inputTokens - self.cached - self.written
        self.output = usage.outputTokens
    }

    private static func word(_ reason: StopReason) -> String {
        switch reason {
        case .endTurn: "end_turn"
        case .stopSequence: "stop_sequence"
        case .maxTokens: "max_tokens"
        case .contextWindow: "model_context_window_exceeded"
        case .toolCalls: "tool_use"
        case .contentFilter: "content_filter"
        case .refusal: "refusal"
        case .pauseTurn: "pause_turn"
        case .other(let word): word
        }
    }
}
