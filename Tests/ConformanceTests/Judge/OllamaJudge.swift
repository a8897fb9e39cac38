import Foundation

/// Ollama's own chat (<https://github.com/ollama/ollama/blob/main/docs/api.md>).
enum OllamaJudge: Judge {
    static let shows: Set<Aspect> = [.reasoning, .calls, .usage, .messages]

    static func path(model: String, isStreaming: Bool) -> String { "/api/chat" }

    static func request(isStreaming: Bool) -> [String: Any] {
        ["model": "m", "messages": [["role": "user", "content": "Hi"]], "stream": isStreaming]
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        var request = self.request(isStreaming: false)
        var messages: [[String: Any]] = [["role": "user", "content": "Hi"]] + seen.turn
        for (index, call) in seen.calls.enumerated() {
            messages.append(["role": "tool", "tool_name": call.name, "content": "result \(index)"])
        }
        messages.append(["role": "user", "content": "And now?"])
        request["messages"] = messages
        let names = Set(seen.calls.map(\.name)).sorted()
        if !names.isEmpty {
            request["tools"] = names.map {
                ["type": "function", "function": ["name": $0, "parameters": ["type": "object"]]] as [String: Any]
            }
        }
        return request
    }

    // MARK: Replies

    static func whole(_ json: [String: Any]) -> SeenReply { self.over(self.read([json])) }

    /// A reply that came whole is over, whether it says so or not.
    static func over(_ seen: SeenReply) -> SeenReply {
        var seen = seen
        if seen.error == nil { seen.stop = seen.stop ?? (seen.calls.isEmpty ? .end : .calls) }
        return seen
    }

    static func stream(_ data: Data) -> SeenReply {
        let events = self.events(data).filter { $0.kind != .empty }
        var seen = self.read(events.map(\.json))
        seen.demand(!events.contains { $0.kind == .garbage }, "a line that is no JSON")
        self.judge(events, &seen)
        return seen
    }

    /// The rules of every line.
    static func judge(_ events: [RawEvent], _ seen: inout SeenReply) {
        guard seen.error == nil else { return }
        for event in events.dropLast() {
            seen.demand(event.json["done"] as? Bool == false, "done before the last line")
        }
        seen.demand(events.last?.json["done"] as? Bool == true, "the last line is not done")
        for event in events {
            seen.demand(
                event.json["model"] is String && event.json["created_at"] is String, "a line's form: \(event.json)")
        }
    }

    private static func read(_ lines: [[String: Any]]) -> SeenReply {
        var seen = SeenReply()
        var turn: [String: Any] = ["role": "assistant"]
        var calls: [[String: Any]] = []
        for json in lines {
            seen.error = seen.error ?? self.failure(json)
            let message = json.object("message")
            seen.text += message.text("content")
            seen.reasoning += message.text("thinking")
            for call in message.list("tool_calls") {
                let function = call.object("function")
                seen.demand(function["arguments"] is [String: Any], "arguments that are no object")
                seen.calls.append(.init(id: call.text("id"), name: function.text("name"), value: function["arguments"]))
                calls.append(call)
            }
            self.end(json, &seen)
        }
        turn["content"] = seen.text
        if !seen.reasoning.isEmpty { turn["thinking"] = seen.reasoning }
        if !calls.isEmpty { turn["tool_calls"] = calls }
        seen.turn = [turn]
        return seen
    }

    /// The last line's counts and reason.
    static func end(_ json: [String: Any], _ seen: inout SeenReply) {
        guard json["done"] as? Bool == true else { return }
        seen.inputTokens = json.number("prompt_eval_count")
        seen.outputTokens = json.number("eval_count")
        seen.stop = json.text("done_reason") == "length" ? .length : seen.calls.isEmpty ? .end : .calls
    }

    static func events(_ data: Data) -> [RawEvent] {
        self.lines(data) { event in
            event.makesWhole = event.json["done"] as? Bool == true
            event.isLast = event.makesWhole
        }
    }

    static func failure(_ json: [String: Any]) -> String? { json["error"] as? String }

    static func failureFaults(_ reply: ClientReply) -> [String] {
        reply.json["error"] is String ? [] : ["Ollama's error: \(reply.text)"]
    }

    // MARK: Requests

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        for tool in body.list("tools") {
            let function = tool.object("function")
            said.tools[function.text("name")] = PlainConversation.schema(function["parameters"])
        }
        var names: [String] = []
        for message in body.list("messages") {
            let role = message.text("role")
            if role == "tool" {
                names.append(message["tool_name"] as? String ?? message.text("name"))
                said.addResult(message.text("tool_call_id"), message["content"])
            } else {
                said.add(message.text("content"), role)
            }
            said.media += message["images"] as? [String] ?? []
            for call in message.list("tool_calls") {
                let function = call.object("function")
                said.addCall(.init(id: call.text("id"), name: function.text("name"), value: function["arguments"]))
            }
        }
        said.settleResults(names: names)
        return said
    }

    private static let tail =
        #""done":true,"done_reason":"stop","total_duration":1,"load_duration":1,"prompt_eval_count":1,"#
        + #""prompt_eval_duration":1,"eval_count":1,"eval_duration":1}"#
    private static let text =
        #"{"model":"m","created_at":"2026-01-02T03:04:05Z","message":{"role":"assistant","content":"ok"},"# + Self.tail

    static var okay: [String: Any] { JSON.object(self.text) ?? [:] }
    static var okayStream: Data { Data((self.text + "\n").utf8) }
}

/// Ollama's completion of one prompt, `/api/generate`.
enum GenerateJudge: Judge {
    static let shows: Set<Aspect> = [.reasoning, .usage]

    static func path(model: String, isStreaming: Bool) -> String { "/api/generate" }

    static func request(isStreaming: Bool) -> [String: Any] {
        ["model": "m", "prompt": "Hi", "stream": isStreaming]
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        ["model": "m", "prompt": "Hi\n" + seen.text + "\nAnd now?", "stream": false]
    }

    static func whole(_ json: [String: Any]) -> SeenReply { OllamaJudge.over(self.read([json])) }

    static func stream(_ data: Data) -> SeenReply {
        let events = self.events(data).filter { $0.kind != .empty }
        var seen = self.read(events.map(\.json))
        seen.demand(!events.contains { $0.kind == .garbage }, "a line that is no JSON")
        OllamaJudge.judge(events, &seen)
        return seen
    }

    private static func read(_ lines: [[String: Any]]) -> SeenReply {
        var seen = SeenReply()
        for json in lines {
            seen.error = seen.error ?? self.failure(json)
            seen.text += json.text("response")
            seen.reasoning += json.text("thinking")
            OllamaJudge.end(json, &seen)
        }
        return seen
    }

    static func events(_ data: Data) -> [RawEvent] { OllamaJudge.events(data) }
    static func failure(_ json: [String: Any]) -> String? { OllamaJudge.failure(json) }
    static func failureFaults(_ reply: ClientReply) -> [String] { OllamaJudge.failureFaults(reply) }

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        said.isFlat = true
        said.add(body.text("system"), "system")
        said.add(body.text("prompt"), "user")
        said.media = body["images"] as? [String] ?? []
        return said
    }

    private static let text =
        #"{"model":"m","created_at":"2026-01-02T03:04:05Z","response":"ok","done":true,"done_reason":"stop","#
        + #""total_duration":1,"load_duration":1,"prompt_eval_count":1,"prompt_eval_duration":1,"eval_count":1,"#
        + #""eval_duration":1}"#

    static var okay: [String: Any] { JSON.object(self.text) ?? [:] }
    static var okayStream: Data { Data((self.text + "\n").utf8) }
}
