import NIOCore
import NeedletailCore

/// Reads an upstream's stream.
///
/// A choice ends at its first `finish_reason`; what servers repeat after it is passed over. A stream without `[DONE]`
/// is whole if every choice has ended; with `[DONE]` it is whole even where no reason was given.
struct OpenAIChatStreamDecoder: StreamDecoder {
    private var framing = SSEDecoder()
    private var choices: [OpenAIChatStreamChoice] = []
    private var replyID = ""
    private var hasStarted = false
    /// Pages named beside the choices, which every chunk may repeat.
    private var sources: [JSONText] = []
    private(set) var isComplete = false
    var unread = UnreadMembers()

    /// More choices than anybody asks for; a lying server cannot make the list grow.
    static let maximumChoices = 128

    mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        self.framing.feed(chunk)
        while let event = try self.framing.next() {
            try self.take(event, into: &events)
            if self.isComplete { return }
        }
    }

    mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        if let event = try self.framing.finish() { try self.take(event, into: &events) }
        guard !self.isComplete else { return }
        guard self.salvage(into: &events) else {
            throw NeedletailError(
                .unreachable, "The provider's stream ended before its reply did.", mayHaveBeenProcessed: true)
        }
    }

    mutating func salvage(into events: inout [ChatEvent]) -> Bool {
        guard !self.choices.isEmpty, self.choices.allSatisfy({ $0.hasEnded }) else { return false }
        self.isComplete = true
        return true
    }

    private mutating func take(_ event: SSEEvent, into events: inout [ChatEvent]) throws(NeedletailError) {
        if OpenAIChatStreamTap.isEndMarker(event.data) {
            guard self.hasStarted else {
                throw NeedletailError(.malformedReply, "The provider's stream was empty.")
            }
            for index in self.choices.indices where !self.choices[index].hasEnded {
                self.choices[index].end(nil, nil, sources: self.sources, into: &events)
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
        try self.chunk(root, into: &events)
    }

    private mutating func chunk(_ root: JSONView, into events: inout [ChatEvent]) throws(NeedletailError) {
        let usage = OpenAIChat.usage(in: root)
        var hasChoices = false
        var hasSources = OpenAIChatSources.areIn(root)
        if hasSources {
            let named = OpenAIChatSources.annotations(root)
            // Pages that come when all choices have ended reach nobody.
            hasSources = named.count <= self.sources.count || self.choices.contains { !$0.hasEnded } || !self.hasStarted
            if named.count > self.sources.count { self.sources = named }
        }
        OpenAIChat.look(atChunk: root, hasSources: hasSources, &self.unread)
        // A null or missing list is like an empty one: `root` itself is an object and has no elements.
        for (position, view) in (root.present("choices") ?? root).elements.enumerated() {
            guard view.kind == .object else {
                throw NeedletailError(.malformedReply, "The provider's stream holds a choice that is no object.")
            }
            if !hasChoices {
                hasChoices = true
                self.start(root, into: &events)
            }
            let index = view.present("index")?.int ?? position
            let place = try self.place(of: index)
            OpenAIChat.look(atChoice: view, &self.unread)
            try self.choices[place].take(view, sources: self.sources, into: &events)
        }
        if let usage {
            self.start(root, into: &events)
            events.append(.usage(usage))
        }
    }

    private mutating func place(of index: Int) throws(NeedletailError) -> Int {
        if let place = self.choices.firstIndex(where: { $0.index == index }) { return place }
        guard self.choices.count < Self.maximumChoices else {
            throw NeedletailError(.malformedReply, "The provider's stream holds too many choices.")
        }
        self.choices.append(OpenAIChatStreamChoice(index: index, replyID: self.replyID))
        return self.choices.count - 1
    }

    /// Azure's first chunk has no choices and an empty id: a reply starts with its first choice (or usage).
    private mutating func start(_ root: JSONView, into events: inout [ChatEvent]) {
        guard !self.hasStarted else { return }
        self.hasStarted = true
        self.replyID = root.present("id")?.string ?? ""
        var start = StreamStart(
            id: self.replyID,
            model: root.present("model")?.string ?? "",
            created: root.present("created")?.int.map { Int64($0) }
        )
        if start.created == 0 { start.created = nil }
        start.systemFingerprint = OpenAIChat.nonEmpty(root["system_fingerprint"])
        start.serviceTier = OpenAIChat.nonEmpty(root["service_tier"])
        events.append(.started(start))
    }
}
