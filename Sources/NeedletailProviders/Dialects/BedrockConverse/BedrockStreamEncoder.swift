import NIOCore
import NeedletailCore

/// Writes a client's stream, one block after the other.
struct BedrockStreamEncoder: StreamEncoder {
    private enum Block: Equatable {
        case text, reasoning
        case call(isCustom: Bool)
    }

    private let options: StreamEncoderOptions
    private(set) var losses: [Loss] = []
    private var order = SerialBlocks()
    private var ready: [ChatEvent] = []
    private var start: StreamStart?
    private var hasWrittenStart = false
    private var usage: Usage?
    private var stop: (reason: StopReason, sequence: String?)?
    private var hasCalls = false
    private var isFinished = false
    /// The block that is being sent, and the index of the next one.
    private var open: Block?
    private var nextIndex = 0
    /// Whether the open call has arguments.
    private var hasArguments = false

    init(_ options: StreamEncoderOptions) {
        self.options = options
    }

    private var isOwn: Bool { self.options.source == .bedrockConverse }

    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer) {
        let event = (copy event).showing(imagesIn: .bedrockConverse)
        guard !self.isFinished, self.isFirst(event.choice) else { return }
        self.order.take(event, into: &self.ready)
        self.writeReady(&out)
    }

    mutating func finish(into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        self.writeStart(&out)
        self.order.finish(into: &self.ready)
        self.writeReady(&out)
        self.closeOpen(&out)
        self.isFinished = true
        if self.order.hasOverflown {
            self.lose(
                .replyToolArguments,
                "More was sent beside an unfinished call than can wait, or behind a whole one.")
        }
        let word = BedrockStopReason.word(self.stop?.reason, hasCalls: self.hasCalls, isOwn: self.isOwn)
        BedrockStreamWriter.stop(word, self.stop?.sequence, into: &out)
        let tier = ServiceTier.said(self.start?.serviceTier, from: self.options.source, to: .bedrockConverse)
        if tier.isLost { self.lose(.replyServiceTier, "Amazon has no such tier.") }
        BedrockStreamWriter.metadata(
            self.usage ?? Usage(), serviceTier: tier.word, isOwn: self.isOwn, into: &out)
    }

    private mutating func writeReady(_ out: inout ByteBuffer) {
        for event in self.ready { self.write(event, &out) }
        self.ready.removeAll(keepingCapacity: true)
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.options.source), reason)
    }

    private mutating func isFirst(_ choice: Int?) -> Bool {
        guard let choice, choice != 0 else { return true }
        self.lose(.replyChoices, "This dialect has one reply; the first was kept.")
        return false
    }

    private mutating func write(_ event: ChatEvent, _ out: inout ByteBuffer) {
        switch event {
        case .started(let start):
            guard self.start == nil else { return }
            self.start = start
            if start.systemFingerprint != nil { self.lose(.systemFingerprint, "This dialect has no such field.") }
            self.writeStart(&out)
        case .usage(let usage):
            self.usage = usage
            if !self.isOwn { self.losses.addCounters(of: usage, self.options.source) }
            for field in BedrockUsage.unspoken(of: usage) {
                self.lose(field, "This dialect does not count it by itself.")
            }
        case .finished(let reason, let sequence, _):
            guard self.stop == nil else { return }
            self.stop = (reason, sequence)
            if !BedrockReplyWriter.isTold(reason, isOwn: self.isOwn) {
                self.lose(.stopReason, "This dialect has no word for it.")
            }
        case .image(let part, _): self.writeImage(part, &out)
        case .logprobs: self.lose(.replyLogprobs, "This dialect has no log probabilities.")
        case .audio: self.lose(.replyAudio, "This dialect has no sound in replies.")
        case .text(let text, _):
            guard !text.isEmpty else { return }
            self.writeText(text, &out)
        case .refusal(let text, _):
            guard !text.isEmpty else { return }
            self.lose(.replyRefusal, "A refusal was sent as text.")
            self.writeText(text, &out)
        case .reasoning(let text, _):
            guard !text.isEmpty else { return }
            self.writeReasoning("text", text, &out)
        case .reasoningSignature(let signature, _):
            guard !signature.isEmpty else { return }
            self.writeReasoning("signature", signature, &out)
        case .redactedReasoning(let data, _):
            self.closeOpen(&out)
            self.writeReasoning("redactedContent", Base64State.write(data), &out)
            self.closeOpen(&out)
        case .citation(let citation, let dialect, _):
            guard dialect == .bedrockConverse else {
                return self.lose(.replyCitations, "Sources of another dialect have no counterpart.")
            }
            self.reopen(.text, &out)
            BedrockStreamWriter.delta(self.nextIndex - 1, into: &out) { $0.member("citation", citation) }
        case .opaque(let part, _):
            self.writeOpaque(part, &out)
        case .toolCallStarted(_, let id, let name, let isCustom, _):
            self.startCall(id, name, isCustom: isCustom, &out)
        case .toolCallArguments(_, let fragment, _):
            guard !fragment.isEmpty else { return }
            self.extendCall(fragment, &out)
        case .blockEnded:
            self.closeOpen(&out)
        }
    }

    private mutating func writeStart(_ out: inout ByteBuffer) {
        guard !self.hasWrittenStart else { return }
        self.hasWrittenStart = true
        BedrockStreamWriter.start(into: &out)
    }

    // MARK: Blocks

    private mutating func writeText(_ text: String, _ out: inout ByteBuffer) {
        self.reopen(.text, &out)
        BedrockStreamWriter.delta(self.nextIndex - 1, into: &out) { $0.member("text", text) }
    }

    private mutating func writeReasoning(_ key: StaticString, _ text: String, _ out: inout ByteBuffer) {
        self.reopen(.reasoning, &out)
        BedrockStreamWriter.delta(self.nextIndex - 1, "reasoningContent", key, text, into: &out)
    }

    private mutating func writeOpaque(_ part: OpaquePart, _ out: inout ByteBuffer) {
        self.writeStart(&out)
        self.closeOpen(&out)
        guard part.dialect == .bedrockConverse,
            BedrockStreamWriter.opaque(part, index: self.nextIndex, into: &out)
        else { return self.lose(.replyOpaque, "The part has no counterpart.") }
        self.nextIndex += 1
    }

    private mutating func writeImage(_ part: ImagePart, _ out: inout ByteBuffer) {
        guard let (format, data) = BedrockMediaFormat.image(part) else {
            return self.lose(.replyImage, "An image of a reply is PNG, JPEG, GIF or WebP, and in it.")
        }
        self.writeStart(&out)
        self.closeOpen(&out)
        BedrockStreamWriter.startBlock(self.nextIndex, "image", into: &out) { $0.member("format", format) }
        BedrockStreamWriter.delta(self.nextIndex, into: &out) { json in
            json.key("image")
            json.beginObject()
            BedrockMediaFormat.writeSource(data, &json)
            json.endObject()
        }
        BedrockStreamWriter.stopBlock(self.nextIndex, into: &out)
        self.nextIndex += 1
    }

    private mutating func startCall(_ id: String, _ name: String, isCustom: Bool, _ out: inout ByteBuffer) {
        self.writeStart(&out)
        self.closeOpen(&out)
        self.hasCalls = true
        self.hasArguments = false
        BedrockStreamWriter.startBlock(self.nextIndex, "toolUse", into: &out) { json in
            json.member("toolUseId", id)
            json.member("name", name)
        }
        self.nextIndex += 1
        self.open = .call(isCustom: isCustom)
    }

    private mutating func extendCall(_ fragment: String, _ out: inout ByteBuffer) {
        switch self.open {
        case .call(isCustom: true):
            // Free text has no end of its own: `input` grows until the block is closed.
            let inside = JSONText(string: fragment).description.dropFirst().dropLast()
            self.writeArguments((self.hasArguments ? "" : "{\"input\":\"") + inside, &out)
        case .call(isCustom: false): self.writeArguments(fragment, &out)
        case .text, .reasoning, nil: break  // the order does not let it happen
        }
    }

    private mutating func writeArguments(_ json: String, _ out: inout ByteBuffer) {
        self.hasArguments = true
        BedrockStreamWriter.delta(self.nextIndex - 1, "toolUse", "input", json, into: &out)
    }

    /// Text and reasoning begin with their first delta.
    private mutating func reopen(_ block: Block, _ out: inout ByteBuffer) {
        guard self.open != block else { return }
        self.writeStart(&out)
        self.closeOpen(&out)
        self.nextIndex += 1
        self.open = block
    }

    private mutating func closeOpen(_ out: inout ByteBuffer) {
        guard let open = self.open else { return }
        switch open {
        case .call(isCustom: true): self.writeArguments(self.hasArguments ? "\"}" : "{\"input\":\"\"}", &out)
        case .call(isCustom: false): if !self.hasArguments { self.writeArguments("{}", &out) }
        case .text, .reasoning: break
        }
        BedrockStreamWriter.stopBlock(self.nextIndex - 1, into: &out)
        self.open = nil
    }
}
