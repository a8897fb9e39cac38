import NIOCore
import NeedletailCore

/// A stream of response events.
struct MockOpenAIResponsesStream: MockStreamWriter {
    private let answer: MockAnswer
    private var number = 0

    init(_ answer: MockAnswer) {
        self.answer = answer
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        switch piece {
        case .begin(let choice):
            guard choice == 0 else { return }
            self.lifecycle("response.created", "in_progress", into: &out)
            self.lifecycle("response.in_progress", "in_progress", into: &out)
        case .partBegin(let part, let index, let choice):
            if choice == 0 { self.begin(part, index, into: &out) }
        case .fragment(let text, let part, let index, _, _, let choice):
            if choice == 0 { self.fragment(text, part, index, into: &out) }
        case .partEnd(let part, let index, let choice):
            if choice == 0 { self.end(part, index, into: &out) }
        case .choiceEnd, .usage: break
        case .done:
            let status = MockOpenAIResponses.status(self.answer.choices.first?.stop ?? .end)
            self.lifecycle("response.\(status)", status, into: &out)
        }
    }

    private mutating func event(_ type: String, into out: inout ByteBuffer, _ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", type)
        json.member("sequence_number", self.number)
        body(&json)
        json.endObject()
        self.number += 1
        out.writeString("event: \(type)\ndata: ")
        out.writeImmutableBuffer(json.bytes)
        out.writeString("\n\n")
    }

    private mutating func lifecycle(_ type: String, _ status: String, into out: inout ByteBuffer) {
        let answer = self.answer
        let isOver = status != "in_progress"
        self.event(type, into: &out) { json in
            json.key("response")
            MockOpenAIResponses.envelope(answer, status: status, into: &json) { json in
                var whole = MockWhole()
                json.beginArray()
                for (index, part) in (isOver ? answer.choices.first?.parts ?? [] : []).enumerated() {
                    MockOpenAIResponses.item(part, index, answer, into: &json, &whole)
                }
                json.endArray()
            } usage: { json in
                if isOver { MockOpenAIResponses.usage(answer.usage, into: &json) } else { json.null() }
            }
        }
    }

    /// An event about the part of an item.
    private mutating func piece(
        _ type: String, _ part: MockAnswer.Part, _ index: Int, into out: inout ByteBuffer,
        _ body: (inout JSONWriter) -> Void
    ) {
        let id = MockOpenAIResponses.itemID(part, index, self.answer)
        self.event(type, into: &out) { json in
            json.member("item_id", id)
            json.member("output_index", index)
            switch part {
            case .text: json.member("content_index", 0)
            case .reasoning: json.member("summary_index", 0)
            case .toolCall: break
            }
            body(&json)
        }
    }

    private static func part(_ text: String, isSummary: Bool, into json: inout JSONWriter) {
        json.key("part")
        json.beginObject()
        json.member("type", isSummary ? "summary_text" : "output_text")
        if !isSummary {
            json.key("annotations")
            json.beginArray()
            json.endArray()
        }
        json.member("text", text)
        json.endObject()
    }

    private mutating func begin(_ part: MockAnswer.Part, _ index: Int, into out: inout ByteBuffer) {
        let id = MockOpenAIResponses.itemID(part, index, self.answer)
        self.event("response.output_item.added", into: &out) { json in
            json.member("output_index", index)
            json.key("item")
            json.beginObject()
            json.member("id", id)
            switch part {
            case .reasoning:
                json.member("type", "reasoning")
                json.key("summary")
                json.beginArray()
                json.endArray()
            case .text:
                json.member("type", "message")
                json.member("status", "in_progress")
                json.key("content")
                json.beginArray()
                json.endArray()
                json.member("role", "assistant")
            case .toolCall(let callID, let name, _, let isCustom):
                json.member("type", isCustom ? "custom_tool_call" : "function_call")
                json.member("status", "in_progress")
                json.member("call_id", "call_\(callID)")
                json.member("name", name)
                json.member(isCustom ? "input" : "arguments", "")
            }
            json.endObject()
        }
        switch part {
        case .text:
            self.piece("response.content_part.added", part, index, into: &out) {
                Self.part("", isSummary: false, into: &$0)
            }
        case .reasoning(_, _, false):
            self.piece("response.reasoning_summary_part.added", part, index, into: &out) {
                Self.part("", isSummary: true, into: &$0)
            }
        case .reasoning, .toolCall: break
        }
    }

    private mutating func fragment(
        _ text: String, _ part: MockAnswer.Part, _ index: Int, into out: inout ByteBuffer
    ) {
        let type: String
        switch part {
        case .text: type = "response.output_text.delta"
        case .reasoning(_, _, let isHidden):
            guard !isHidden else { return }
            type = "response.reasoning_summary_text.delta"
        case .toolCall(_, _, _, let isCustom):
            type = isCustom ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta"
        }
        self.piece(type, part, index, into: &out) { $0.member("delta", text) }
    }

    private mutating func end(_ part: MockAnswer.Part, _ index: Int, into out: inout ByteBuffer) {
        let text = part.text.string
        switch part {
        case .text:
            self.piece("response.output_text.done", part, index, into: &out) { $0.member("text", text) }
            self.piece("response.content_part.done", part, index, into: &out) {
                Self.part(text, isSummary: false, into: &$0)
            }
        case .reasoning(_, _, let isHidden):
            if !isHidden {
                self.piece("response.reasoning_summary_text.done", part, index, into: &out) {
                    $0.member("text", text)
                }
                self.piece("response.reasoning_summary_part.done", part, index, into: &out) {
                    Self.part(text, isSummary: true, into: &$0)
                }
            }
        case .toolCall(_, let name, _, let isCustom):
            if isCustom {
                self.piece("response.custom_tool_call_input.done", part, index, into: &out) {
                    $0.member("input", text)
                }
            } else {
                self.piece("response.function_call_arguments.done", part, index, into: &out) { json in
                    json.member("name", name)
                    json.member("arguments", text)
                }
            }
        }
        let answer = self.answer
        self.event("response.output_item.done", into: &out) { json in
            var whole = MockWhole()
            json.member("output_index", index)
            json.key("item")
            MockOpenAIResponses.item(part, index, answer, into: &json, &whole)
        }
    }
}
