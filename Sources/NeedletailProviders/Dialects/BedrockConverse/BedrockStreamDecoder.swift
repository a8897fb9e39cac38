import NIOCore
import NeedletailCore

/// Reads an upstream's stream.
///
/// A block begins with its first delta where no `contentBlockStart` came, as for text. Frames and deltas of unknown kinds
/// are passed over. A reply is over with `metadata`, or at the end of the bytes if `messageStop` was seen.
struct BedrockStreamDecoder: StreamDecoder {
    private var frames = EventStreamDecoder()
    private var blocks: [Int: BedrockStreamBlock] = [:]
    private var calls = 0
    private var hasStarted = false
    private var hasStopped = false
    private(set) var isComplete = false
    var unread = UnreadMembers()

    mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        self.frames.feed(chunk)
        while !self.isComplete, let frame = try self.frames.next() { try self.read(frame, &events) }
    }

    mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.salvage(into: &events) else { return }
        throw NeedletailError(
            .unreachable, "The provider's stream ended before its reply did.", mayHaveBeenProcessed: true)
    }

    mutating func salvage(into events: inout [ChatEvent]) -> Bool {
        guard self.hasStopped else { return false }
        self.isComplete = true
        return true
    }

    private mutating func read(_ frame: SSEEvent, _ events: inout [ChatEvent]) throws(NeedletailError) {
        let member = BedrockStreamMember(name: frame.name)
        switch member {
        case .failure(let type): throw BedrockStreamMember.error(type, frame.data)
        case .other: return self.unread.add(String(buffer: frame.name))
        default: break
        }
        let root = try BedrockStreamMember.payload(frame.data)
        if self.unread.isOpen { BedrockStreamMembers.look(at: root, member, &self.unread) }
        switch member {
        case .messageStart:
            guard !self.hasStarted else { return }
            self.hasStarted = true
            events.append(.started(StreamStart(id: "", model: "")))
        case .blockStart: try self.startBlock(root, &events)
        case .blockDelta: try self.extendBlock(root, &events)
        case .blockStop:
            if let index = root.present("contentBlockIndex")?.int { try self.endBlock(index, &events) }
        case .messageStop: try self.stop(root, &events)
        case .metadata:
            if var usage = root.present("usage").flatMap(BedrockUsage.read) {
                usage.timing = ProviderTiming.converse(root.present("metrics"))
                events.append(.usage(usage))
            }
            if self.hasStopped { self.isComplete = true }
        case .failure, .other: break
        }
    }

    private func requireStart() throws(NeedletailError) {
        guard self.hasStarted else {
            throw NeedletailError(.malformedReply, "The provider's stream does not begin with messageStart.")
        }
    }

    private mutating func startBlock(_ root: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        try self.requireStart()
        guard let index = root.present("contentBlockIndex")?.int, let start = root.present("start") else {
            throw NeedletailError(.malformedReply, "The provider's contentBlockStart has no block.")
        }
        try self.endBlock(index, &events)
        let block = try BedrockStreamBlock(start, call: self.calls, &events)
        if block.isCall { self.calls += 1 }
        self.blocks[index] = block
    }

    private mutating func extendBlock(_ root: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        try self.requireStart()
        guard let index = root.present("contentBlockIndex")?.int, let delta = root.present("delta") else {
            throw NeedletailError(.malformedReply, "The provider's contentBlockDelta has no delta.")
        }
        try self.blocks[index, default: BedrockStreamBlock()].extend(delta, &events)
    }

    private mutating func endBlock(_ index: Int, _ events: inout [ChatEvent]) throws(NeedletailError) {
        guard var block = self.blocks.removeValue(forKey: index) else { return }
        try block.end(&events)
    }

    private mutating func stop(_ root: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        try self.requireStart()
        guard !self.hasStopped else { return }
        guard let reason = root.present("stopReason")?.string else {
            throw NeedletailError(.malformedReply, "The provider's stream ended without a stop reason.")
        }
        for index in self.blocks.keys.sorted() { try self.endBlock(index, &events) }
        self.hasStopped = true
        let sequence = root.present("additionalModelResponseFields")?.present("stop_sequence")?.string
        events.append(.finished(BedrockStopReason.read(reason), stopSequence: sequence, choice: 0))
    }
}
