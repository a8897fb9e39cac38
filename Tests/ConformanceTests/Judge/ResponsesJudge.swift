import Foundation

/// OpenAI's responses (<https://platform.openai.com/docs/api-reference/responses>).
enum ResponsesJudge: Judge {
    static let shows: Set<Aspect> = [
        .reasoning, .signatures, .calls, .callIDs, .usage, .cachedTokens, .refusal, .looseArguments, .messages,
    ]

    static func path(model: String, isStreaming: Bool) -> String { "/v1/responses" }

    static func request(isStreaming: Bool) -> [String: Any] {
        var request: [String: Any] = ["model": "m", "input": "Hi"]
        if isStreaming { request["stream"] = true }
        return request
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        var items: [[String: Any]] = [["role": "user", "content": "Hi"]] + seen.turn
        for (index, call) in seen.calls.enumerated() {
            items.append(["type": "function_call_output", "call_id": call.id, "output": "result \(index)"])
        }
        items.append(["role": "user", "content": "And now?"])
        var request: [String: Any] = ["model": "m", "input": items, "store": false]
        let names = Set(seen.calls.map(\.name)).sorted()
        if !names.isEmpty {
            request["tools"] = names.map {
                [
                    "type": "function", "name": $0, "parameters": ["type": "object", "properties": [String: Any]()],
                    "strict": false,
                ] as [String: Any]
            }
        }
        return request
    }

    // MARK: Replies

    static func whole(_ json: [String: Any]) -> SeenReply {
        var seen = SeenReply()
        seen.error = self.failure(json)
        self.read(json, into: &seen)
        if seen.error == nil {
            seen.demand(
                json.text("object") == "response" && json["id"] is String && json["output"] is [Any]
                    && json["status"] is String && json["created_at"] is NSNumber && json["model"] is String,
                "a response's form")
        }
        return seen
    }

    private static func read(_ response: [String: Any], into seen: inout SeenReply) {
        var isRefused = false
        for item in response.list("output") {
            switch item.text("type") {
            case "message":
                seen.demand(item["id"] is String && item.text("role") == "assistant", "a message's form")
                for part in item.list("content") {
                    seen.text += part.text("text") + part.text("refusal")
                    if part.text("type") == "refusal" { isRefused = true }
                    if part.text("type") == "output_text" {
                        seen.demand(part["annotations"] is [Any], "output_text without annotations")
                    }
                }
            case "function_call":
                seen.calls.append(
                    .init(id: item.text("call_id"), name: item.text("name"), text: item.text("arguments")))
            case "custom_tool_call":
                let input = SeenReply.Call.free(item.text("input"))
                seen.calls.append(.init(id: item.text("call_id"), name: item.text("name"), arguments: input))
            case "reasoning":
                for part in item.list("summary") + item.list("content") { seen.reasoning += part.text("text") }
                let proof = item.text("encrypted_content")
                if !proof.isEmpty { seen.signatures.append(proof) }
            default: seen.hasForeign = true
            }
        }
        seen.turn = response.list("output")
        if let usage = response["usage"] as? [String: Any] {
            seen.inputTokens = usage.number("input_tokens")
            seen.outputTokens = usage.number("output_tokens")
            seen.cachedTokens = usage.object("input_tokens_details").number("cached_tokens")
        }
        let reason = response.object("incomplete_details").text("reason")
        seen.stop =
            switch (response.text("status"), reason) {
            case ("incomplete", "content_filter"): .refused
            case ("incomplete", _): .length
            default: seen.calls.isEmpty ? (isRefused ? .refused : .end) : .calls
            }
    }

    static func stream(_ data: Data) -> SeenReply {
        var steps = ResponsesSteps()
        for event in self.events(data) where event.kind != .empty {
            // Some servers of the dialect end with `[DONE]`.
            if event.json.isEmpty, steps.last != nil { break }
            steps.seen.error = steps.seen.error ?? self.failure(event.json)
            steps.step(event)
        }
        var seen = steps.seen
        if let response = steps.last {
            let faults = seen.faults
            self.read(response, into: &seen)
            seen.faults = faults + seen.faults
        } else {
            // Cut off: what has come so far.
            self.read(["output": steps.finishedItems], into: &seen)
            seen.text = steps.text
            seen.stop = nil
        }
        if seen.error == nil {
            seen.demand(steps.last != nil, "no end")
            seen.demand(steps.text == seen.text, "the text of the deltas is not that of the response")
            let isSame = JSON.canonical(self.plain(steps.finishedItems)) == JSON.canonical(self.plain(seen.turn))
            seen.demand(isSame, "the items are not those of the response")
        }
        // What came cannot be taken back.
        if !steps.text.isEmpty {
            seen.finalText = seen.text
            seen.text = steps.text
        }
        return seen
    }

    /// Items without what is encrypted anew each time it is sent.
    private static func plain(_ items: [[String: Any]]) -> [[String: Any]] {
        items.map { item in item.filter { $0.key != "encrypted_content" && $0.key != "id" } }
    }

    static func events(_ data: Data) -> [RawEvent] {
        self.sse(data) { event in
            switch event.json.text("type") {
            case "response.completed", "response.incomplete":
                event.makesWhole = true
            case "response.failed", "error": event.kind = .failure
            default: break
            }
        }
    }

    static func failure(_ json: [String: Any]) -> String? {
        if let error = json["error"] as? [String: Any] { return error.text("message") }
        if let error = json["error"] as? String { return error }
        if json.text("type") == "error" { return json.text("message") }
        guard json.text("type") == "response.failed" else { return nil }
        return json.object("response").object("error").text("message")
    }

    static func failureFaults(_ reply: ClientReply) -> [String] { ChatJudge.failureFaults(reply) }

    // MARK: Requests

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        said.add(body.text("instructions"), "system")
        for tool in body.list("tools") where tool.text("type") == "function" {
            said.tools[tool.text("name")] = PlainConversation.schema(tool["parameters"])
        }
        said.add(body.text("input"), "user")
        for item in body.list("input") {
            switch item.text("type") {
            case "function_call":
                said.addCall(.init(id: item.text("call_id"), name: item.text("name"), text: item.text("arguments")))
            case "custom_tool_call":
                let input = SeenReply.Call.free(item.text("input"))
                said.addCall(.init(id: item.text("call_id"), name: item.text("name"), arguments: input))
            case "function_call_output", "custom_tool_call_output":
                said.addResult(item.text("call_id"), item["output"])
                let before = said.media.count
                self.readMedia(item.list("output"), "user", into: &said)
                if said.media.count > before { said.hasMediaResults = true }
            case "reasoning":
                if !item.text("encrypted_content").isEmpty { said.signatures.append(item.text("encrypted_content")) }
            case "message", "":
                let role = item.text("role")
                said.add(item.text("content"), role)
                for part in item.list("content") { said.add(part.text("text") + part.text("refusal"), role) }
                self.readMedia(item.list("content"), role, into: &said)
            default: break
            }
        }
        return said
    }

    private static func readMedia(_ parts: [[String: Any]], _ role: String, into said: inout PlainConversation) {
        for part in parts {
            if let url = part["image_url"] as? String { said.addMedia(url, role) }
            for key in ["file_data", "file_id", "file_url"] {
                if let value = part[key] as? String { said.addMedia(value, role, title: part.text("filename")) }
            }
            if let sound = part.object("input_audio")["data"] as? String { said.media.append(sound) }
        }
    }

    private static let okayText =
        #"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"id":"msg_1","#
        + #""type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"ok","#
        + #""annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}"#

    static var okay: [String: Any] { JSON.object(self.okayText) ?? [:] }

    static var okayStream: Data {
        let item = #"{"id":"msg_1","type":"message","role":"assistant","status":"in_progress","content":[]}"#
        let done =
            #"{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","#
            + #""text":"ok","annotations":[]}]}"#
        let place = #""item_id":"msg_1","output_index":0,"content_index":0"#
        let begun =
            #""response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}"#
        let steps = [
            ("response.created", begun), ("response.in_progress", begun),
            ("response.output_item.added", #""output_index":0,"item":"# + item),
            ("response.content_part.added", place + #","part":{"type":"output_text","text":"","annotations":[]}"#),
            ("response.output_text.delta", place + #","delta":"ok""#),
            ("response.output_text.done", place + #","text":"ok""#),
            ("response.content_part.done", place + #","part":{"type":"output_text","text":"ok","annotations":[]}"#),
            ("response.output_item.done", #""output_index":0,"item":"# + done),
            ("response.completed", #""response":"# + self.okayText),
        ]
        let text = steps.enumerated().map { number, step in
            "event: \(step.0)\ndata: {\"type\":\"\(step.0)\",\"sequence_number\":\(number),\(step.1)}\n\n"
        }
        return Data(text.joined().utf8)
    }
}
