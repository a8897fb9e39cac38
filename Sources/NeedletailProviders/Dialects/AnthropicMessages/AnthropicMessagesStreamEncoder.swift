import NIOCore
import NeedletailCore

/// Writes a client's stream.
///
/// Anthropic sends one block after the other, OpenAI may send fragments of several calls in turn. A call stays open
/// until its arguments are one whole JSON object (or a decoder says that the block ended); what comes for others until
/// then waits, in order, within ``maximumWaiting`` bytes.
struct AnthropicMessagesStreamEncoder: StreamEncoder {
    /// The most that may wait: what a whole reply may be. What is over it is left out and reported.
    static let maximumWaiting = 16 << 20

    private let options: StreamEncoderOptions
    private(set) var losses: [Loss] = []
    private var start: StreamStart?
    private var hasWrittenStart = false
    private var usage: Usage?
    private var stop: (reason: StopReason, sequence: String?)?
    private var hasCalls = false
    private var hasRefusal = false
    private var isFinished = false
    /// The block that is being sent, and the index of the next one.
    private var open: AnthropicOpenBlock?
    private var nextIndex = 0
    /// What waits for the open call to end.
    private var waiting: [AnthropicWaitingBlock] = []
    private var waitingSize = 0
    private var deltas = AnthropicDeltaWriter()

    init(_ options: StreamEncoderOptions) {
        self.options = options
    }

    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        switch copy event {
        case .started(let start): if self.start == nil { self.start = start }
        case .usage(let usage):
            self.usage = usage
            self.losses.addCounters(of: AnthropicUsage.unwritten(of: usage, isOwn: self.isOwn), self.options.source)
            for field in AnthropicUsage.unspoken(of: usage) {
                self.lose(field, "This dialect does not count it by itself.")
            }
            if self.start != nil { self.writeStart(&out) }
        case .finished(let reason, let sequence, let choice):
            guard self.isFirst(choice), self.stop == nil else { return }
            self.stop = (reason, sequence)
        case .logprobs: self.lose(.replyLogprobs, "This dialect has no log probabilities.")
        case .audio: self.lose(.replyAudio, "This dialect has no sound.")
        case .image: self.lose(.replyImage, "Replies of this dialect have no images.")
        case .text(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.send(.text, text, &out)
        case .refusal(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.hasRefusal = true
            self.send(.text, text, &out)
        case .reasoning(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.send(.thinking, text, &out)
        case .reasoningSignature(let signature, let choice):
            guard self.isFirst(choice), !signature.isEmpty else { return }
            self.send(.signature, signature, &out)
        case .redactedReasoning(let data, let choice):
            guard self.isFirst(choice) else { return }
            self.send(.redactedThinking, data, &out)
        case .citation(let citation, let dialect, let choice):
            guard self.isFirst(choice) else { return }
            guard dialect == .anthropicMessages else {
                self.lose(.replyCitations, "Sources of another dialect have no counterpart.")
                return
            }
            self.send(.citation, citation.description, &out)
        case .opaque(let part, let choice):
            guard self.isFirst(choice) else { return }
            guard part.dialect == .anthropicMessages else {
                self.lose(.replyOpaque, "The part has no counterpart.")
                return
            }
            self.send(.opaque, part.json.description, &out)
        case .toolCallStarted(let index, let id, let name, let isCustom, let choice):
            guard self.isFirst(choice) else { return }
            self.startCall(AnthropicCallHead(index: index, id: id, name: name, isCustom: isCustom), &out)
        case .toolCallArguments(let index, let fragment, let choice):
            guard self.isFirst(choice), !fragment.isEmpty else { return }
            self.extendCall(index, fragment, &out)
        case .blockEnded(let choice):
            guard self.isFirst(choice) else { return }
            self.closeOpen(&out)
            self.sendWaiting(&out)
        }
    }

    mutating func finish(into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        self.writeStart(&out)
        self.closeOpen(&out)
        self.sendWaiting(&out, isLast: true)
        self.isFinished = true
        let reason = AnthropicStopReason.word(
            self.stop?.reason,
            hasStopSequence: self.stop?.sequence != nil,
            hasCalls: self.hasCalls,
            hasRefusal: self.hasRefusal,
            isOwn: self.isOwn
        )
        if reason.isLossy { self.lose(.stopReason, "This dialect has no word for it.") }
        AnthropicStreamWriter.end(
            reason.word, self.stop?.sequence, self.usage ?? Usage(), isOwn: self.isOwn, into: &out)
    }

    private var isOwn: Bool { self.options.source == .anthropicMessages }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.options.source), reason)
    }

    private mutating func isFirst(_ choice: Int) -> Bool {
        guard choice != 0 else { return true }
        self.lose(.replyChoices, "This dialect has one reply; the first was kept.")
        return false
    }

    private mutating func writeStart(_ out: inout ByteBuffer) {
        guard !self.hasWrittenStart else { return }
        self.hasWrittenStart = true
        let start = self.start ?? StreamStart(id: "", model: "")
        if start.systemFingerprint != nil {
            self.lose(.systemFingerprint, "This dialect has no such field.")
        }
        let tier = ServiceTier.said(start.serviceTier, from: self.options.source, to: .anthropicMessages)
        if tier.isLost { self.lose(.replyServiceTier, "Anthropic has no such tier.") }
        AnthropicStreamWriter.start(
            id: start.id.isEmpty ? self.options.replyID : start.id,
            model: start.model.isEmpty ? self.options.model : start.model,
            serviceTier: tier.word,
            usage: self.usage ?? Usage(),
            into: &out
        )
    }

    // MARK: Blocks

    private mutating func send(_ kind: AnthropicWaitingBlock.Kind, _ text: String, _ out: inout ByteBuffer) {
        self.writeStart(&out)
        if !self.waiting.isEmpty || self.openCallIsUnfinished {
            self.wait(kind, text)
            return
        }
        self.write(kind, text, &out)
    }

    private var openCallIsUnfinished: Bool {
        if case .call(let call) = self.open { !call.arguments.isComplete } else { false }
    }

    private mutating func wait(_ kind: AnthropicWaitingBlock.Kind, _ text: String) {
        guard self.waitingSize + text.utf8.count <= Self.maximumWaiting else {
            self.lose(.replyOpaque, "More was sent beside an unfinished tool call than can wait.")
            return
        }
        self.waitingSize += text.utf8.count
        if kind.grows, let last = self.waiting.indices.last, self.waiting[last].kind == kind {
            self.waiting[last].text += text
        } else {
            self.waiting.append(AnthropicWaitingBlock(kind: kind, text: text))
        }
    }

    private mutating func startCall(_ head: AnthropicCallHead, _ out: inout ByteBuffer) {
        self.writeStart(&out)
        self.hasCalls = true
        if !self.waiting.isEmpty || self.openCallIsUnfinished {
            self.waiting.append(AnthropicWaitingBlock(kind: .call(head), text: ""))
        } else {
            self.openCall(head, &out)
        }
    }

    private mutating func extendCall(_ index: Int, _ fragment: String, _ out: inout ByteBuffer) {
        if case .call(var call) = self.open, call.head.index == index {
            call.write(fragment, block: self.nextIndex - 1, &self.deltas, &out)
            self.open = .call(call)
            self.sendWaiting(&out)
        } else if let place = self.waiting.lastIndex(where: { $0.call?.index == index }) {
            guard self.waitingSize + fragment.utf8.count <= Self.maximumWaiting else {
                self.lose(.replyToolArguments, "More was sent beside an unfinished call than can wait.")
                return
            }
            self.waitingSize += fragment.utf8.count
            self.waiting[place].text += fragment
        } else if !fragment.allSatisfy(\.isWhitespace) {
            self.lose(.replyToolArguments, "Arguments came after their call was whole.")
        }
    }

    private mutating func openCall(_ head: AnthropicCallHead, _ out: inout ByteBuffer) {
        self.closeOpen(&out)
        AnthropicStreamWriter.startCall(head, index: self.nextIndex, into: &out)
        self.nextIndex += 1
        self.open = .call(AnthropicOpenCall(head: head))
    }

    /// Sends what waits, as far as no unfinished call stands in the way.
    private mutating func sendWaiting(_ out: inout ByteBuffer, isLast: Bool = false) {
        var next = 0
        while next < self.waiting.count, isLast || !self.openCallIsUnfinished {
            let block = self.waiting[next]
            next += 1
            self.waitingSize -= block.text.utf8.count
            guard let head = block.call else {
                self.write(block.kind, block.text, &out)
                continue
            }
            self.openCall(head, &out)
            guard !block.text.isEmpty, case .call(var call) = self.open else { continue }
            call.write(block.text, block: self.nextIndex - 1, &self.deltas, &out)
            self.open = .call(call)
        }
        self.waiting.removeFirst(next)
        if isLast { self.closeOpen(&out) }
    }

    /// Writes a piece that is no call: into the open block if it belongs there, else into one of its own.
    private mutating func write(_ kind: AnthropicWaitingBlock.Kind, _ text: String, _ out: inout ByteBuffer) {
        switch kind {
        case .text:
            self.reopen(.text, &out)
            self.deltas.write(.text, text, index: self.nextIndex - 1, into: &out)
        case .thinking:
            self.reopen(.thinking, &out)
            self.deltas.write(.thinking, text, index: self.nextIndex - 1, into: &out)
        case .signature:
            self.reopen(.thinking, &out)
            self.deltas.write(.signature, text, index: self.nextIndex - 1, into: &out)
        case .citation:
            self.reopen(.text, &out)
            AnthropicStreamWriter.citation(JSONText(unchecked: text), index: self.nextIndex - 1, into: &out)
        case .redactedThinking:
            self.closeOpen(&out)
            AnthropicStreamWriter.redactedThinking(text, index: self.nextIndex, into: &out)
            self.nextIndex += 1
        case .opaque:
            self.closeOpen(&out)
            AnthropicStreamWriter.opaque(
                JSONText(unchecked: text), index: self.nextIndex, &self.deltas, into: &out)
            self.nextIndex += 1
        case .call: break  // calls have their own way
        }
    }

    private mutating func reopen(_ block: AnthropicOpenBlock.Plain, _ out: inout ByteBuffer) {
        if case .plain(block) = self.open { return }
        self.closeOpen(&out)
        AnthropicStreamWriter.startPlain(block, index: self.nextIndex, into: &out)
        self.nextIndex += 1
        self.open = .plain(block)
    }

    private mutating func closeOpen(_ out: inout ByteBuffer) {
        guard let open = self.open else { return }
        if case .call(var call) = open { call.close(block: self.nextIndex - 1, &self.deltas, &out) }
        AnthropicStreamWriter.stopBlock(self.nextIndex - 1, into: &out)
        self.open = nil
    }
}
