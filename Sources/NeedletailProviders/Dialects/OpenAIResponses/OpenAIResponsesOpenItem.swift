import NIOCore
import NeedletailCore

/// Writes numbered events.
struct OpenAIResponsesEventWriter {
    private var number = 0
    private var head = OpenAIResponsesDeltaHead()

    /// Appends an event; `body` adds the members after its type.
    mutating func write(_ name: StaticString, _ out: inout ByteBuffer, _ body: (inout JSONWriter) -> Void) {
        out.writeStaticString("event: ")
        out.writeStaticString(name)
        out.writeStaticString("\ndata: ")
        JSONWriter.append(to: &out, isOneLine: false) { json in
            json.beginObject()
            json.key("type")
            json.string(name)
            json.member("sequence_number", self.number)
            body(&json)
            json.endObject()
        }
        out.writeStaticString("\n\n")
        self.number += 1
    }

    mutating func itemAdded(_ item: JSONText, _ index: Int, _ out: inout ByteBuffer) {
        self.write("response.output_item.added", &out) { json in
            json.member("output_index", index)
            json.member("item", item)
        }
    }

    mutating func itemDone(_ item: JSONText, _ index: Int, _ out: inout ByteBuffer) {
        self.write("response.output_item.done", &out) { json in
            json.member("output_index", index)
            json.member("item", item)
        }
    }

    /// An event about a piece of an item; `part` is the member that numbers its parts.
    mutating func piece(
        _ name: StaticString, _ id: String, _ index: Int, _ part: (StaticString, Int)?, _ out: inout ByteBuffer,
        _ body: (inout JSONWriter) -> Void
    ) {
        self.write(name, &out) { json in
            json.member("item_id", id)
            json.member("output_index", index)
            if let part { json.member(part.0, part.1) }
            body(&json)
        }
    }

    /// An event that brings more text to part number `part` of the item at `index`.
    mutating func delta(
        _ kind: OpenAIResponsesDelta, _ text: String, of id: String, _ index: Int, part: Int = 0,
        _ out: inout ByteBuffer
    ) {
        self.head.prepare(kind, of: id, index, part: part)
        out.writeImmutableBuffer(self.head.start)
        JSONWriter.append(to: &out, isOneLine: false) { $0.int(self.number) }
        out.writeImmutableBuffer(self.head.end)
        JSONWriter.append(to: &out, isOneLine: false) { $0.string(text) }
        out.writeStaticString(kind == .text ? ",\"logprobs\":[]}\n\n" : "}\n\n")
        self.number += 1
    }

    /// JSON without line breaks, which would end the data of an event. Inside its strings they are escaped, so that all
    /// there are stand between its tokens.
    static func onOneLine(_ text: JSONText) -> JSONText {
        let bytes = text.bytes.readableBytesView
        guard bytes.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return text }
        return JSONText(unchecked: ByteBuffer(bytes: bytes.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }))
    }

    static func text(_ body: (inout JSONWriter) -> Void) -> JSONText {
        var json = JSONWriter()
        body(&json)
        return JSONText(unchecked: json.bytes)
    }
}

/// The item that a stream's encoder is sending, if it is no call.
enum OpenAIResponsesOpenItem {
    case message(OpenAIResponsesOpenMessage)
    case reasoning(OpenAIResponsesOpenReasoning)
}

/// A message while it is sent.
struct OpenAIResponsesOpenMessage {
    let index: Int
    let id: String
    private var parts: [OpenAIResponsesMessagePart] = []
    private var isPartOpen = false
    /// Scalars of text in the message, and how many of them stand before the part in progress: citations count them.
    private(set) var textLength = 0
    private(set) var textStart = 0

    init(index: Int, id: String) {
        self.index = index
        self.id = id
    }

    private var place: (StaticString, Int) { ("content_index", self.parts.count - 1) }

    var hasOpenText: Bool { self.isPartOpen && self.parts.last?.isRefusal == false }

    func begin(_ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer) {
        let item = OpenAIResponsesEventWriter.text {
            OpenAIResponsesItemWriting.message([], id: self.id, status: "in_progress", into: &$0)
        }
        events.itemAdded(item, self.index, &out)
    }

    private mutating func beginPart(
        isRefusal: Bool, _ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer
    ) {
        self.endPart(&events, &out)
        let part = OpenAIResponsesMessagePart(isRefusal: isRefusal)
        self.parts.append(part)
        self.isPartOpen = true
        self.textStart = self.textLength
        events.piece("response.content_part.added", self.id, self.index, self.place, &out) { json in
            json.key("part")
            OpenAIResponsesItemWriting.part(part, into: &json)
        }
    }

    mutating func speak(
        _ text: String, isRefusal: Bool, _ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer
    ) {
        if !self.isPartOpen || self.parts.last?.isRefusal != isRefusal {
            self.beginPart(isRefusal: isRefusal, &events, &out)
        }
        self.parts[self.parts.count - 1].text += text
        if !isRefusal { self.textLength += text.scalarCount }
        events.delta(
            isRefusal ? .refusal : .text, text, of: self.id, self.index, part: self.parts.count - 1, &out)
    }

    /// Sends log probabilities of text that has gone before them.
    mutating func weigh(
        _ logprobs: [JSONText], _ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer
    ) {
        self.parts[self.parts.count - 1].logprobs += logprobs
        events.piece("response.output_text.delta", self.id, self.index, self.place, &out) { json in
            json.member("delta", "")
            json.key("logprobs")
            OpenAIResponsesItemWriting.list(logprobs, into: &json)
        }
    }

    mutating func annotate(
        _ annotation: JSONText, _ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer
    ) {
        if !self.hasOpenText { self.beginPart(isRefusal: false, &events, &out) }
        let last = self.parts.count - 1
        self.parts[last].annotations.append(annotation)
        let number = self.parts[last].annotations.count - 1
        events.piece("response.output_text.annotation.added", self.id, self.index, self.place, &out) { json in
            json.member("annotation_index", number)
            json.member("annotation", annotation)
        }
    }

    mutating func endPart(_ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer) {
        guard self.isPartOpen, let part = self.parts.last else { return }
        self.isPartOpen = false
        let name: StaticString = part.isRefusal ? "response.refusal.done" : "response.output_text.done"
        events.piece(name, self.id, self.index, self.place, &out) { json in
            guard !part.isRefusal else { return json.member("refusal", part.text) }
            json.member("text", part.text)
            json.key("logprobs")
            OpenAIResponsesItemWriting.list(part.logprobs, into: &json)
        }
        events.piece("response.content_part.done", self.id, self.index, self.place, &out) { json in
            json.key("part")
            OpenAIResponsesItemWriting.part(part, into: &json)
        }
    }

    mutating func end(
        _ status: String, _ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer
    ) -> JSONText {
        self.endPart(&events, &out)
        let item = OpenAIResponsesEventWriter.text {
            OpenAIResponsesItemWriting.message(self.parts, id: self.id, status: status, into: &$0)
        }
        events.itemDone(item, self.index, &out)
        return item
    }
}

/// An item of reasoning while it is sent.
struct OpenAIResponsesOpenReasoning {
    let index: Int
    let id: String
    /// What only its provider reads.
    var state: String?
    /// Whether there is no text to it, by design.
    var isRedacted = false
    private var texts: [String] = []
    private var isPartOpen = false

    init(index: Int, id: String) {
        self.index = index
        self.id = id
    }

    private var place: (StaticString, Int) { ("summary_index", self.texts.count - 1) }

    func begin(_ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer) {
        let item = OpenAIResponsesEventWriter.text {
            OpenAIResponsesItemWriting.reasoning([], state: nil, id: self.id, into: &$0)
        }
        events.itemAdded(item, self.index, &out)
    }

    private mutating func beginPart(_ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer) {
        self.texts.append("")
        self.isPartOpen = true
        events.piece("response.reasoning_summary_part.added", self.id, self.index, self.place, &out) { json in
            json.key("part")
            OpenAIResponsesItemWriting.summary("", into: &json)
        }
    }

    mutating func think(
        _ text: String, _ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer
    ) {
        if !self.isPartOpen { self.beginPart(&events, &out) }
        self.texts[self.texts.count - 1] += text
        events.delta(.summary, text, of: self.id, self.index, part: self.texts.count - 1, &out)
    }

    mutating func endPart(_ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer) {
        guard self.isPartOpen, let text = self.texts.last else { return }
        self.isPartOpen = false
        events.piece("response.reasoning_summary_text.done", self.id, self.index, self.place, &out) { json in
            json.member("text", text)
        }
        events.piece("response.reasoning_summary_part.done", self.id, self.index, self.place, &out) { json in
            json.key("part")
            OpenAIResponsesItemWriting.summary(text, into: &json)
        }
    }

    mutating func end(_ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer) -> JSONText {
        // A signature without text is of another kind than reasoning that is hidden altogether: an empty text tells them
        // apart when they come back.
        if self.texts.isEmpty, self.state != nil, !self.isRedacted { self.beginPart(&events, &out) }
        self.endPart(&events, &out)
        let item = OpenAIResponsesEventWriter.text {
            OpenAIResponsesItemWriting.reasoning(self.texts, state: self.state, id: self.id, into: &$0)
        }
        events.itemDone(item, self.index, &out)
        return item
    }
}

/// A call while it is sent.
struct OpenAIResponsesOpenCall {
    /// Its number among the calls of the upstream.
    let number: Int
    let index: Int
    let id: String
    private var call: ToolCall
    private var progress = JSONObjectProgress()

    init(number: Int, index: Int, id: String, call: ToolCall) {
        self.number = number
        self.index = index
        self.id = id
        self.call = call
    }

    /// Whether its arguments are one whole JSON object. Free text has no end of its own.
    var isWhole: Bool { !self.call.isCustom && self.progress.isComplete }

    func begin(_ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer) {
        let item = OpenAIResponsesEventWriter.text { json in
            json.beginObject()
            json.member("id", self.id)
            json.member("type", self.call.isCustom ? "custom_tool_call" : "function_call")
            json.member("status", "in_progress")
            json.member("call_id", self.call.id)
            json.member("name", self.call.name)
            json.member(self.call.isCustom ? "input" : "arguments", "")
            json.endObject()
        }
        events.itemAdded(item, self.index, &out)
    }

    mutating func extend(
        _ fragment: String, _ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer
    ) {
        self.call.arguments += fragment
        if !self.call.isCustom { self.progress.take(fragment) }
        events.delta(self.call.isCustom ? .input : .arguments, fragment, of: self.id, self.index, &out)
    }

    mutating func end(_ events: inout OpenAIResponsesEventWriter, _ out: inout ByteBuffer) -> JSONText {
        if self.call.arguments.isEmpty, !self.call.isCustom { self.extend("{}", &events, &out) }
        let call = self.call
        if call.isCustom {
            events.piece("response.custom_tool_call_input.done", self.id, self.index, nil, &out) { json in
                json.member("input", call.arguments)
            }
        } else {
            events.piece("response.function_call_arguments.done", self.id, self.index, nil, &out) { json in
                json.member("name", call.name)
                json.member("arguments", call.arguments)
            }
        }
        let item = OpenAIResponsesEventWriter.text {
            OpenAIResponsesItemWriting.call(call, id: self.id, status: "completed", into: &$0)
        }
        events.itemDone(item, self.index, &out)
        return item
    }
}
