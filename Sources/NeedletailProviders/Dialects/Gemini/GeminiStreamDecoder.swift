import NIOCore
import NeedletailCore

/// Reads an upstream's stream, of server-sent events or as one JSON array.
///
/// There is no end marker, and a finish reason may be followed by more content with another: a reply is over at the end of
/// the bytes, if every candidate has given a reason by then.
struct GeminiStreamDecoder: StreamDecoder {
    private var bare = BareJSONRewriter()
    private var framing = SSEDecoder()
    private var choices: [GeminiStreamChoice] = []
    private var replyID = ""
    private var hasStarted = false
    private(set) var isComplete = false
    var unread = UnreadMembers()

    private static let members: [StaticString] = [
        "candidates", "usageMetadata", "modelVersion", "responseId", "usage_metadata", "model_version", "response_id",
        "createTime", "create_time",
    ]

    /// More choices than anybody asks for; a lying server cannot make the list grow.
    static let maximumChoices = 128

    mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        self.framing.feed(try self.bare.rewrite(chunk))
        while let event = try self.framing.next() { try self.read(event.data, &events) }
    }

    mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        while let event = try self.framing.finish() { try self.read(event.data, &events) }
        guard self.salvage(into: &events) else {
            throw NeedletailError(
                .unreachable, "The provider's stream ended before its reply did.", mayHaveBeenProcessed: true)
        }
    }

    mutating func salvage(into events: inout [ChatEvent]) -> Bool {
        guard !self.choices.isEmpty, self.choices.allSatisfy({ $0.hasReason }) else { return false }
        for index in self.choices.indices { self.choices[index].end(&events) }
        self.isComplete = true
        return true
    }

    private mutating func read(_ data: ByteBuffer, _ events: inout [ChatEvent]) throws(NeedletailError) {
        guard data.readableBytes > 0, !OpenAIChatStreamTap.isEndMarker(data) else { return }
        let root = try GeminiStreamTap.root(data)
        guard root.kind == .array else { return try self.chunk(root, &events) }
        for element in root.elements { try self.chunk(element, &events) }
    }

    private mutating func chunk(_ root: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        self.start(root, &events)
        self.look(at: root)
        var position = 0
        // A missing list is like an empty one: `root` itself is an object and has no elements.
        for candidate in (root.present("candidates") ?? root).elements {
            guard candidate.kind == .object else {
                throw NeedletailError(.malformedReply, "The provider's stream holds a candidate that is no object.")
            }
            let place = try self.place(of: candidate.present("index")?.int ?? position)
            try self.choices[place].take(candidate, &events, &self.unread)
            position += 1
        }
        if let feedback = GeminiField.value(root, "promptFeedback", "prompt_feedback"),
            let reason = GeminiBlock.reason(feedback)
        {
            let place = try self.place(of: 0)
            self.choices[place].block(reason, GeminiBlock.message(feedback), &events)
        }
        if let usage = GeminiField.value(root, "usageMetadata", "usage_metadata").flatMap(GeminiUsage.read) {
            events.append(.usage(usage))
        }
    }

    private mutating func look(at root: JSONView) {
        guard self.unread.isOpen else { return }
        guard let feedback = GeminiField.value(root, "promptFeedback", "prompt_feedback") else {
            return self.unread.look(at: root, known: Self.members, path: "")
        }
        self.unread.look(at: root, known: Self.members + ["promptFeedback", "prompt_feedback"], path: "")
        self.unread.look(at: feedback, known: GeminiBlock.members, path: "promptFeedback")
    }

    private mutating func place(of index: Int) throws(NeedletailError) -> Int {
        if let place = self.choices.firstIndex(where: { $0.index == index }) { return place }
        guard self.choices.count < Self.maximumChoices else {
            throw NeedletailError(.malformedReply, "The provider's stream holds too many candidates.")
        }
        self.choices.append(GeminiStreamChoice(index: index, replyID: self.replyID))
        return self.choices.count - 1
    }

    private mutating func start(_ root: JSONView, _ events: inout [ChatEvent]) {
        guard !self.hasStarted else { return }
        self.hasStarted = true
        self.replyID = GeminiField.value(root, "responseId", "response_id")?.string ?? ""
        var start = StreamStart(
            id: self.replyID, model: GeminiField.value(root, "modelVersion", "model_version")?.string ?? "")
        if let usage = GeminiField.value(root, "usageMetadata", "usage_metadata") {
            start.serviceTier = GeminiField.value(usage, "serviceTier", "service_tier")?.string
        }
        start.created = GeminiField.value(root, "createTime", "create_time")?.string.flatMap(OllamaTime.seconds)
        events.append(.started(start))
    }
}
