import NIOCore
import NeedletailCore

/// Reads an upstream's stream. It is whole with `[DONE]`, or where every choice that began has ended.
struct CompletionsStreamDecoder: StreamDecoder {
    private var framing = SSEDecoder()
    private var hasStarted = false
    /// The choices seen, and whether each has ended.
    private var choices: [Int: Bool] = [:]
    private(set) var isComplete = false
    var unread = UnreadMembers()

    mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        self.framing.feed(chunk)
        while !self.isComplete, let event = try self.framing.next() { try self.take(event, into: &events) }
    }

    mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError) {
        if !self.isComplete, let event = try self.framing.finish() { try self.take(event, into: &events) }
        guard !self.salvage(into: &events) else { return }
        throw NeedletailError(
            .unreachable, "The provider's stream ended before its reply did.", mayHaveBeenProcessed: true)
    }

    mutating func salvage(into events: inout [ChatEvent]) -> Bool {
        guard self.isComplete || (!self.choices.isEmpty && self.choices.values.allSatisfy { $0 }) else { return false }
        self.isComplete = true
        return true
    }

    private mutating func take(_ event: SSEEvent, into events: inout [ChatEvent]) throws(NeedletailError) {
        if OpenAIChatStreamTap.isEndMarker(event.data) {
            guard self.hasStarted else { throw NeedletailError(.malformedReply, "The provider's stream was empty.") }
            for (index, hasEnded) in self.choices.sorted(by: { $0.key < $1.key }) where !hasEnded {
                events.append(.finished(.endTurn, stopSequence: nil, choice: index))
            }
            self.isComplete = true
            return
        }
        guard event.data.readableBytes > 0 else { return }
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(event.data).root
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds an event that is not JSON.", cause: error,
                mayHaveBeenProcessed: true)
        }
        let isErrorEvent = OpenAIChatStreamTap.isErrorName(event.name)
        if let failure = OpenAIChat.failure(inside: root, isErrorEvent: isErrorEvent) { throw failure }
        guard root.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's stream holds an event that is no object.")
        }
        CompletionsReply.look(atChunk: root, &self.unread)
        // A null or missing list is like an empty one: `root` itself is an object and has no elements.
        for (position, view) in (root.present("choices") ?? root).elements.enumerated() {
            guard view.kind == .object else {
                throw NeedletailError(.malformedReply, "The provider's stream holds a choice that is no object.")
            }
            self.start(root, into: &events)
            try self.choice(view, view.present("index")?.int ?? position, into: &events)
        }
        if let usage = OpenAIChat.usage(in: root) {
            self.start(root, into: &events)
            events.append(.usage(usage))
        }
    }

    private mutating func start(_ root: JSONView, into events: inout [ChatEvent]) {
        guard !self.hasStarted else { return }
        self.hasStarted = true
        var start = StreamStart(
            id: root.present("id")?.string ?? "", model: root.present("model")?.string ?? "",
            created: root.present("created")?.int.map { Int64($0) })
        if start.created == 0 { start.created = nil }
        start.systemFingerprint = OpenAIChat.nonEmpty(root["system_fingerprint"])
        events.append(.started(start))
    }

    private mutating func choice(
        _ view: JSONView, _ index: Int, into events: inout [ChatEvent]
    ) throws(NeedletailError) {
        guard self.choices[index] != true else { return }
        if self.choices[index] == nil {
            guard self.choices.count < OpenAIChatStreamDecoder.maximumChoices else {
                throw NeedletailError(.malformedReply, "The provider's stream holds too many choices.")
            }
            self.choices[index] = false
        }
        if let text = OpenAIChat.nonEmpty(view["text"]) { events.append(.text(text, choice: index)) }
        if let logprobs = CompletionsLogprobs.chat(view.present("logprobs")) {
            events.append(.logprobs(logprobs, choice: index))
        }
        let spelled = view.present("finish_reason")?.string
        guard var reason = OpenAIChat.stopReason(spelled, hasCalls: false, hasRefusal: false) else { return }
        var sequence: String?
        if reason == .endTurn, let given = view.present("stop_reason")?.string {
            (reason, sequence) = (.stopSequence, given)
        }
        self.choices[index] = true
        events.append(.finished(reason, stopSequence: sequence, choice: index))
    }
}
