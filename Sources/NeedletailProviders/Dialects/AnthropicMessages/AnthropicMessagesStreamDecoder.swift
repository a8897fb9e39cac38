import NIOCore
import NeedletailCore

/// Reads an upstream's stream.
///
/// Events and deltas of unknown types are passed over, a second `message_start` too. A reply is over with
/// `message_stop`, or at the end of the bytes if its stop reason was seen.
struct AnthropicMessagesStreamDecoder: StreamDecoder {
    private var events = SSEDecoder()
    private var blocks: [Int: AnthropicStreamBlock] = [:]
    private var calls = 0
    private var hasStarted = false
    private var stop: (reason: StopReason, sequence: String?)?
    private var usage = AnthropicUsage()
    private(set) var isComplete = false
    var unread = UnreadMembers()

    mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        self.events.feed(chunk)
        while !self.isComplete, let event = try self.events.next() { try self.read(event.data, &events) }
    }

    mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        while !self.isComplete, let event = try self.events.finish() { try self.read(event.data, &events) }
        guard !self.isComplete else { return }
        guard self.salvage(into: &events) else {
            throw NeedletailError(
                .unreachable, "The provider's stream ended before its reply did.", mayHaveBeenProcessed: true)
        }
    }

    mutating func salvage(into events: inout [ChatEvent]) -> Bool {
        guard let stop = self.stop else { return false }
        self.end(stop, &events)
        return true
    }

    private mutating func read(_ data: ByteBuffer, _ events: inout [ChatEvent]) throws(NeedletailError) {
        guard !AnthropicStreamMark.isDone(data) else { return }
        let root: JSONView
        do {
            root = try JSONDocument(data).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider sent an event that is not valid JSON.", cause: error)
        }
        guard let type = root.present("type")?.word else {
            if root.present("error") != nil { throw AnthropicMessages.failure(root, status: 200, requestID: nil) }
            throw NeedletailError(.malformedReply, "The provider sent an event without a type.")
        }
        switch type {
        case "message_start": try self.start(root, &events)
        case "content_block_start": try self.startBlock(root, &events)
        case "content_block_delta": try self.extendBlock(root, &events)
        case "content_block_stop":
            if let index = root.present("index")?.int { self.endBlock(index, &events) }
        case "message_delta": try self.readDelta(root, &events)
        case "message_stop":
            try self.requireStart()
            guard let stop = self.stop else {
                throw NeedletailError(
                    .malformedReply, "The provider's stream ended without a stop reason.", mayHaveBeenProcessed: true)
            }
            self.end(stop, &events)
        case "ping": break
        case "error": throw AnthropicMessages.failure(root, status: 200, requestID: nil)
        default: return self.unread.add(type.string)
        }
        if self.unread.isOpen { AnthropicStreamMembers.look(at: root, type, &self.unread) }
    }

    private func requireStart() throws(NeedletailError) {
        guard self.hasStarted else {
            throw NeedletailError(.malformedReply, "The provider's stream does not begin with message_start.")
        }
    }

    private mutating func start(_ root: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.hasStarted else { return }
        guard let message = root.present("message"), message.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's message_start has no message.")
        }
        self.hasStarted = true
        var start = StreamStart(
            id: message.present("id")?.string ?? "", model: message.present("model")?.string ?? "")
        let counters = message.present("usage")
        start.serviceTier = counters?.present("service_tier")?.string
        events.append(.started(start))
        if let counters {
            self.usage.merge(counters)
            if let usage = self.usage.usage { events.append(.usage(usage)) }
        }
        // A turn that goes on with code which calls the client's tools comes whole in its first event.
        if let content = message.present("content") {
            for block in content.elements { try self.readWholeBlock(block, &events) }
        }
        if let reason = message.present("stop_reason")?.string {
            self.stop = (AnthropicStopReason.read(reason), message.present("stop_sequence")?.string)
        }
    }

    // MARK: Blocks

    private mutating func readWholeBlock(_ content: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        guard let type = content.present("type")?.string else { return }
        var block = AnthropicStreamBlock(type: type)
        try block.start(content, call: self.calls, &events)
        if block.isCall { self.calls += 1 }
        block.end(&events)
    }

    private mutating func startBlock(_ root: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        try self.requireStart()
        guard let index = root.present("index")?.int, let content = root.present("content_block"),
            let type = content.present("type")?.string
        else { throw NeedletailError(.malformedReply, "The provider's content_block_start has no block.") }
        if self.blocks[index] != nil { self.endBlock(index, &events) }
        var block = AnthropicStreamBlock(type: type)
        try block.start(content, call: self.calls, &events)
        if block.isCall { self.calls += 1 }
        self.blocks[index] = block
    }

    private mutating func extendBlock(_ root: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        try self.requireStart()
        guard let index = root.present("index")?.int, let delta = root.present("delta"),
            let type = delta.present("type")?.word
        else { throw NeedletailError(.malformedReply, "The provider's content_block_delta has no delta.") }
        guard let place = self.blocks.index(forKey: index) else {
            throw NeedletailError(.malformedReply, "The provider extends a block that is not open.")
        }
        try self.blocks.values[place].extend(type, delta, &events, &self.unread)
    }

    private mutating func endBlock(_ index: Int, _ events: inout [ChatEvent]) {
        guard var block = self.blocks.removeValue(forKey: index) else { return }
        block.end(&events)
    }

    // MARK: The end

    private mutating func readDelta(_ root: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        try self.requireStart()
        if let delta = root.present("delta"), let reason = delta.present("stop_reason")?.string {
            self.stop = (AnthropicStopReason.read(reason), delta.present("stop_sequence")?.string)
        }
        guard let counters = root.present("usage") else { return }
        self.usage.merge(counters)
        if let usage = self.usage.usage { events.append(.usage(usage)) }
    }

    private mutating func end(_ stop: (reason: StopReason, sequence: String?), _ events: inout [ChatEvent]) {
        for index in self.blocks.keys.sorted() { self.endBlock(index, &events) }
        self.isComplete = true
        events.append(.finished(stop.reason, stopSequence: stop.sequence, choice: 0))
    }
}

/// OpenAI's end mark, which some proxies put behind Anthropic streams.
enum AnthropicStreamMark {
    static func isDone(_ data: ByteBuffer) -> Bool {
        data.readableBytes == 6 && data.readableBytesView.elementsEqual("[DONE]".utf8)
    }
}
