import Foundation
import NeedletailCore
import Testing

/// What a client makes of a reply: read by code that knows nothing of this package, so that it can be the judge.
struct SeenReply {
    struct Call: Equatable {
        var id = ""
        var name = ""
        /// The arguments as canonical JSON; what is no JSON object, as it stands.
        var arguments = ""
    }

    /// Why the reply ended, in words that both dialects share.
    enum Stop: Equatable { case end, length, calls, refused, pause }

    /// Text, refusals included.
    var text = ""
    var reasoning = ""
    var signatures: [String] = []
    var calls: [Call] = []
    /// What an error in the reply says.
    var error: String?
    var stop: Stop?
    var inputTokens: Int?
    var outputTokens: Int?
    /// Input tokens from the provider's cache.
    var cachedTokens: Int?
    /// How many events came before the error.
    var goodEvents = 0
    /// The assistant's turn as the client sends it back, in its dialect.
    var turn: [String: Any] = [:]

    private var word: String?
    private var refusal = ""
    private var partial: [Int: Call] = [:]
    private var order: [Int] = []
    private var thinkingBlocks: [[String: Any]] = []
    private var blocks: [[String: Any]] = []
    private var counts: [String: Int] = [:]

    init(_ data: Data, dialect: DialectID, isStream: Bool) {
        switch (dialect, isStream) {
        case (.openAIChat, false): self.readChat(JSON.object(data) ?? [:])
        case (.openAIChat, true): self.readChatStream(ServerEvents(data))
        case (.anthropicMessages, false): self.readMessage(JSON.object(data) ?? [:])
        case (.anthropicMessages, true): self.readMessageStream(ServerEvents(data))
        default: preconditionFailure("not spelled out")
        }
    }

    /// Checks that the gateway counted what the provider said.
    func checkAccounting(_ reply: ClientReply, _ label: String) {
        guard case .finished = reply.outcome?.end else {
            Issue.record("\(label): accounted as \(String(describing: reply.outcome))")
            return
        }
        guard let input = self.inputTokens, let output = self.outputTokens else { return }
        #expect(reply.outcome?.usage?.inputTokens == input, "\(label)")
        #expect(reply.outcome?.usage?.outputTokens == output, "\(label)")
    }

    private mutating func readError(_ json: [String: Any]) {
        if let error = json["error"] as? [String: Any] {
            self.error = self.error ?? error["message"] as? String ?? ""
        } else if let error = json["error"] as? String {
            self.error = self.error ?? error
        }
        if self.error == nil { self.goodEvents += 1 }
    }
}

// MARK: OpenAI

extension SeenReply {
    private mutating func readChat(_ json: [String: Any]) {
        self.readError(json)
        self.readUsage(json["usage"])
        guard let choice = (json["choices"] as? [[String: Any]] ?? []).first else { return }
        self.word = choice["finish_reason"] as? String
        let message = choice["message"] as? [String: Any] ?? [:]
        self.readPart(message)
        self.endChat()
        self.turn = message
    }

    private mutating func readChatStream(_ stream: ServerEvents) {
        var first: Int?
        for json in stream.objects {
            self.readError(json)
            self.readUsage((json["x_groq"] as? [String: Any])?["usage"])
            self.readUsage(json["usage"])
            for choice in json["choices"] as? [[String: Any]] ?? [] {
                let index = choice["index"] as? Int ?? 0
                if first == nil { first = index }
                guard index == first else { continue }
                // What comes after a choice's end repeats it.
                if self.word == nil { self.readPart(choice["delta"] as? [String: Any] ?? [:]) }
                if let word = choice["finish_reason"] as? String, !word.isEmpty, self.word == nil { self.word = word }
            }
        }
        self.endChat()
        self.turn = ["role": "assistant", "content": self.text]
        if !self.reasoning.isEmpty { self.turn["reasoning_content"] = self.reasoning }
        if !self.thinkingBlocks.isEmpty { self.turn["thinking_blocks"] = self.thinkingBlocks }
        if !self.calls.isEmpty {
            self.turn["tool_calls"] = self.calls.map { call -> [String: Any] in
                [
                    "id": call.id, "type": "function",
                    "function": ["name": call.name, "arguments": call.arguments],
                ]
            }
        }
    }

    private mutating func readPart(_ part: [String: Any]) {
        if let text = part["content"] as? String { self.text += text }
        for piece in part["content"] as? [[String: Any]] ?? [] {
            if let text = piece["text"] as? String { self.text += text }
            if let thinking = piece["thinking"] as? String { self.reasoning += thinking }
            for inner in piece["thinking"] as? [[String: Any]] ?? [] {
                self.reasoning += inner["text"] as? String ?? ""
            }
        }
        self.refusal += part["refusal"] as? String ?? ""
        let blocks = part["thinking_blocks"] as? [[String: Any]] ?? []
        for block in blocks {
            self.thinkingBlocks.append(block)
            if let signature = block["signature"] as? String, !signature.isEmpty { self.signatures.append(signature) }
        }
        for detail in part["reasoning_details"] as? [[String: Any]] ?? []
        where blocks.isEmpty && (detail["format"] as? String)?.hasPrefix("anthropic") == true {
            if let signature = detail["signature"] as? String, !signature.isEmpty { self.signatures.append(signature) }
        }
        let words = ["reasoning_content", "reasoning"].compactMap { part[$0] as? String }.first { !$0.isEmpty }
        if let words {
            self.reasoning += words
        } else {
            for detail in part["reasoning_details"] as? [[String: Any]] ?? [] {
                self.reasoning += detail["text"] as? String ?? detail["summary"] as? String ?? ""
            }
        }
        var calls = part["tool_calls"] as? [[String: Any]] ?? []
        if let legacy = part["function_call"] as? [String: Any] { calls.append(["index": 0, "function": legacy]) }
        for (position, call) in calls.enumerated() { self.readCall(call, position) }
    }

    private mutating func readCall(_ json: [String: Any], _ position: Int) {
        let index = json["index"] as? Int ?? position
        if self.partial[index] == nil { self.order.append(index) }
        var call = self.partial[index] ?? Call()
        let name = (json["function"] as? [String: Any])?["name"] as? String ?? ""
        if let id = json["id"] as? String, !id.isEmpty { call.id = id }
        if name.isEmpty, let custom = json["custom"] as? [String: Any] {
            call.name += custom["name"] as? String ?? ""
            call.arguments = JSON.canonical(["input": custom["input"] as? String ?? ""])
        }
        if let function = json["function"] as? [String: Any] {
            if let name = function["name"] as? String, !name.isEmpty { call.name = name }
            if let text = function["arguments"] as? String { call.arguments += text }
            if let object = function["arguments"] as? [String: Any] { call.arguments = JSON.canonical(object) }
        }
        self.partial[index] = call
    }

    private mutating func endChat() {
        self.calls = self.order.compactMap { self.partial[$0] }.map { call in
            var call = call
            if let object = JSON.object(call.arguments) { call.arguments = JSON.canonical(object) }
            if call.arguments.isEmpty || call.arguments == "null" { call.arguments = "{}" }
            return call
        }
        // Some servers write every field of OpenAI's form, a call without a name too.
        .filter { !$0.name.isEmpty }
        self.text += self.refusal
        self.stop =
            switch self.word {
            case "length", "max_tokens", "model_length": .length
            case "content_filter", "refusal": .refused
            default: self.calls.isEmpty ? self.refusal.isEmpty ? .end : .refused : .calls
            }
    }

    private mutating func readUsage(_ value: Any?) {
        guard let usage = value as? [String: Any] else { return }
        if let input = usage["prompt_tokens"] as? Int { self.inputTokens = input }
        let inputDetails = usage["prompt_tokens_details"] as? [String: Any]
        let cached = inputDetails?["cached_tokens"] ?? usage["prompt_cache_hit_tokens"] ?? usage["cached_tokens"]
        if let cached = cached as? Int { self.cachedTokens = min(cached, self.inputTokens ?? cached) }
        guard let output = usage["completion_tokens"] as? Int else { return }
        self.outputTokens = output
        // xAI counts reasoning beside the completion, and only the total tells.
        let details = usage["completion_tokens_details"] as? [String: Any]
        if let total = usage["total_tokens"] as? Int, let reasoning = details?["reasoning_tokens"] as? Int,
            reasoning > 0, total == (self.inputTokens ?? 0) + output + reasoning
        {
            self.outputTokens = output + reasoning
        }
    }
}

// MARK: Anthropic

extension SeenReply {
    private mutating func readMessage(_ json: [String: Any]) {
        self.readError(json)
        self.count(json["usage"])
        self.blocks = json["content"] as? [[String: Any]] ?? []
        self.endMessage(json["stop_reason"] as? String)
    }

    private mutating func readMessageStream(_ stream: ServerEvents) {
        var word: String?
        var open: [Int: Int] = [:]
        var input: [Int: String] = [:]
        events: for json in stream.objects {
            self.readError(json)
            let index = json["index"] as? Int ?? 0
            switch json["type"] as? String {
            case "message_start":
                self.count((json["message"] as? [String: Any])?["usage"])
            case "content_block_start":
                open[index] = self.blocks.count
                self.blocks.append(json["content_block"] as? [String: Any] ?? [:])
            case "content_block_delta":
                guard let place = open[index] else { continue }
                self.apply(json["delta"] as? [String: Any] ?? [:], to: place, &input)
            case "message_stop": break events
            case "message_delta":
                self.count(json["usage"])
                word = (json["delta"] as? [String: Any])?["stop_reason"] as? String ?? word
            default: break
            }
        }
        for (place, text) in input where !text.isEmpty {
            self.blocks[place]["input"] = JSON.object(text) ?? text
        }
        self.endMessage(word)
    }

    private mutating func apply(_ delta: [String: Any], to place: Int, _ input: inout [Int: String]) {
        for key in ["text", "thinking", "signature"] {
            if let piece = delta[key] as? String {
                self.blocks[place][key] = (self.blocks[place][key] as? String ?? "") + piece
            }
        }
        if let piece = delta["partial_json"] as? String { input[place, default: ""] += piece }
    }

    private mutating func count(_ value: Any?) {
        for (key, count) in value as? [String: Any] ?? [:] {
            if let count = count as? Int { self.counts[key] = count }
        }
    }

    private mutating func endMessage(_ word: String?) {
        for block in self.blocks {
            switch block["type"] as? String {
            case "text": self.text += block["text"] as? String ?? ""
            case "thinking":
                self.reasoning += block["thinking"] as? String ?? ""
                if let proof = block["signature"] as? String, !proof.isEmpty { self.signatures.append(proof) }
            case "tool_use":
                let input = block["input"] ?? [String: Any]()
                self.calls.append(
                    Call(
                        id: block["id"] as? String ?? "", name: block["name"] as? String ?? "",
                        arguments: input as? String ?? JSON.canonical(input)))
            default: break
            }
        }
        self.turn = ["role": "assistant", "content": self.blocks]
        if let output = self.counts["output_tokens"] {
            self.outputTokens = output
            self.cachedTokens = self.counts["cache_read_input_tokens"]
            self.inputTokens = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]
                .reduce(0) { $0 + (self.counts[$1] ?? 0) }
        }
        self.stop =
            switch word {
            case "max_tokens", "model_context_window_exceeded": .length
            case "refusal": .refused
            case "pause_turn": .pause
            default: self.calls.isEmpty ? .end : .calls
            }
    }
}
