import NIOCore
import NeedletailCore

/// Writes a client's stream.
///
/// Items are numbered in the order in which they begin. Text, refusals and reasoning are sent one after the other; calls
/// may be open beside each other, as their fragments come, and each ends when its arguments are whole or its block ends.
/// The last event repeats all items, so that a reply is kept until it is over.
struct OpenAIResponsesStreamEncoder: StreamEncoder {
    private let options: StreamEncoderOptions
    private(set) var losses: [Loss] = []
    private var events: OpenAIResponsesEventWriter
    private var envelope: OpenAIResponsesEnvelope?
    private var usage: Usage?
    private var stop: StopReason?
    private var hasText = false
    private var hasRefusal = false
    private var isFinished = false
    /// The item that is no call and still open.
    private var open: OpenAIResponsesOpenItem?
    private var calls: [OpenAIResponsesOpenCall] = []
    /// The finished items by their place in the output.
    private var output: [JSONText?] = []

    init(_ options: StreamEncoderOptions) {
        self.options = options
        self.events = OpenAIResponsesEventWriter()
    }

    private var isOwn: Bool { self.options.source == .openAIResponses }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.options.source), reason)
    }

    private mutating func isFirst(_ choice: Int) -> Bool {
        guard choice != 0 else { return true }
        self.lose(.replyChoices, "a response is one reply; the first was kept")
        return false
    }

    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        switch copy event {
        case .started(let start): self.begin(start, &out)
        case .usage(let usage):
            self.usage = usage
            if !self.isOwn { self.losses.addCounters(of: usage, self.options.source) }
            for field in OpenAIResponsesUsage.unspoken(of: usage) where !self.isOwn {
                self.lose(field, "responses do not count it")
            }
        case .finished(let reason, let sequence, let choice):
            guard self.isFirst(choice), self.stop == nil else { return }
            self.stop = reason
            if sequence != nil { self.lose(.stopSequence, "responses do not name the stop sequence") }
        case .audio: self.lose(.replyAudio, "responses have no sound")
        case .text(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.hasText = true
            self.speak(text, isRefusal: false, &out)
        case .refusal(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.hasRefusal = true
            self.speak(text, isRefusal: true, &out)
        case .citation(let citation, let dialect, let choice):
            guard self.isFirst(choice) else { return }
            self.cite(citation, dialect, &out)
        case .logprobs(let logprobs, let choice):
            guard self.isFirst(choice) else { return }
            let list = OpenAIResponsesItemWriting.logprobs(logprobs).map(OpenAIResponsesEventWriter.onOneLine)
            self.weigh(list, &out)
        case .reasoning(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.think(&out) { $0.think(text, &$1, &$2) }
        case .reasoningSignature(let state, let choice):
            guard self.isFirst(choice), !state.isEmpty else { return }
            self.think(&out) { reasoning, _, _ in reasoning.state = (reasoning.state ?? "") + state }
        case .redactedReasoning(let state, let choice):
            guard self.isFirst(choice) else { return }
            self.closeOpen(&out)
            self.think(&out) { reasoning, _, _ in
                reasoning.state = state
                reasoning.isRedacted = true
            }
            self.closeOpen(&out)
        case .toolCallStarted(let index, let id, let name, let isCustom, let choice):
            guard self.isFirst(choice) else { return }
            self.closeOpen(&out)
            self.closeCalls(&out) { $0.isWhole }
            self.startCall(index, ToolCall(id: id, name: name, arguments: "", isCustom: isCustom), &out)
        case .toolCallArguments(let index, let fragment, let choice):
            guard self.isFirst(choice), !fragment.isEmpty else { return }
            self.extendCall(index, fragment, &out)
        case .blockEnded(let choice):
            guard self.isFirst(choice) else { return }
            self.endBlock(&out)
        case .opaque(let part, let choice):
            guard self.isFirst(choice) else { return }
            guard part.dialect == .openAIResponses else {
                self.lose(.replyOpaque, "a part that only its own dialect knows: \(part.type)")
                return
            }
            self.closeOpen(&out)
            self.place(OpenAIResponsesEventWriter.onOneLine(part.json), &out)
        case .image(let image, let choice):
            guard self.isFirst(choice) else { return }
            let id = self.envelope?.itemID("ig", self.output.count) ?? "ig_\(self.output.count)"
            guard let item = OpenAIResponsesItemWriting.image(image, id: id) else {
                return self.lose(.replyImage, "an image of a response is in it")
            }
            self.closeOpen(&out)
            self.place(item, &out)
        }
    }

    mutating func finish(into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        self.begin(StreamStart(id: "", model: ""), &out)
        if self.stop == .refusal, !self.hasText, !self.hasRefusal {
            self.hasRefusal = true
            self.speak(OpenAIChat.wordlessRefusal, isRefusal: true, &out)
        }
        switch self.stop {
        case .pauseTurn, .other: self.lose(.stopReason, "a response is completed or incomplete, no more")
        default: break
        }
        // Text that has been sent cannot be taken back into a refusal.
        let status = OpenAIResponsesEnvelope.Status(self.stop, isRefusalText: !self.hasRefusal)
        self.closeOpen(&out, status: status.word)
        self.closeCalls(&out) { _ in true }
        self.isFinished = true
        guard let envelope = self.envelope else { return }
        let (output, usage, isOwn) = (self.output.compactMap { $0 }, self.usage, self.isOwn)
        let name: StaticString =
            if case .incomplete = status { "response.incomplete" } else { "response.completed" }
        self.events.write(name, &out) { json in
            json.key("response")
            envelope.write(status, output: output, usage: usage, isOwn: isOwn, into: &json)
        }
    }

    private mutating func begin(_ start: StreamStart, _ out: inout ByteBuffer) {
        guard self.envelope == nil else { return }
        if start.systemFingerprint != nil { self.lose(.systemFingerprint, "responses have no such field") }
        let tier = ServiceTier.said(start.serviceTier, from: self.options.source, to: .openAIResponses)
        if tier.isLost { self.lose(.replyServiceTier, "OpenAI has no such tier") }
        let envelope = OpenAIResponsesEnvelope(
            id: self.options.assignedID ?? (start.id.isEmpty ? self.options.replyID : start.id),
            created: start.created ?? self.options.created,
            model: start.model.isEmpty ? self.options.model : start.model,
            serviceTier: tier.word,
            echo: self.options.echo.map { Extension($0.path, OpenAIResponsesEventWriter.onOneLine($0.value)) })
        self.envelope = envelope
        for name: StaticString in ["response.created", "response.in_progress"] {
            self.events.write(name, &out) { json in
                json.key("response")
                envelope.write(.inProgress, output: [], usage: nil, isOwn: false, into: &json)
            }
        }
    }

    // MARK: Items

    /// Takes the next place of the output.
    private mutating func nextPlace(_ prefix: String) -> (index: Int, id: String) {
        self.output.append(nil)
        let index = self.output.count - 1
        return (index, self.envelope?.itemID(prefix, index) ?? "\(prefix)_\(index)")
    }

    /// Sends an item that is whole when it begins.
    private mutating func place(_ item: JSONText, _ out: inout ByteBuffer) {
        let index = self.nextPlace("item").index
        self.events.itemAdded(item, index, &out)
        self.events.itemDone(item, index, &out)
        self.output[index] = item
    }

    private mutating func speak(_ text: String, isRefusal: Bool, _ out: inout ByteBuffer) {
        self.message(&out) { $0.speak(text, isRefusal: isRefusal, &$1, &$2) }
    }

    /// Changes the open message; one is begun if there is none.
    private mutating func message(
        _ out: inout ByteBuffer,
        _ body: (inout OpenAIResponsesOpenMessage, inout OpenAIResponsesEventWriter, inout ByteBuffer) -> Void
    ) {
        if case .message(var message) = self.open {
            self.open = nil  // so that the message is not copied
            body(&message, &self.events, &out)
            self.open = .message(message)
            return
        }
        self.closeOpen(&out)
        self.closeCalls(&out) { $0.isWhole }
        let (index, id) = self.nextPlace("msg")
        var message = OpenAIResponsesOpenMessage(index: index, id: id)
        message.begin(&self.events, &out)
        body(&message, &self.events, &out)
        self.open = .message(message)
    }

    private mutating func cite(_ citation: JSONText, _ dialect: DialectID, _ out: inout ByteBuffer) {
        guard case .message(var message) = self.open, let view = try? citation.view(),
            let annotation = dialect == .openAIResponses
                ? citation
                : WebCitation(view, dialect, start: message.textStart, end: message.textLength)?.responsesAnnotation
        else { return self.lose(.replyCitations, "annotations cite web pages and OpenAI's files only") }
        message.annotate(OpenAIResponsesEventWriter.onOneLine(annotation), &self.events, &out)
        self.open = .message(message)
    }

    private mutating func weigh(_ logprobs: [JSONText], _ out: inout ByteBuffer) {
        guard !logprobs.isEmpty else { return }
        guard case .message(var message) = self.open, message.hasOpenText else {
            return self.lose(.replyLogprobs, "log probabilities belong to text")
        }
        self.open = nil
        message.weigh(logprobs, &self.events, &out)
        self.open = .message(message)
    }

    /// Changes the open item of reasoning; one is begun if there is none.
    private mutating func think(
        _ out: inout ByteBuffer,
        _ body: (inout OpenAIResponsesOpenReasoning, inout OpenAIResponsesEventWriter, inout ByteBuffer) -> Void
    ) {
        var reasoning: OpenAIResponsesOpenReasoning
        if case .reasoning(let open) = self.open {
            self.open = nil
            reasoning = open
        } else {
            self.closeOpen(&out)
            self.closeCalls(&out) { $0.isWhole }
            let (index, id) = self.nextPlace("rs")
            reasoning = OpenAIResponsesOpenReasoning(index: index, id: id)
            reasoning.begin(&self.events, &out)
        }
        body(&reasoning, &self.events, &out)
        self.open = .reasoning(reasoning)
    }

    /// A block of the upstream has ended: a part of a message or summary, or the call begun last.
    private mutating func endBlock(_ out: inout ByteBuffer) {
        switch self.open {
        case .message(var message):
            self.open = nil
            message.endPart(&self.events, &out)
            self.open = .message(message)
        case .reasoning(var reasoning):
            // What has its signature is whole; summaries without one may have more parts.
            guard reasoning.state == nil else { return self.closeOpen(&out) }
            self.open = nil
            reasoning.endPart(&self.events, &out)
            self.open = .reasoning(reasoning)
        case nil:
            guard let last = self.calls.last?.index else { return }
            self.closeCalls(&out) { $0.index == last }
        }
    }

    private mutating func closeOpen(_ out: inout ByteBuffer, status: String = "completed") {
        guard let open = self.open else { return }
        self.open = nil
        switch open {
        case .message(var message):
            self.output[message.index] = message.end(status, &self.events, &out)
        case .reasoning(var reasoning):
            self.output[reasoning.index] = reasoning.end(&self.events, &out)
        }
    }

    // MARK: Calls

    private mutating func startCall(_ number: Int, _ call: ToolCall, _ out: inout ByteBuffer) {
        let (index, id) = self.nextPlace(call.isCustom ? "ctc" : "fc")
        let open = OpenAIResponsesOpenCall(number: number, index: index, id: id, call: call)
        open.begin(&self.events, &out)
        self.calls.append(open)
    }

    private mutating func extendCall(_ number: Int, _ fragment: String, _ out: inout ByteBuffer) {
        guard let place = self.calls.lastIndex(where: { $0.number == number }) else {
            if !fragment.allSatisfy(\.isWhitespace) {
                self.lose(.replyToolArguments, "arguments came after their call was whole")
            }
            return
        }
        self.calls[place].extend(fragment, &self.events, &out)
    }

    private mutating func closeCalls(_ out: inout ByteBuffer, _ isToClose: (OpenAIResponsesOpenCall) -> Bool) {
        for place in self.calls.indices where isToClose(self.calls[place]) {
            let index = self.calls[place].index
            self.output[index] = self.calls[place].end(&self.events, &out)
        }
        self.calls.removeAll(where: isToClose)
    }
}
