import NIOCore
import NeedletailCore

/// Reads an upstream's stream: the reply is over with `message-end`. A call without arguments has a start and an end and
/// nothing between.
struct CohereStreamDecoder: StreamDecoder {
    private var framing = SSEDecoder()
    private var hasStarted = false
    private var replyID = ""
    /// Cohere's numbers of the calls begun so far, in order.
    private var calls: [Int] = []
    private(set) var isComplete = false
    var unread = UnreadMembers()

    /// More calls than any reply has; a lying server cannot make the list grow.
    private static let maximumCalls = 1024

    mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        self.framing.feed(chunk)
        while !self.isComplete, let event = try self.framing.next() { try self.take(event.data, into: &events) }
    }

    mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError) {
        if !self.isComplete, let event = try self.framing.finish() { try self.take(event.data, into: &events) }
        guard !self.isComplete else { return }
        throw NeedletailError(
            .unreachable, "The provider's stream ended before its reply did.", mayHaveBeenProcessed: true)
    }

    mutating func salvage(into events: inout [ChatEvent]) -> Bool { self.isComplete }

    /// The error that an event tells: by its finish reason, or because it is an error's body and no event at all.
    static func failure(_ root: JSONView) -> NeedletailError? {
        let delta = root.present("delta")
        if let reason = delta?.present("finish_reason")?.string,
            let failure = CohereChat.failure(
                finishReason: reason, words: delta?.present("error")?.string,
                type: delta?.present("error_type")?.string)
        {
            return failure
        }
        guard root.present("type") == nil || root.present("error") != nil else { return nil }
        let isBody = root.present("message")?.string != nil
        return OpenAIChat.failure(inside: root, isErrorEvent: isBody)
    }

    private mutating func take(_ data: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard data.readableBytes > 0 else { return }
        if OpenAIChatStreamTap.isEndMarker(data) {
            throw NeedletailError(.malformedReply, "The provider's stream ended without the end of its message.")
        }
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(data).root
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds an event that is not JSON.", cause: error,
                mayHaveBeenProcessed: true)
        }
        if let failure = Self.failure(root) { throw failure }
        guard root.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's stream holds an event that is no object.")
        }
        try self.event(root, into: &events)
    }

    private mutating func start(_ root: JSONView, into events: inout [ChatEvent]) {
        guard !self.hasStarted else { return }
        self.hasStarted = true
        self.replyID = root.present("id")?.string ?? ""
        events.append(.started(StreamStart(id: self.replyID, model: root.present("model")?.string ?? "")))
    }

    private mutating func event(_ root: JSONView, into events: inout [ChatEvent]) throws(NeedletailError) {
        let delta = root.present("delta")
        let message = delta?.present("message")
        if self.unread.isOpen { CohereStreamMembers.look(at: root, &self.unread) }
        switch root.present("type")?.string {
        case "message-start": self.start(root, into: &events)
        case "content-start", "content-delta":
            self.start(root, into: &events)
            if let content = message?.present("content") { Self.content(content, into: &events) }
            if let logprobs = CohereLogprobs.openAI(root.present("logprobs") ?? delta?.present("logprobs")) {
                events.append(.logprobs(logprobs, choice: 0))
            }
        case "content-end": events.append(.blockEnded(choice: 0))
        case "tool-plan-delta":
            self.start(root, into: &events)
            if let text = OpenAIChat.nonEmpty(message?["tool_plan"]) { events.append(.text(text, choice: 0)) }
        case "tool-call-start":
            self.start(root, into: &events)
            try self.call(root, message?.present("tool_calls"), into: &events)
        case "tool-call-delta":
            let fragment = message?.present("tool_calls")?.present("function")?.present("arguments")
            guard let place = self.place(root) else {
                throw NeedletailError(.malformedReply, "The provider's stream goes on with a call it has not begun.")
            }
            self.arguments(fragment, place, into: &events)
        case "citation-start":
            self.start(root, into: &events)
            guard let citations = message?.present("citations") else { return }
            for citation in citations.kind == .array ? Array(citations.elements) : [citations] {
                events.append(.citation(citation.text, dialect: .cohereChat, choice: 0))
            }
        case "message-end": self.end(root, delta, into: &events)
        case "tool-call-end", "citation-end": break
        case let type: self.unread.add(type ?? "type")
        }
    }

    private static func content(_ content: JSONView, into events: inout [ChatEvent]) {
        if let text = OpenAIChat.nonEmpty(content["thinking"]) { events.append(.reasoning(text, choice: 0)) }
        if let text = OpenAIChat.nonEmpty(content["text"]) { events.append(.text(text, choice: 0)) }
    }

    private func place(_ root: JSONView) -> Int? {
        guard let index = root.present("index")?.int else { return self.calls.indices.last }
        return self.calls.lastIndex(of: index)
    }

    private mutating func call(
        _ root: JSONView, _ given: JSONView?, into events: inout [ChatEvent]
    ) throws(NeedletailError) {
        // An object, and not a list as in whole replies.
        var first = given
        if let given, given.kind == .array {
            var elements = given.elements
            first = elements.next()
        }
        let place = self.calls.count
        guard place < Self.maximumCalls else {
            throw NeedletailError(.malformedReply, "The provider's stream holds too many tool calls.")
        }
        self.calls.append(root.present("index")?.int ?? place)
        let function = first?.present("function")
        events.append(
            .toolCallStarted(
                index: place,
                id: OpenAIChat.nonEmpty(first?["id"]) ?? OpenAIChat.callID(self.replyID, 0, place),
                name: function?.present("name")?.string ?? "",
                isCustom: false, choice: 0))
        self.arguments(function?.present("arguments"), place, into: &events)
    }

    private func arguments(_ value: JSONView?, _ place: Int, into events: inout [ChatEvent]) {
        let fragment = OpenAIChatRequestDecoder.arguments(value)
        guard !fragment.isEmpty else { return }
        events.append(.toolCallArguments(index: place, fragment: fragment, choice: 0))
    }

    private mutating func end(_ root: JSONView, _ delta: JSONView?, into events: inout [ChatEvent]) {
        self.start(root, into: &events)
        self.isComplete = true
        let hasCalls = !self.calls.isEmpty
        let reason =
            CohereFinishReason.read(delta?.present("finish_reason")?.string, hasCalls: hasCalls)
            ?? OpenAIChat.naturalEnd(hasCalls: hasCalls, hasRefusal: false)
        events.append(.finished(reason, stopSequence: nil, choice: 0))
        if let usage = CohereUsage.read(delta?.present("usage")) { events.append(.usage(usage)) }
    }
}
