import Foundation

/// Gemini's generateContent (<https://ai.google.dev/api/generate-content>).
enum GeminiJudge: Judge {
    static let shows: Set<Aspect> = [.reasoning, .signatures, .calls, .usage, .cachedTokens, .refusal, .messages]

    static let isPathBound = true

    static func path(model: String, isStreaming: Bool) -> String {
        let name = model.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? model
        return "/v1beta/models/\(name):" + (isStreaming ? "streamGenerateContent?alt=sse" : "generateContent")
    }

    static func request(isStreaming: Bool) -> [String: Any] {
        ["contents": [["role": "user", "parts": [["text": "Hi"]]]]]
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        var contents: [[String: Any]] = [["role": "user", "parts": [["text": "Hi"]]]] + seen.turn
        let results: [[String: Any]] = seen.calls.enumerated().map { index, call in
            var response: [String: Any] = ["name": call.name, "response": ["result": "result \(index)"]]
            if !call.id.isEmpty { response["id"] = call.id }
            return ["functionResponse": response]
        }
        contents.append(["role": "user", "parts": results + [["text": "And now?"]]])
        var request: [String: Any] = ["contents": contents]
        let names = Set(seen.calls.map(\.name)).sorted()
        if !names.isEmpty { request["tools"] = [["functionDeclarations": names.map { ["name": $0] }]] }
        return request
    }

    // MARK: Replies

    static func whole(_ json: [String: Any]) -> SeenReply {
        var reading = Reading()
        reading.seen.error = self.failure(json)
        reading.read(json)
        reading.end()
        return reading.seen
    }

    static func stream(_ data: Data) -> SeenReply {
        var reading = Reading()
        for event in self.events(data) where event.kind != .empty {
            reading.seen.demand(event.name.isEmpty, "an event with a name")
            reading.seen.demand(event.kind != .garbage && !event.isLast, "what is no JSON object")
            let message = self.failure(event.json)
            reading.seen.error = reading.seen.error ?? message
            reading.read(event.json)
        }
        reading.end()
        if reading.seen.error == nil { reading.seen.demand(reading.word != nil, "no finishReason") }
        return reading.seen
    }

    /// One JSON array of chunks, as clients get it that do not ask for server-sent events.
    static func array(_ data: Data) -> SeenReply? {
        guard let list = (try? JSONSerialization.jsonObject(with: data)) as? [[String: Any]] else { return nil }
        let text = list.map { "data: " + String(decoding: JSON.data($0), as: UTF8.self) + "\n\n" }.joined()
        return self.stream(Data(text.utf8))
    }

    static func events(_ data: Data) -> [RawEvent] {
        self.sse(data) { event in
            if event.kind == .good, !self.isReply(event.json) { event.kind = .garbage }
            event.makesWhole =
                event.json.list("candidates").contains { $0.any("finishReason") != nil }
                || event.json.object("promptFeedback")["blockReason"] != nil
        }
    }

    static func isReply(_ json: [String: Any]) -> Bool {
        json["candidates"] is [Any] || json["usageMetadata"] is [String: Any] || json["promptFeedback"] is [String: Any]
    }

    static func failure(_ json: [String: Any]) -> String? {
        if let error = json["error"] as? [String: Any] { return error.text("message") }
        return json["error"] as? String
    }

    static func failureFaults(_ reply: ClientReply) -> [String] {
        let error = reply.error
        let isKept =
            error.number("code") == reply.status && error["message"] is String && error["status"] is String
            && error.text("status").allSatisfy { $0.isUppercase || $0 == "_" }
        return isKept ? [] : ["Google's error: \(reply.status) \(reply.text)"]
    }

    private struct Reading {
        var seen = SeenReply()
        var word: String?
        private var parts: [[String: Any]] = []
        private var blocked = false
        /// A call whose arguments come in pieces.
        private var growing: (id: String, name: String, arguments: GeminiArguments)?

        mutating func read(_ json: [String: Any]) {
            let isBlocked = json.object("promptFeedback")["blockReason"] is String
            if isBlocked || (json["promptFeedback"] != nil && json.list("candidates").isEmpty && self.parts.isEmpty) {
                self.blocked = true
                self.word = self.word ?? "BLOCKED"
            }
            self.count(json.object("usageMetadata"))
            let candidates = json.list("candidates").filter { ($0.number("index") ?? 0) == 0 }
            guard let candidate = candidates.first else { return }
            let content = candidate.object("content")
            if !content.isEmpty { self.seen.demand(content.text("role") == "model", "a candidate's role") }
            if self.word != nil, !content.list("parts").isEmpty {
                self.seen.demand(false, "parts after finishReason")
            }
            for part in content.list("parts") { self.read(part: part) }
            if let word = candidate.any("finishReason") { self.word = "\(word)" }
        }

        private mutating func read(part: [String: Any]) {
            self.parts.append(part)
            if let signature = part["thoughtSignature"] as? String { self.seen.signatures.append(signature) }
            if let text = part["text"] as? String {
                if part["thought"] as? Bool == true { self.seen.reasoning += text } else { self.seen.text += text }
            } else if let call = part["functionCall"] as? [String: Any] {
                self.read(call: call)
            } else if part.keys.contains(where: { $0 != "thought" && $0 != "thoughtSignature" }) {
                self.seen.hasForeign = true
            }
        }

        private mutating func read(call: [String: Any]) {
            let mayGo = call["willContinue"] as? Bool == true
            if let name = call["name"] as? String {
                guard mayGo || call["partialArgs"] != nil else {
                    self.seen.demand(call["args"] == nil || call["args"] is [String: Any], "args that are no object")
                    self.seen.calls.append(.init(id: call.text("id"), name: name, value: call["args"]))
                    return
                }
                self.growing = (call.text("id"), name, GeminiArguments())
            }
            for piece in call.list("partialArgs") { self.growing?.arguments.add(piece) }
            guard !mayGo, let done = self.growing else { return }
            self.seen.calls.append(.init(id: done.id, name: done.name, value: done.arguments.value))
            self.growing = nil
        }

        private mutating func count(_ usage: [String: Any]) {
            guard let prompt = usage.number("promptTokenCount") ?? usage.number("totalTokenCount").map({ _ in 0 })
            else { return }
            self.seen.inputTokens = prompt + (usage.number("toolUsePromptTokenCount") ?? 0)
            self.seen.outputTokens =
                (usage.number("candidatesTokenCount") ?? 0) + (usage.number("thoughtsTokenCount") ?? 0)
            self.seen.cachedTokens = usage.number("cachedContentTokenCount")
        }

        mutating func end() {
            self.seen.turn = [["role": "model", "parts": self.parts]]
            let filters: Set<String> = [
                "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR",
                "BLOCKED", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
            ]
            self.seen.stop =
                if self.blocked || filters.contains(self.word ?? "") {
                    .refused
                } else if self.word == "MAX_TOKENS" {
                    .length
                } else {
                    self.seen.calls.isEmpty ? .end : .calls
                }
        }
    }

    // MARK: Requests

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        let system = (body.any("systemInstruction", "system_instruction") as? [String: Any]) ?? [:]
        for part in system.list("parts") { said.add(part.text("text"), "system") }
        for tool in body.list("tools") {
            for function in tool.any("functionDeclarations", "function_declarations") as? [[String: Any]] ?? [] {
                said.tools[function.text("name")] = PlainConversation.schema(
                    function.any("parametersJsonSchema", "parameters_json_schema", "parameters"))
            }
        }
        var names: [String] = []
        for content in body.list("contents") {
            for part in content.list("parts") { self.read(part, content.text("role"), &said, &names) }
        }
        said.settleResults(names: names)
        return said
    }

    private static func read(
        _ part: [String: Any], _ role: String, _ said: inout PlainConversation, _ names: inout [String]
    ) {
        if let proof = part.any("thoughtSignature", "thought_signature") as? String { said.signatures.append(proof) }
        if part["thought"] as? Bool != true { said.add(part.text("text"), role) }
        if let data = part.any("inlineData", "inline_data") as? [String: Any] {
            let type = data.any("mimeType", "mime_type") as? String ?? ""
            // Both alphabets of base64 are good here.
            let bytes = data.text("data").replacingOccurrences(of: "-", with: "+").replacingOccurrences(
                of: "_", with: "/")
            said.addMedia(base64: bytes, type: type, role)
        }
        if let file = part.any("fileData", "file_data") as? [String: Any] {
            said.media.append(file.any("fileUri", "file_uri") as? String ?? "")
        }
        if let call = part.any("functionCall", "function_call") as? [String: Any] {
            said.addCall(.init(id: call.text("id"), name: call.text("name"), value: call["args"]))
        }
        if let result = part.any("functionResponse", "function_response") as? [String: Any] {
            names.append(result.text("name"))
            said.addResult(result.text("id"), result["response"])
            for inner in result.list("parts") {
                said.hasMediaResults = true
                self.read(inner, "user", &said, &names)
            }
        }
    }

    private static let okayText =
        #"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"ok"}]},"finishReason":"STOP"}],"#
        + #""usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2},"modelVersion":"m"}"#

    static var okay: [String: Any] { JSON.object(self.okayText) ?? [:] }
    static var okayStream: Data { Data("data: \(self.okayText)\r\n\r\n".utf8) }
}

/// Arguments that Gemini streams as values under JSON paths (`partialArgs`).
struct GeminiArguments {
    private enum Step { case key(String), index(Int) }

    private(set) var value: Any = [:]

    mutating func add(_ piece: [String: Any]) {
        let steps = Self.steps(piece.text("jsonPath"))
        let new: Any =
            piece["stringValue"] ?? piece["numberValue"] ?? piece["boolValue"] ?? NSNull()
        self.value = Self.put(new, at: steps[...], in: self.value)
    }

    /// `$.a.b[0]` and `$['a']`.
    private static func steps(_ path: String) -> [Step] {
        path.matches(of: /\.([^.\[\]]+)|\['([^']*)'\]|\[(\d+)\]/).compactMap { match in
            if let key = match.output.1 ?? match.output.2 { return .key(String(key)) }
            return match.output.3.flatMap { Int($0) }.map { .index($0) }
        }
    }

    private static func put(_ new: Any, at steps: ArraySlice<Step>, in old: Any?) -> Any {
        guard let step = steps.first else {
            if let new = new as? String { return (old as? String ?? "") + new }
            return new
        }
        switch step {
        case .key(let key):
            var object = old as? [String: Any] ?? [:]
            object[key] = self.put(new, at: steps.dropFirst(), in: object[key])
            return object
        case .index(let index):
            var list = old as? [Any] ?? []
            while list.count <= index { list.append(NSNull()) }
            let inner = list[index] is NSNull ? nil : list[index]
            list[index] = self.put(new, at: steps.dropFirst(), in: inner)
            return list
        }
    }
}
