import NIOCore
import NeedletailCore

/// Writes a client's stream.
///
/// Each choice begins with a chunk that holds its role. The usage chunk comes last, and only for a client that asked
/// for it. A refusal that arrives as a mere stop reason, after text has been sent, ends with `content_filter`: the text
/// cannot be taken back into `refusal`.
struct OpenAIChatStreamEncoder: StreamEncoder {
    private struct Choice {
        var index: Int
        var calls: [Int: Bool] = [:]  // whether the call has arguments
        var customCalls: Set<Int> = []
        var hasRefusal = false
        /// Of the reasoning block in progress; its signature is sent with it.
        var reasoning = ""
        /// A signature that stands alone; it is the call's if one comes next.
        var signature: String?
        /// How many entries of these lists have been sent.
        var blockCount = 0
        var annotationCount = 0
        var imageCount = 0
        /// Scalars of text sent, and how many of them before the part in progress: citations count them.
        var textLength = 0
        var partStart = 0
    }

    private let options: StreamEncoderOptions
    private var choices: [Choice] = []
    private var usage: Usage?
    /// All of a chunk up to the index of its choice.
    private var head = ByteBuffer()
    /// All of a chunk after its choice.
    private var tail = ByteBuffer()
    private(set) var losses: [Loss] = []

    init(_ options: StreamEncoderOptions) {
        self.options = options
        self.prepare(StreamStart(id: "", model: ""))
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.options.source), reason)
    }

    /// Writes down once what every chunk begins and ends with.
    private mutating func prepare(_ start: StreamStart) {
        var json = JSONWriter(appendingTo: ByteBuffer(string: "data: "))
        json.isOneLine = true
        json.beginObject()
        json.member("id", start.id.isEmpty ? self.options.replyID : start.id)
        json.member("object", "chat.completion.chunk")
        json.key("created")
        json.int(start.created ?? self.options.created)
        json.member("model", start.model.isEmpty ? self.options.model : start.model)
        json.member("service_tier", start.serviceTier)
        json.member("system_fingerprint", start.systemFingerprint)
        json.key("choices")
        json.beginArray()
        self.head = json.bytes
        self.tail = ByteBuffer(string: self.options.includesUsage ? "],\"usage\":null}\n\n" : "]}\n\n")
    }

    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer) {
        self.flushSignatures(before: event, into: &out)
        switch (copy event).showing(imagesIn: .openAIChat) {
        case .started(let start):
            var start = start
            let tier = ServiceTier.said(start.serviceTier, from: self.options.source, to: .openAIChat)
            if tier.isLost { self.lose(.replyServiceTier, "OpenAI has no such tier") }
            start.serviceTier = tier.word
            self.prepare(start)
            _ = self.place(0, into: &out)
        case .text(let text, let choice):
            let place = self.place(choice, into: &out)
            self.choices[place].textLength += text.scalarCount
            self.delta(choice, into: &out) { $0.member("content", text) }
        case .citation(let citation, let dialect, let choice):
            self.citation(citation, dialect, self.place(choice, into: &out), into: &out)
        case .refusal(let text, let choice):
            let place = self.place(choice, into: &out)
            self.choices[place].hasRefusal = true
            self.delta(choice, into: &out) { $0.member("refusal", text) }
        case .reasoning(let text, let choice):
            let place = self.place(choice, into: &out)
            self.choices[place].reasoning += text
            self.delta(choice, into: &out) { $0.member("reasoning_content", text) }
        case .reasoningSignature(let signature, let choice):
            let place = self.place(choice, into: &out)
            guard !self.choices[place].reasoning.isEmpty || self.options.usesLegacyFunctions else {
                self.choices[place].signature = signature
                return
            }
            let part = ReasoningPart(self.choices[place].reasoning, signature: signature)
            self.choices[place].reasoning = ""
            self.block(place, into: &out) { OpenAIChatMessageWriting.thinkingBlock(part, index: $0, into: &$1) }
        case .redactedReasoning(let data, let choice):
            let place = self.place(choice, into: &out)
            self.block(place, into: &out) { OpenAIChatMessageWriting.redactedBlock(data, index: $0, into: &$1) }
        case .toolCallStarted(let index, let id, let name, let isCustom, let choice):
            self.startCall(index, id, name, isCustom, choice, into: &out)
        case .toolCallArguments(let index, let fragment, let choice):
            guard !fragment.isEmpty else { return }
            let place = self.place(choice, into: &out)
            self.choices[place].calls[index] = true
            self.fragment(index, fragment, place, into: &out)
        case .blockEnded(let choice):
            let place = self.place(choice, into: &out)
            self.choices[place].partStart = self.choices[place].textLength
            self.choices[place].reasoning = ""
        case .opaque(let part, let choice):
            if let sound = part.sound {
                _ = self.place(choice, into: &out)
                self.delta(choice, into: &out) { json in
                    json.key("audio")
                    json.beginObject()
                    json.member("data", sound.data)
                    json.endObject()
                }
                return
            }
            self.lose(.replyOpaque, "a part that only its own dialect knows: \(part.type)")
        case .audio(let audio, let choice):
            _ = self.place(choice, into: &out)
            self.delta(choice, into: &out) { $0.member("audio", audio) }
        case .image(let part, let choice): self.image(part, self.place(choice, into: &out), into: &out)
        case .logprobs(let logprobs, let choice):
            _ = self.place(choice, into: &out)
            self.chunk(choice, logprobs: logprobs, finish: nil, into: &out) { _ in }
        case .finished(let reason, let sequence, let choice):
            if sequence != nil { self.lose(.stopSequence, "chat completions do not name the stop sequence") }
            self.end(reason, self.place(choice, into: &out), into: &out)
        case .usage(let usage):
            self.usage = usage
            self.losses.addCounters(of: usage, self.options.source)
        }
    }

    /// Sends signatures that wait and turn out to be no call's.
    private mutating func flushSignatures(before event: borrowing ChatEvent, into out: inout ByteBuffer) {
        guard self.choices.contains(where: { $0.signature != nil }) else { return }
        if case .toolCallStarted = copy event { return }
        for place in self.choices.indices {
            guard let signature = self.choices[place].signature.take() else { continue }
            self.block(place, into: &out) {
                OpenAIChatMessageWriting.thinkingBlock(ReasoningPart("", signature: signature), index: $0, into: &$1)
            }
        }
    }

    mutating func finish(into out: inout ByteBuffer) {
        if self.options.includesUsage, let usage = self.usage {
            out.writeImmutableBuffer(self.head)
            out.writeStaticString("],\"usage\":")
            JSONWriter.append(to: &out, isOneLine: true) {
                OpenAIChat.writeUsage(usage, extensions: false, into: &$0)
            }
            out.writeStaticString("}\n\n")
        }
        out.writeStaticString("data: [DONE]\n\n")
    }

    // MARK: Chunks

    /// The place of a choice, which begins with its role if it is new.
    private mutating func place(_ index: Int, into out: inout ByteBuffer) -> Int {
        if let place = self.choices.firstIndex(where: { $0.index == index }) { return place }
        self.choices.append(Choice(index: index))
        self.delta(index, into: &out) { json in
            json.member("role", "assistant")
            json.member("content", "")
        }
        return self.choices.count - 1
    }

    private func delta(_ choice: Int, into out: inout ByteBuffer, _ body: (inout JSONWriter) -> Void) {
        self.chunk(choice, logprobs: nil, finish: nil, into: &out, body)
    }

    private func chunk(
        _ choice: Int,
        logprobs: JSONText?,
        finish: String?,
        into out: inout ByteBuffer,
        _ body: (inout JSONWriter) -> Void
    ) {
        out.writeImmutableBuffer(self.head)
        JSONWriter.append(to: &out, isOneLine: true) { json in
            json.beginObject()
            json.member("index", choice)
            json.key("delta")
            json.beginObject()
            body(&json)
            json.endObject()
            json.key("logprobs")
            if let logprobs { json.raw(logprobs) } else { json.null() }
            json.key("finish_reason")
            if let finish { json.string(finish) } else { json.null() }
            json.endObject()
        }
        out.writeImmutableBuffer(self.tail)
    }

    private mutating func block(_ place: Int, into out: inout ByteBuffer, _ body: (Int, inout JSONWriter) -> Void) {
        let choice = self.choices[place]
        self.choices[place].blockCount += 1
        self.delta(choice.index, into: &out) { json in
            json.key("thinking_blocks")
            json.beginArray()
            body(choice.blockCount, &json)
            json.endArray()
        }
    }

    private mutating func image(_ image: ImagePart, _ place: Int, into out: inout ByteBuffer) {
        var list = JSONWriter()
        list.beginArray()
        guard OpenAIChatContent.write(image, index: self.choices[place].imageCount, into: &list) else {
            return self.lose(.replyImage, "an image is a data URL or any other")
        }
        list.endArray()
        self.choices[place].imageCount += 1
        self.delta(self.choices[place].index, into: &out) { $0.member("images", JSONText(unchecked: list.bytes)) }
    }

    private mutating func citation(
        _ citation: JSONText,
        _ dialect: DialectID,
        _ place: Int,
        into out: inout ByteBuffer
    ) {
        let choice = self.choices[place]
        var annotation: JSONText? = citation
        if dialect != .openAIChat {
            annotation = (try? citation.view()).flatMap {
                WebCitation($0, dialect, start: choice.partStart, end: choice.textLength)?.chatAnnotation
            }
        }
        guard let annotation else {
            self.lose(.replyCitations, "annotations cite web pages only")
            return
        }
        self.choices[place].annotationCount += 1
        self.delta(choice.index, into: &out) { json in
            json.key("annotations")
            json.beginArray()
            json.beginObject()
            json.member("index", choice.annotationCount)
            if let view = try? annotation.view() {
                for member in view.members where !member.hasKey("index") {
                    json.key(member.key)
                    json.raw(member.value.text)
                }
            }
            json.endObject()
            json.endArray()
        }
    }

    // MARK: Calls and ends

    private mutating func startCall(
        _ index: Int,
        _ id: String,
        _ name: String,
        _ isCustom: Bool,
        _ choice: Int,
        into out: inout ByteBuffer
    ) {
        let place = self.place(choice, into: &out)
        self.choices[place].calls[index] = false
        if isCustom { self.choices[place].customCalls.insert(index) }
        if self.options.usesLegacyFunctions {
            guard index == 0 else {
                self.lose(.legacyFunctions, "a function_call is one call")
                return
            }
            self.delta(choice, into: &out) { json in
                json.key("function_call")
                json.beginObject()
                json.member("name", name)
                json.member("arguments", "")
                json.endObject()
            }
            return
        }
        let signature = self.choices[place].signature.take()
        self.delta(choice, into: &out) { json in
            json.key("tool_calls")
            json.beginArray()
            json.beginObject()
            json.member("index", index)
            json.member("id", id)
            json.member("type", isCustom ? "custom" : "function")
            json.key(isCustom ? "custom" : "function")
            json.beginObject()
            json.member("name", name)
            json.member(isCustom ? "input" : "arguments", "")
            json.endObject()
            OpenAIChatCallSignature.write(signature, into: &json)
            json.endObject()
            json.endArray()
        }
    }

    private func fragment(_ index: Int, _ fragment: String, _ place: Int, into out: inout ByteBuffer) {
        let choice = self.choices[place]
        if self.options.usesLegacyFunctions {
            guard index == 0 else { return }
            self.delta(choice.index, into: &out) { json in
                json.key("function_call")
                json.beginObject()
                json.member("arguments", fragment)
                json.endObject()
            }
            return
        }
        let isCustom = choice.customCalls.contains(index)
        self.delta(choice.index, into: &out) { json in
            json.key("tool_calls")
            json.beginArray()
            json.beginObject()
            json.member("index", index)
            json.key(isCustom ? "custom" : "function")
            json.beginObject()
            json.member(isCustom ? "input" : "arguments", fragment)
            json.endObject()
            json.endObject()
            json.endArray()
        }
    }

    private mutating func end(_ reason: StopReason, _ place: Int, into out: inout ByteBuffer) {
        let choice = self.choices[place]
        for (index, hasArguments) in choice.calls.sorted(by: { $0.key < $1.key })
        where !hasArguments && !choice.customCalls.contains(index) {
            self.fragment(index, "{}", place, into: &out)
        }
        let finish = OpenAIChat.finishReason(
            reason, hasCalls: !choice.calls.isEmpty, legacy: self.options.usesLegacyFunctions)
        if finish.isLossy { self.lose(.stopReason, "chat completions have no such finish_reason") }
        if reason == .refusal, !choice.hasRefusal, choice.textLength == 0 {
            self.choices[place].hasRefusal = true
            self.delta(choice.index, into: &out) { $0.member("refusal", OpenAIChat.wordlessRefusal) }
        }
        let word = reason == .refusal && !self.choices[place].hasRefusal ? "content_filter" : finish.word
        self.chunk(choice.index, logprobs: nil, finish: word, into: &out) { _ in }
    }
}
