import NIOCore
import NeedletailCore

/// A client that reasons and calls tools in one dialect, and keeps its conversation as an SDK does: what it is sent goes
/// back as it came.
struct AgentClient {
    /// How it speaks.
    enum Surface: String, CaseIterable, Sendable, CustomStringConvertible {
        case chat, messages, responses, gemini
        var description: String { self.rawValue }
    }

    let surface: Surface
    let isStreaming: Bool
    /// The conversation, an entry per message or item.
    private(set) var history: [String] = []

    init(_ surface: Surface, isStreaming: Bool) {
        self.surface = surface
        self.isStreaming = isStreaming
    }

    // MARK: Asking

    mutating func say(_ text: String) {
        switch self.surface {
        case .chat, .messages, .responses: self.history.append(#"{"role":"user","content":"\#(text)"}"#)
        case .gemini: self.history.append(#"{"role":"user","parts":[{"text":"\#(text)"}]}"#)
        }
    }

    mutating func answer(_ call: String, _ text: String) {
        switch self.surface {
        case .chat: self.history.append(#"{"role":"tool","tool_call_id":"\#(call)","content":"\#(text)"}"#)
        case .messages:
            self.history.append(
                #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"\#(call)","content":"\#(text)"}]}"#)
        case .responses:
            self.history.append(#"{"type":"function_call_output","call_id":"\#(call)","output":"\#(text)"}"#)
        case .gemini:
            self.history.append(
                #"{"role":"user","parts":[{"functionResponse":{"id":"\#(call)","name":"look","response":{"output":"\#(text)"}}}]}"#
            )
        }
    }

    func path(_ model: String) -> String {
        switch self.surface {
        case .chat: "/v1/chat/completions"
        case .messages: "/v1/messages"
        case .responses: "/v1/responses"
        case .gemini:
            "/v1beta/models/\(model):" + (self.isStreaming ? "streamGenerateContent?alt=sse" : "generateContent")
        }
    }

    func request(_ model: String) -> String {
        let said = self.history.joined(separator: ",")
        let stream = self.isStreaming ? #","stream":true"# : ""
        let schema = #"{"type":"object","properties":{}}"#
        return switch self.surface {
        case .chat:
            #"{"model":"\#(model)","max_tokens":4000,"reasoning_effort":"low","messages":[\#(said)],"tools":[{"type":"function","function":{"name":"look","parameters":\#(schema)}}]\#(stream)}"#
        case .messages:
            #"{"model":"\#(model)","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[\#(said)],"tools":[{"name":"look","input_schema":\#(schema)}]\#(stream)}"#
        case .responses:
            #"{"model":"\#(model)","store":false,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"low","summary":"auto"},"input":[\#(said)],"tools":[{"type":"function","name":"look","parameters":\#(schema)}]\#(stream)}"#
        case .gemini:
            #"{"contents":[\#(said)],"tools":[{"functionDeclarations":[{"name":"look","parameters":\#(schema)}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}"#
        }
    }

    // MARK: Keeping

    /// Takes a reply into the conversation.
    ///
    /// - Returns: The id of the call in it, if there is one.
    mutating func take(_ body: String) throws -> String? {
        let entries = self.isStreaming ? try self.streamed(body) : try self.whole(try JSONText(body).view())
        self.history += entries
        for entry in entries {
            let view = try JSONText(entry).view()
            if let id = view["call_id"]?.string { return id }
            for call in view["tool_calls"]?.elements ?? view.elements { return call["id"]?.string }
            for block in view["content"]?.elements ?? view.elements where block["type"]?.string == "tool_use" {
                return block["id"]?.string
            }
            for part in view["parts"]?.elements ?? view.elements {
                if let call = part["functionCall"] { return call["id"]?.string ?? "" }
            }
        }
        return nil
    }

    private func whole(_ reply: JSONView) throws -> [String] {
        switch self.surface {
        case .chat: Self.first(reply["choices"])?["message"].map { ["\($0.text)"] } ?? []
        case .messages: [#"{"role":"assistant","content":\#(reply["content"].map { "\($0.text)" } ?? "[]")}"#]
        case .responses: reply["output"].map { $0.elements.map { "\($0.text)" } } ?? []
        case .gemini: Self.first(reply["candidates"])?["content"].map { ["\($0.text)"] } ?? []
        }
    }

    private static func first(_ list: JSONView?) -> JSONView? { list?.elements.first { _ in true } }

    private func streamed(_ body: String) throws -> [String] {
        var events: [JSONView] = []
        for line in body.split(whereSeparator: \.isNewline) where line.hasPrefix("data: {") {
            events.append(try JSONText(String(line.dropFirst(6))).view())
        }
        switch self.surface {
        case .chat: return [Self.message(events)]
        case .messages: return [#"{"role":"assistant","content":[\#(Self.blocks(events).joined(separator: ","))]}"#]
        case .responses: return try self.whole(events.last?["response"] ?? JSONText("{}").view())
        case .gemini:
            let parts = events.flatMap { event in
                Self.first(event["candidates"])?["content"]?["parts"]?.elements.map { "\($0.text)" } ?? []
            }
            return [#"{"role":"model","parts":[\#(parts.joined(separator: ","))]}"#]
        }
    }

    private static func message(_ chunks: [JSONView]) -> String {
        var texts: [(key: StaticString, text: String)] = [("content", ""), ("reasoning_content", "")]
        var blocks: [JSONText] = []
        var call: (start: JSONView, arguments: String)?
        for chunk in chunks {
            guard let delta = Self.first(chunk["choices"])?["delta"] else { continue }
            for index in texts.indices { texts[index].text += delta[texts[index].key]?.string ?? "" }
            for block in delta["thinking_blocks"]?.elements ?? chunk.elements { blocks.append(block.text) }
            guard let piece = Self.first(delta["tool_calls"]) else { continue }
            let arguments = piece["function"]?["arguments"]?.string ?? ""
            call = (call?.start ?? piece, (call?.arguments ?? "") + arguments)
        }
        var json = JSONWriter()
        json.beginObject()
        json.member("role", "assistant")
        for (key, text) in texts where !text.isEmpty { json.member(key, text) }
        if !blocks.isEmpty {
            json.key("thinking_blocks")
            json.beginArray()
            for block in blocks { json.raw(block) }
            json.endArray()
        }
        if let call {
            json.key("tool_calls")
            json.beginArray()
            json.beginObject()
            for member in call.start.members where member.key != "function" && member.key != "index" {
                json.key(member.key)
                json.raw(member.value.text)
            }
            json.key("function")
            json.beginObject()
            json.member("name", call.start["function"]?["name"]?.string)
            json.member("arguments", call.arguments)
            json.endObject()
            json.endObject()
            json.endArray()
        }
        json.endObject()
        return String(buffer: json.bytes)
    }

    private static func blocks(_ events: [JSONView]) -> [String] {
        var blocks: [String] = []
        var start: JSONView?
        var deltas: [String: String] = [:]
        for event in events {
            switch event["type"]?.string {
            case "content_block_start":
                start = event["content_block"]
                deltas = [:]
            case "content_block_delta":
                guard let delta = event["delta"] else { continue }
                for member in delta.members where member.key != "type" {
                    deltas[member.key, default: ""] += member.value.string ?? ""
                }
            case "content_block_stop":
                guard let block = start else { continue }
                var json = JSONWriter()
                json.beginObject()
                for member in block.members {
                    json.key(member.key)
                    if member.key == "input" {
                        let input = deltas["partial_json"] ?? ""
                        json.raw(JSONText(unchecked: input.isEmpty ? "{}" : input))
                    } else if let text = deltas[member.key], !text.isEmpty {
                        json.string(text)
                    } else {
                        json.raw(member.value.text)
                    }
                }
                json.endObject()
                blocks.append(String(buffer: json.bytes))
            default: break
            }
        }
        return blocks
    }
}
