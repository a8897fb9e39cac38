import NIOCore
import NeedletailCore

/// Writes a client's stream.
///
/// A call is one part, so it waits until it is whole. Finish reasons wait for the end, since Google sends them with the
/// usage in the last chunk, and a signature waits for what comes next, since a call's is in the call's part.
struct GeminiStreamEncoder: StreamEncoder {
    private struct Call {
        var index: Int
        var call: ToolCall
        var signature: String?
    }

    private struct Choice {
        var index: Int
        var calls: [Call] = []
        var text = GeminiTextOffsets()
        /// Where the block in progress began, in scalars.
        var blockStart = 0
        /// Whether thoughts without a signature have been sent in the block in progress.
        var isThinking = false
        /// A signature that stands alone.
        var signature: String?
        var hasRefusal = false
        var stop: StopReason?
    }

    private let options: StreamEncoderOptions
    private var start = StreamStart(id: "", model: "")
    private var choices: [Choice] = []
    private var usage: Usage?
    /// When the reply began, where the provider says.
    private var createTime: String?
    /// All of a chunk after its candidates.
    private var tail = ByteBuffer()
    private(set) var losses: [Loss] = []

    init(_ options: StreamEncoderOptions) {
        self.options = options
        self.prepare()
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.options.source), reason)
    }

    private mutating func place(_ index: Int) -> Int {
        if let place = self.choices.firstIndex(where: { $0.index == index }) { return place }
        self.choices.append(Choice(index: index))
        return self.choices.count - 1
    }

    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer) {
        switch (copy event).showing(imagesIn: .gemini) {
        case .started(let start): self.begin(start)
        case .text(let text, let choice): self.text(text, self.place(choice), &out)
        case .citation(let citation, let dialect, let choice):
            self.citation(citation, dialect, self.place(choice), &out)
        case .refusal(let text, let choice):
            let place = self.place(choice)
            self.choices[place].hasRefusal = true
            self.lose(.replyRefusal, "A refusal was sent as text.")
            self.text(text, place, &out)
        case .reasoning(let text, let choice):
            guard !text.isEmpty else { return }
            let place = self.place(choice)
            self.flushSignature(place, &out)
            self.choices[place].isThinking = true
            self.part(place, &out) { GeminiReplyWriting.text(text, isThought: true, nil, &$0) }
        case .reasoningSignature(let signature, let choice):
            let place = self.place(choice)
            self.flushSignature(place, &out)
            guard self.choices[place].isThinking else {
                self.choices[place].signature = signature
                return
            }
            self.choices[place].isThinking = false
            self.part(place, &out) { GeminiReplyWriting.text("", isThought: true, signature, &$0) }
        case .redactedReasoning: self.lose(.replyRedacted, "Only its own provider can read it.")
        case .toolCallStarted(let index, let id, let name, let isCustom, let choice):
            let place = self.place(choice)
            self.choices[place].isThinking = false
            let call = ToolCall(id: id, name: name, arguments: "", isCustom: isCustom)
            self.choices[place].calls.append(
                Call(index: index, call: call, signature: self.choices[place].signature.take()))
        case .toolCallArguments(let index, let fragment, let choice):
            let place = self.place(choice)
            guard let call = self.choices[place].calls.lastIndex(where: { $0.index == index }) else { return }
            self.choices[place].calls[call].call.arguments += fragment
        case .blockEnded(let choice):
            let place = self.place(choice)
            self.choices[place].isThinking = false
            self.choices[place].blockStart = self.choices[place].text.count
        case .opaque(let part, let choice):
            guard part.dialect == .gemini else {
                self.lose(.replyOpaque, "A part of type \(part.type) has no counterpart.")
                return
            }
            let place = self.place(choice)
            self.part(place, &out) { $0.raw(part.json) }
        case .audio: self.lose(.replyAudio, "Sound comes whole or not at all.")
        case .image(let part, let choice):
            guard case .base64(let mediaType, let data) = part.source else {
                return self.lose(.replyImage, "An image that is somewhere else.")
            }
            let place = self.place(choice)
            self.flushSignature(place, &out)
            self.part(place, &out) { GeminiReplyWriting.inline(mediaType, data, &$0) }
        case .logprobs(let logprobs, let choice):
            let place = self.place(choice)
            self.chunk(place, &out) { GeminiLogprobs.write(logprobs, into: &$0) }
        case .finished(let reason, let sequence, let choice):
            let place = self.place(choice)
            self.choices[place].stop = reason
            if sequence != nil { self.lose(.stopSequence, "Google does not name the stop sequence.") }
            self.flushSignature(place, &out)
            self.sendCalls(place, &out)
        case .usage(let usage):
            self.usage = usage
            self.prepare()
            self.losses.addCounters(of: usage, self.options.source)
            for field in GeminiUsage.unspoken(of: usage) {
                self.lose(field, "This dialect does not count it by itself.")
            }
        }
    }

    mutating func finish(into out: inout ByteBuffer) {
        if self.choices.isEmpty { _ = self.place(0) }
        for place in self.choices.indices {
            self.flushSignature(place, &out)
            self.sendCalls(place, &out)
        }
        var candidates = JSONWriter()
        candidates.beginArray()
        for place in self.choices.indices { self.end(place, &candidates) }
        candidates.endArray()
        self.write(&out) { $0.member("candidates", JSONText(unchecked: candidates.bytes)) }
    }

    private mutating func begin(_ start: StreamStart) {
        self.start = start
        self.createTime = start.created.map(OllamaTime.text)
        if start.systemFingerprint != nil { self.lose(.systemFingerprint, "This dialect has no such field.") }
        let tier = ServiceTier.said(start.serviceTier, from: self.options.source, to: .gemini)
        if tier.isLost { self.lose(.replyServiceTier, "Google has no such tier.") }
        self.start.serviceTier = tier.word
        self.prepare()
    }

    private mutating func end(_ place: Int, _ json: inout JSONWriter) {
        let choice = self.choices[place]
        let finish = GeminiFinishReason.write(choice.stop, hasRefusal: choice.hasRefusal, isOwn: false)
        if finish.isLossy { self.lose(.stopReason, "Google has no such reason.") }
        json.beginObject()
        json.key("content")
        json.beginObject()
        json.key("parts")
        json.beginArray()
        GeminiReplyWriting.text("", isThought: false, nil, &json)
        json.endArray()
        json.member("role", "model")
        json.endObject()
        json.member("finishReason", finish.word)
        json.member("index", choice.index)
        json.endObject()
    }

    // MARK: Parts

    private mutating func text(_ text: String, _ place: Int, _ out: inout ByteBuffer) {
        guard !text.isEmpty else { return }
        self.flushSignature(place, &out)
        self.choices[place].isThinking = false
        self.choices[place].text.append(text)
        self.part(place, &out) { GeminiReplyWriting.text(text, isThought: false, nil, &$0) }
    }

    private mutating func flushSignature(_ place: Int, _ out: inout ByteBuffer) {
        guard let signature = self.choices[place].signature.take() else { return }
        self.part(place, &out) { GeminiReplyWriting.text("", isThought: false, signature, &$0) }
    }

    private mutating func sendCalls(_ place: Int, _ out: inout ByteBuffer) {
        let calls = self.choices[place].calls
        self.choices[place].calls = []
        for call in calls {
            if call.call.isCustom { self.lose(.replyOpaque, "A call with free text was sent as {\"input\": …}.") }
            if GeminiReplyWriting.arguments(call.call.arguments, isCustom: call.call.isCustom) == nil {
                self.lose(.replyToolArguments, "The arguments are no JSON object and were left out.")
            }
            self.part(place, &out) { GeminiReplyWriting.call(call.call, call.signature, &$0) }
        }
    }

    private mutating func citation(
        _ citation: JSONText, _ dialect: DialectID, _ place: Int, _ out: inout ByteBuffer
    ) {
        let choice = self.choices[place]
        let source = GeminiCitations.source(citation, dialect, text: choice.text, from: choice.blockStart)
        guard let source else {
            self.lose(.replyCitations, "Only pages are cited.")
            return
        }
        self.chunk(place, &out) { GeminiReplyWriting.citations([source], &$0) }
    }

    // MARK: Chunks

    private func part(_ place: Int, _ out: inout ByteBuffer, _ body: (inout JSONWriter) -> Void) {
        self.chunk(place, &out) { json in
            json.key("content")
            json.beginObject()
            json.key("parts")
            json.beginArray()
            body(&json)
            json.endArray()
            json.member("role", "model")
            json.endObject()
        }
    }

    /// Writes a chunk of one candidate.
    private func chunk(_ place: Int, _ out: inout ByteBuffer, _ body: (inout JSONWriter) -> Void) {
        let index = self.choices[place].index
        self.write(&out) { json in
            json.key("candidates")
            json.beginArray()
            json.beginObject()
            body(&json)
            json.member("index", index)
            json.endObject()
            json.endArray()
        }
    }

    /// - Parameter body: Writes the first members, at least one.
    private func write(_ out: inout ByteBuffer, _ body: (inout JSONWriter) -> Void) {
        out.writeStaticString("data: ")
        JSONWriter.append(to: &out, isOneLine: true) { json in
            json.beginObject()
            body(&json)
        }
        out.writeImmutableBuffer(self.tail)
    }

    /// Writes down what every chunk ends with until there is more to say of the reply.
    private mutating func prepare() {
        var json = JSONWriter()
        json.isOneLine = true
        json.beginObject()
        if let usage = self.usage {
            json.key("usageMetadata")
            GeminiUsage.write(usage, serviceTier: self.start.serviceTier, isOwn: false, into: &json)
        }
        json.member("modelVersion", self.start.model.isEmpty ? self.options.model : self.start.model)
        json.member("responseId", self.start.id.isEmpty ? self.options.replyID : self.start.id)
        json.member("createTime", self.createTime)
        json.endObject()
        // Members that others stand before have a comma for the brace.
        self.tail = json.bytes
        self.tail.setInteger(UInt8(ascii: ","), at: self.tail.readerIndex)
        self.tail.writeStaticString("\r\n\r\n")
    }
}
