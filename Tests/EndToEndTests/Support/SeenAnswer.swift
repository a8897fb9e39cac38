import NIOCore
import NeedletailCore

/// What a client of a dialect takes from a stream, read by hand: no decoder of ours has a say in it.
struct SeenAnswer {
    var text = ""
    var reasoning = ""
    /// Name and arguments of every call, in the order in which they began.
    var calls: [(name: String, arguments: String)] = []
    /// How often the answer began, ended, and failed.
    var starts = 0
    var ends = 0
    var errors = 0
    /// Input and output tokens as last told.
    var usage: (Int, Int)?
    /// What does not fit together.
    var faults: [String] = []
    private var ids: Set<String> = []
    private var blocks: [Int: String] = [:]
    private var sequence = -1

    init(_ body: String, _ dialect: DialectID) {
        for block in body.replacing("\r\n", with: "\n").split(separator: "\n\n") {
            var data = ""
            for line in block.split(separator: "\n") where line.hasPrefix("data:") {
                data += line.dropFirst(5).drop { $0 == " " }
            }
            guard !data.isEmpty else { continue }
            if data == "[DONE]" {
                self.ends += 1
                continue
            }
            guard let root = try? JSONDocument(ByteBuffer(string: data)).root else {
                self.faults.append("no JSON: \(data)")
                continue
            }
            // A response that failed is told twice: by the error and by its own last event.
            let isSecond = self.errors == 1 && root["type"]?.string == "response.failed"
            if self.errors + self.ends > 0, dialect != .gemini, !isSecond {
                self.faults.append("after the end: \(data)")
            }
            switch dialect {
            case .openAIChat: self.chat(root)
            case .anthropicMessages: self.messages(root)
            case .openAIResponses: self.responses(root)
            default: self.gemini(root)
            }
        }
        if self.ids.count > 1 { self.faults.append("ids \(self.ids.sorted())") }
    }

    private mutating func chat(_ root: JSONView) {
        guard root.present("error") == nil else { return self.errors += 1 }
        if let id = root.present("id")?.string { self.ids.insert(id) }
        if let usage = root.present("usage") {
            self.usage = (usage["prompt_tokens"]?.int ?? 0, usage["completion_tokens"]?.int ?? 0)
        }
        guard let delta = root["choices"]?.elements.first(where: { _ in true })?["delta"] else { return }
        if delta.present("role") != nil { self.starts += 1 }
        self.text += delta.present("content")?.string ?? ""
        self.reasoning += delta.present("reasoning_content")?.string ?? ""
        guard let calls = delta.present("tool_calls") else { return }
        for call in calls.elements {
            if let name = call["function"]?.present("name")?.string { self.calls.append((name, "")) }
            guard let index = call["index"]?.int, index < self.calls.count else {
                self.faults.append("a fragment of no call")
                continue
            }
            self.calls[index].arguments += call["function"]?.present("arguments")?.string ?? ""
        }
    }

    private mutating func messages(_ root: JSONView) {
        let index = root.present("index")?.int ?? -1
        switch root["type"]?.string {
        case "message_start": self.starts += 1
        case "message_stop": self.ends += 1
        case "error": self.errors += 1
        case "message_delta":
            let usage = root.present("usage")
            self.usage = (usage?["input_tokens"]?.int ?? -1, usage?["output_tokens"]?.int ?? 0)
        case "content_block_start":
            if self.blocks[index] != nil || index != self.blocks.count { self.faults.append("block \(index) begins") }
            self.blocks[index] = "open"
            if root["content_block"]?["type"]?.string == "tool_use" {
                self.calls.append((root["content_block"]?["name"]?.string ?? "", ""))
            }
        case "content_block_stop":
            if self.blocks[index] != "open" { self.faults.append("block \(index) ends") }
            self.blocks[index] = "ended"
        case "content_block_delta":
            if self.blocks[index] != "open" { self.faults.append("a delta of block \(index)") }
            let delta = root["delta"]
            self.text += delta?.present("text")?.string ?? ""
            self.reasoning += delta?.present("thinking")?.string ?? ""
            if let json = delta?.present("partial_json")?.string { self.calls[self.calls.count - 1].arguments += json }
        default: break
        }
    }

    private mutating func responses(_ root: JSONView) {
        if let number = root.present("sequence_number")?.int {
            if number != self.sequence + 1 { self.faults.append("event \(number) after \(self.sequence)") }
            self.sequence = number
        }
        if root["type"]?.string != "response.failed", let id = root.present("response")?.present("id")?.string {
            self.ids.insert(id)
        }
        switch root["type"]?.string {
        case "response.created": self.starts += 1
        case "response.completed":
            self.ends += 1
            let usage = root["response"]?.present("usage")
            self.usage = (usage?["input_tokens"]?.int ?? 0, usage?["output_tokens"]?.int ?? 0)
            var whole = ""
            if let output = root["response"]?["output"] {
                for item in output.elements where item["type"]?.string == "message" {
                    for part in item["content"]?.elements ?? output.elements { whole += part["text"]?.string ?? "" }
                }
            }
            if whole != self.text { self.faults.append("the last event says '\(whole)'") }
        case "error", "response.failed": self.errors = 1
        case "response.output_text.delta": self.text += root["delta"]?.string ?? ""
        case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
            self.reasoning += root["delta"]?.string ?? ""
        case "response.output_item.added":
            if root["item"]?["type"]?.string == "function_call" {
                self.calls.append((root["item"]?["name"]?.string ?? "", ""))
            }
        case "response.function_call_arguments.delta":
            self.calls[self.calls.count - 1].arguments += root["delta"]?.string ?? ""
        default: break
        }
    }

    private mutating func gemini(_ root: JSONView) {
        guard root.present("error") == nil else { return self.errors += 1 }
        self.starts = 1
        if let id = root.present("responseId")?.string { self.ids.insert(id) }
        if let usage = root.present("usageMetadata") {
            self.usage = (usage["promptTokenCount"]?.int ?? 0, usage["candidatesTokenCount"]?.int ?? 0)
        }
        guard let candidate = root["candidates"]?.elements.first(where: { _ in true }) else { return }
        if candidate.present("finishReason") != nil { self.ends += 1 }
        guard let parts = candidate["content"]?.present("parts") else { return }
        for part in parts.elements {
            if let call = part.present("functionCall") {
                self.calls.append((call["name"]?.string ?? "", call["args"]?.text.description ?? ""))
            }
            let text = part.present("text")?.string ?? ""
            if part.present("thought")?.bool == true { self.reasoning += text } else { self.text += text }
        }
    }
}
