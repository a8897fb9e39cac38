import Foundation

/// OpenAI's legacy completions (<https://platform.openai.com/docs/api-reference/completions>).
enum CompletionsJudge: Judge {
    static let shows: Set<Aspect> = [.usage, .cachedTokens, .refusal]

    static func path(model: String, isStreaming: Bool) -> String { "/v1/completions" }

    static func request(isStreaming: Bool) -> [String: Any] {
        var request: [String: Any] = ["model": "m", "prompt": "Hi"]
        if isStreaming {
            request["stream"] = true
            request["stream_options"] = ["include_usage": true]
        }
        return request
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        ["model": "m", "prompt": "Hi\n" + seen.text + "\nAnd now?"]
    }

    static func whole(_ json: [String: Any]) -> SeenReply { self.read([json]) }

    static func stream(_ data: Data) -> SeenReply {
        let events = self.events(data).filter { $0.kind != .empty }
        var seen = self.read(events.map(\.json).filter { !$0.isEmpty })
        guard seen.error == nil else { return seen }
        for event in events where !event.json.isEmpty {
            let json = event.json
            seen.demand(
                json.text("object") == "text_completion" && json["id"] is String && json["created"] is Int
                    && json["choices"] is [Any] && event.name.isEmpty, "a chunk's form: \(json)")
        }
        seen.demand(events.contains { !$0.isLast && $0.makesWhole }, "no finish_reason")
        seen.demand(events.last?.isLast == true, "no [DONE] at the end")
        return seen
    }

    private static func read(_ objects: [[String: Any]]) -> SeenReply {
        var reading = ChatReading()
        var first: Int?
        for json in objects {
            reading.seen.error = reading.seen.error ?? self.failure(json)
            reading.readUsage(json["usage"])
            for choice in json.list("choices") {
                let index = choice.number("index") ?? 0
                first = first ?? index
                guard index == first else { continue }
                reading.seen.text += choice.text("text")
                if let word = choice["finish_reason"] as? String { reading.word = word }
            }
        }
        reading.end()
        return reading.seen
    }

    static func events(_ data: Data) -> [RawEvent] { ChatJudge.events(data) }
    static func failure(_ json: [String: Any]) -> String? { ChatJudge.failure(json) }
    static func failureFaults(_ reply: ClientReply) -> [String] { ChatJudge.failureFaults(reply) }

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        said.isFlat = true
        let prompts = body["prompt"] as? [String] ?? [body.text("prompt")]
        for prompt in prompts { said.add(prompt, "user") }
        return said
    }

    static var okay: [String: Any] {
        [
            "id": "c", "object": "text_completion", "created": 1, "model": "m",
            "choices": [["index": 0, "text": "ok", "finish_reason": "stop"] as [String: Any]],
        ]
    }

    static var okayStream: Data {
        Data(
            (#"data: {"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"ok","#
                + #""finish_reason":"stop","logprobs":null}]}"# + "\n\ndata: [DONE]\n\n").utf8)
    }
}
