import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// A recording behind a client of the other dialect.
struct Translation {
    let recording: Recording
    let from: DialectID
    let to: DialectID
    var spec: ProviderSpec { self.recording.spec(self.from) }

    /// JSON of the right form with values of the wrong type, made by third parties for tests: nothing to translate.
    static let unreadable: Set<String> = ["stream-malformed-delta-content-number-56d0"]

    /// Checks that the client sees what was recorded, and returns that.
    @discardableResult
    func check() async throws -> SeenReply {
        var first: SeenReply?
        let isShort = self.recording.isStream && self.recording.reply.count <= 6000
        for cut in isShort ? [Recording.Cut.random, .bytes] : [.random] {
            let reply = try await Gateway.running().ask(
                JSON.data(plainRequest(self.to, isStreaming: self.recording.isStream)), as: self.to, of: self.spec,
                transport: self.recording.transport(cut))
            let label = "\(self.recording) to \(self.to.rawValue) in pieces: \(cut)"
            let seen = SeenReply(reply.body, dialect: self.to, isStream: self.recording.isStream)
            self.check(reply, seen, label)
            first = first ?? seen
        }
        if self.to == .openAIChat, self.recording.isStream { try await self.checkUnaskedUsage() }
        return try #require(first)
    }

    /// A client that did not ask for the usage chunk gets none.
    private func checkUnaskedUsage() async throws {
        var request = plainRequest(self.to, isStreaming: true)
        request["stream_options"] = nil
        let reply = try await Gateway.running().ask(
            JSON.data(request), as: self.to, of: self.spec, transport: self.recording.transport())
        for json in ServerEvents(reply.body).objects {
            #expect(!(json["usage"] is [String: Any]), "\(self.recording) to \(self.to.rawValue), not asked for usage")
        }
    }

    private func check(_ reply: ClientReply, _ seen: SeenReply, _ label: String) {
        let meant = SeenReply(self.recording.reply, dialect: self.from, isStream: self.recording.isStream)
        switch Expectation(self.recording, client: self.to) {
        case .failure(let statuses):
            #expect(statuses.contains(reply.status), "\(label): \(reply.status) \(reply.text)")
            #expect(reply.error["type"] is String && reply.error["message"] is String, "\(label)")
            let isTyped = reply.json["type"] as? String == "error"
            #expect(isTyped == (self.to == .anthropicMessages), "\(label)")
            if (400..<500).contains(self.recording.status), reply.status == self.recording.status,
                let message = meant.error, !message.contains("sk-"), message.count <= 2000, !message.isEmpty
            {
                #expect(reply.error["message"] as? String == message, "\(label)")
            }
        case .brokenStream where reply.status != 200:
            // Nothing that the client's dialect has an event for came before the fault.
            #expect(reply.status == 502 && meant.text.isEmpty, "\(label)")
        case .brokenStream:
            #expect(seen.error?.isEmpty == false, "\(label): \(reply.text.suffix(300))")
            #expect(meant.text.hasPrefix(seen.text), "\(label)")
        case .reply where Self.unreadable.contains(self.recording.name):
            #expect(reply.status == 502, "\(label)")
        case .reply:
            #expect(reply.status == 200, "\(label): \(reply.text.prefix(400))")
            #expect(seen.error == nil, "\(label): \(seen.error ?? "")")
            self.compare(seen, meant, label)
            meant.checkAccounting(reply, label)
            if self.recording.isStream { self.checkFraming(reply, label) } else { self.checkLosses(reply, label) }
        }
    }

    private func compare(_ seen: SeenReply, _ meant: SeenReply, _ label: String) {
        // Where a provider declines without a word, OpenAI's clients must still be told.
        if !(meant.stop == .refused && meant.text.isEmpty) {
            #expect(seen.text == meant.text, "\(label)")
        }
        #expect(seen.reasoning == meant.reasoning, "\(label)")
        if self.from == .anthropicMessages { #expect(seen.signatures == meant.signatures, "\(label)") }
        #expect(seen.calls.map(\.name) == meant.calls.map(\.name), "\(label)")
        #expect(seen.calls.map(\.arguments) == meant.calls.map { self.arguments($0.arguments) }, "\(label)")
        #expect(seen.calls.allSatisfy { !$0.id.isEmpty }, "\(label)")
        #expect(Set(seen.calls.map(\.id)).count == seen.calls.count, "\(label)")
        for (call, original) in zip(seen.calls, meant.calls) where Self.isUsable(original.id) {
            #expect(call.id == original.id, "\(label)")
        }
        // OpenAI has no word for a pause: the turn is over.
        let stop = meant.stop == .pause ? (meant.calls.isEmpty ? .end : .calls) : meant.stop
        #expect(seen.stop == stop, "\(label)")
        if let input = meant.inputTokens, let output = meant.outputTokens {
            #expect(seen.inputTokens == input, "\(label)")
            #expect(seen.outputTokens == output, "\(label)")
            #expect(seen.cachedTokens ?? 0 == meant.cachedTokens ?? 0, "\(label)")
        }
    }

    /// Whatever a whole reply holds beside what every client sees is told as lost.
    private func checkLosses(_ reply: ClientReply, _ label: String) {
        let losses = (reply.headers["x-needletail-lossy"] ?? "").split(separator: ",").map(String.init)
        let json = self.recording.json
        let isTold = { (name: String) in
            losses.contains { $0 == name || $0.hasPrefix(name + ".") } || losses.last == "…"
        }
        switch self.from {
        case .openAIChat:
            let known = ["id", "object", "created", "model", "choices", "usage", "service_tier", "x_groq"]
            for (key, value) in json where !known.contains(key) && !Self.isEmpty(value) {
                #expect(isTold(key), "\(label): \(key) is not in \(losses)")
            }
            let choices = json["choices"] as? [[String: Any]] ?? []
            if choices.count > 1 { #expect(isTold("choices"), "\(label): \(losses)") }
            if let logprobs = choices.first?["logprobs"] as? [String: Any],
                logprobs.contains(where: { !Self.isEmpty($1) })
            {
                #expect(isTold("choices.logprobs"), "\(label): \(losses)")
            }
            if let audio = (choices.first?["message"] as? [String: Any])?["audio"] as? [String: Any],
                audio["id"] as? String != ""
            {
                #expect(isTold("choices.message.audio"), "\(label): \(losses)")
            }
        case .anthropicMessages:
            let known = ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"]
            for (key, value) in json where !known.contains(key) && !Self.isEmpty(value) {
                #expect(isTold(key), "\(label): \(key) is not in \(losses)")
            }
            if json["stop_sequence"] is String { #expect(isTold("stop_sequence"), "\(label): \(losses)") }
            for block in json["content"] as? [[String: Any]] ?? [] {
                let type = block["type"] as? String ?? ""
                if !["text", "thinking", "redacted_thinking", "tool_use"].contains(type) {
                    #expect(isTold("content"), "\(label): \(type) is not in \(losses)")
                }
            }
        default: preconditionFailure("not spelled out")
        }
    }

    private static func isEmpty(_ value: Any) -> Bool {
        value is NSNull || (value as? [Any])?.isEmpty == true || (value as? [String: Any])?.isEmpty == true
            || value as? String == ""
    }

    /// Anthropic's whole replies hold objects only; its streams, and OpenAI, whatever the model wrote.
    private func arguments(_ text: String) -> String {
        if self.to == .anthropicMessages, !self.recording.isStream, JSON.object(text) == nil { return "{}" }
        return text
    }

    /// Anthropic's rule for ids: `^[a-zA-Z0-9_-]+$`, which OpenAI's clients do not mind.
    private static func isUsable(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= 64
            && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }

    /// The stream's form, which official SDKs rely on.
    private func checkFraming(_ reply: ClientReply, _ label: String) {
        let events = ServerEvents(reply.body).events.filter { !$0.data.isEmpty }
        switch self.to {
        case .openAIChat:
            #expect(events.last?.data == "[DONE]", "\(label)")
            for event in events.dropLast() {
                let json = JSON.object(event.data) ?? [:]
                #expect(json["object"] as? String == "chat.completion.chunk", "\(label)")
                #expect(json["id"] is String && json["created"] is Int && json["choices"] is [Any], "\(label)")
            }
        case .anthropicMessages:
            let types = events.map { JSON.object($0.data)?["type"] as? String ?? "" }
            #expect(types == events.map(\.name), "\(label)")
            #expect(types.first == "message_start" && types.last == "message_stop", "\(label)")
            var open: Int?
            var next = 0
            for event in events {
                let json = JSON.object(event.data) ?? [:]
                let index = json["index"] as? Int
                switch event.name {
                case "content_block_start":
                    #expect(open == nil && index == next, "\(label)")
                    open = index
                    next += 1
                case "content_block_delta": #expect(open == index, "\(label)")
                case "content_block_stop":
                    #expect(open == index, "\(label)")
                    open = nil
                default: #expect(open == nil || event.name == "ping", "\(label): \(event.name)")
                }
            }
        default: preconditionFailure("not spelled out")
        }
    }

    /// The client sends the reply back as the assistant's turn, with a result for every call: the upstream gets its own
    /// calls, ids and signatures again.
    func checkResend(_ seen: SeenReply) async throws {
        guard !seen.text.isEmpty || !seen.calls.isEmpty else { return }
        let label = "\(self.recording) sent again as \(self.to.rawValue)"
        let transport = FunctionTransport { _ throws(NeedletailError) in
            TransportResponse(status: 200, body: TransportBody(.init(string: Self.okay(self.from))))
        }
        let reply = try await Gateway.running().ask(
            JSON.data(self.nextTurn(seen)), as: self.to, of: self.spec, transport: transport)
        // A call that the model did not finish cannot be said again to an upstream whose calls are objects.
        if seen.calls.contains(where: { JSON.object($0.arguments) == nil }), self.from == .anthropicMessages {
            #expect(reply.status == 400, "\(label)")
            #expect(reply.error["param"] as? String == "messages.tool_calls.function.arguments", "\(label)")
            return
        }
        #expect(reply.status == 200, "\(label): \(reply.text)")
        let body = try #require(transport.requests.first.flatMap { JSON.object($0.body) }, "\(label)")
        let sent = SentConversation(body, dialect: self.from)
        #expect(sent.calls.map(\.name) == seen.calls.map(\.name), "\(label)")
        #expect(sent.calls.map(\.id) == sent.resultIDs, "\(label)")
        #expect(sent.resultTexts == seen.calls.indices.map { "result \($0)" }, "\(label)")
        for (call, original) in zip(sent.calls, seen.calls) where JSON.object(original.arguments) != nil {
            #expect(call.arguments == original.arguments, "\(label)")
        }
        if seen.stop != .refused { #expect(sent.assistantText == seen.text, "\(label)") }
        if self.from == .anthropicMessages { #expect(sent.signatures == seen.signatures, "\(label)") }
    }

    private func nextTurn(_ seen: SeenReply) -> [String: Any] {
        var request = plainRequest(self.to, isStreaming: false)
        var messages: [[String: Any]] = [["role": "user", "content": "Hi"], seen.turn]
        let names = Set(seen.calls.map(\.name)).sorted()
        let schema: [String: Any] = ["type": "object", "properties": [String: Any]()]
        switch self.to {
        case .openAIChat:
            if !seen.signatures.isEmpty { request["reasoning_effort"] = "low" }
            for (index, call) in seen.calls.enumerated() {
                messages.append(["role": "tool", "tool_call_id": call.id, "content": "result \(index)"])
            }
            if !names.isEmpty {
                request["tools"] = names.map {
                    ["type": "function", "function": ["name": $0, "parameters": schema]] as [String: Any]
                }
            }
        case .anthropicMessages:
            let results = seen.calls.enumerated().map { index, call in
                ["type": "tool_result", "tool_use_id": call.id, "content": "result \(index)"]
            }
            if !results.isEmpty { messages.append(["role": "user", "content": results]) }
            if !names.isEmpty {
                request["tools"] = names.map { ["name": $0, "input_schema": schema] as [String: Any] }
            }
        default: preconditionFailure("not spelled out")
        }
        messages.append(["role": "user", "content": "And now?"])
        request["messages"] = messages
        return request
    }

    private static func okay(_ dialect: DialectID) -> String {
        switch dialect {
        case .openAIChat:
            #"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":"#
                + #"[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}"#
        case .anthropicMessages:
            #"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"ok"}],"#
                + #""stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#
        default: preconditionFailure("not spelled out")
        }
    }
}

/// A conversation as it reached an upstream, read naively.
struct SentConversation {
    var calls: [SeenReply.Call] = []
    var resultIDs: [String] = []
    var resultTexts: [String] = []
    var assistantText = ""
    var signatures: [String] = []

    init(_ body: [String: Any], dialect: DialectID) {
        for message in body["messages"] as? [[String: Any]] ?? [] {
            let role = message["role"] as? String
            if role == "assistant" {
                let turn: [String: Any] =
                    dialect == .openAIChat ? ["choices": [["message": message]]] : ["content": Self.blocks(message)]
                let seen = SeenReply(JSON.data(turn), dialect: dialect, isStream: false)
                self.calls += seen.calls
                self.assistantText += seen.text
                self.signatures += seen.signatures
            } else if role == "tool" {
                self.resultIDs.append(message["tool_call_id"] as? String ?? "")
                self.resultTexts.append(Self.text(message["content"]))
            } else {
                for block in message["content"] as? [[String: Any]] ?? []
                where block["type"] as? String == "tool_result" {
                    self.resultIDs.append(block["tool_use_id"] as? String ?? "")
                    self.resultTexts.append(Self.text(block["content"]))
                }
            }
        }
    }

    private static func blocks(_ message: [String: Any]) -> [[String: Any]] {
        if let text = message["content"] as? String { return [["type": "text", "text": text]] }
        return message["content"] as? [[String: Any]] ?? []
    }

    static func text(_ content: Any?) -> String {
        if let text = content as? String { return text }
        return (content as? [[String: Any]] ?? []).map { $0["text"] as? String ?? "" }.joined()
    }
}
