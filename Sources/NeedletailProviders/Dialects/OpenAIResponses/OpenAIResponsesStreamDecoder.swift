import NIOCore
import NeedletailCore

/// Reads an upstream's stream.
///
/// Items are told apart by their place in the output: some servers give an item another id in each event. What a server
/// does not stream (a text that comes with its `done` event, an item that stands only in the last event) is taken from
/// where it first stands whole.
struct OpenAIResponsesStreamDecoder: StreamDecoder {
    private var framing = SSEDecoder()
    private var items: [Int: OpenAIResponsesStreamItem] = [:]
    private var lastPlace = 0
    private var replyID = ""
    private var calls = 0
    private var hasRefusal = false
    private var hasStarted = false
    private(set) var isComplete = false
    var unread = UnreadMembers()

    /// More items than any reply has; a lying server cannot make the list grow.
    private static let maximumItems = 4096

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
        throw NeedletailError(
            .unreachable, "The provider's stream ended before its reply did.", mayHaveBeenProcessed: true)
    }

    /// Only the last event says that a response is whole.
    mutating func salvage(into events: inout [ChatEvent]) -> Bool { self.isComplete }

    private mutating func take(_ event: SSEEvent, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard event.data.readableBytes > 0, !OpenAIChatStreamTap.isEndMarker(event.data) else { return }
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(event.data).root
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds an event that is not JSON.", cause: error,
                mayHaveBeenProcessed: true)
        }
        guard root.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's stream holds an event that is no object.")
        }
        let type = root.present("type")?.word ?? JSONWord(event.name)
        switch type {
        case "error": throw OpenAIResponses.failure(root)
        case "response.failed": throw OpenAIResponses.failure(root.present("response") ?? root)
        case "response.completed", "response.incomplete", "response.cancelled", "response.done":
            try self.end(root.present("response") ?? root, into: &events)
            OpenAIResponsesStreamMembers.look(atStep: root, &self.unread)
        case "response.created", "response.in_progress", "response.queued":
            self.start(root.present("response"), into: &events)
            OpenAIResponsesStreamMembers.look(atStep: root, &self.unread)
        case "response.output_item.added", "response.output_item.done":
            guard let item = root.present("item"), item.kind == .object else {
                throw NeedletailError(.malformedReply, "The provider's stream holds an event without its item.")
            }
            let place = try self.place(root, isNew: type.hasSuffix(".added"))
            OpenAIResponsesStreamMembers.look(at: root, &self.unread)
            OpenAIResponsesStreamMembers.look(atItem: item, &self.unread)
            self.start(nil, into: &events)
            self.open(place, item, into: &events)
            if type.hasSuffix(".done") { self.close(place, item, into: &events) }
        default:
            guard type.hasPrefix("response.") else {
                if root.present("error") != nil { throw OpenAIResponses.failure(root) }
                return self.unread.add(type.string)
            }
            self.start(nil, into: &events)
            try self.step(type, root, into: &events)
        }
    }

    /// Takes an event about an item.
    private mutating func step(
        _ type: JSONWord, _ event: JSONView, into events: inout [ChatEvent]
    ) throws(NeedletailError) {
        let place = try self.place(event)
        guard let item = self.items.index(forKey: place) else {
            OpenAIResponsesStreamMembers.look(at: event, &self.unread)
            return self.openUnannounced(place, type, event, into: &events)
        }
        if !self.items.values[item].isForeign { OpenAIResponsesStreamMembers.look(at: event, &self.unread) }
        self.items.values[item].take(type, event, into: &events, &self.unread)
        if self.items.values[item].hasRefusal { self.hasRefusal = true }
    }

    /// The place of the event's item in the output; where the server does not say, the item begun last.
    private mutating func place(_ event: JSONView, isNew: Bool = false) throws(NeedletailError) -> Int {
        let place = event.present("output_index")?.int ?? (isNew ? self.items.count : self.lastPlace)
        guard (0..<Self.maximumItems).contains(place) else {
            throw NeedletailError(.malformedReply, "The provider's stream holds too many items.")
        }
        self.lastPlace = place
        return place
    }

    private mutating func start(_ response: JSONView?, into events: inout [ChatEvent]) {
        guard !self.hasStarted else { return }
        self.hasStarted = true
        self.replyID = response?.present("id")?.string ?? ""
        var start = StreamStart(
            id: self.replyID,
            model: response?.present("model")?.string ?? "",
            created: response?.present("created_at").flatMap(OpenAIResponses.seconds)
        )
        start.serviceTier = OpenAIChat.nonEmpty(response?.present("service_tier"))
        events.append(.started(start))
    }

    private mutating func open(_ place: Int, _ item: JSONView, into events: inout [ChatEvent]) {
        guard self.items[place] == nil else { return }
        switch item.present("type")?.string {
        case "function_call", "custom_tool_call":
            let isCustom = item.present("type")?.string == "custom_tool_call"
            let call = OpenAIResponsesItem.call(
                item, isCustom: isCustom, position: place, replyID: self.replyID)
            self.items[place] = OpenAIResponsesStreamItem(.call(self.calls))
            events.append(
                .toolCallStarted(index: self.calls, id: call.id, name: call.name, isCustom: isCustom, choice: 0))
            self.calls += 1
        case "message": self.items[place] = OpenAIResponsesStreamItem(.message)
        case "reasoning": self.items[place] = OpenAIResponsesStreamItem(.reasoning)
        default: self.items[place] = OpenAIResponsesStreamItem(.opaque)
        }
    }

    /// Text of an item that no event has announced; calls need their name and are taken when they are whole.
    private mutating func openUnannounced(
        _ place: Int, _ type: JSONWord, _ event: JSONView, into events: inout [ChatEvent]
    ) {
        if type.hasPrefix("response.output_text.") || type.hasPrefix("response.refusal.") {
            self.items[place] = OpenAIResponsesStreamItem(.message)
        } else if type.hasPrefix("response.reasoning") {
            self.items[place] = OpenAIResponsesStreamItem(.reasoning)
        } else {
            if !OpenAIResponsesStreamMembers.isProgress(type) { self.unread.add(type.string) }
            return
        }
        self.items[place]?.take(type, event, into: &events, &self.unread)
        if self.items[place]?.hasRefusal == true { self.hasRefusal = true }
    }

    private mutating func close(_ place: Int, _ item: JSONView, into events: inout [ChatEvent]) {
        guard var state = self.items[place], !state.isClosed else { return }
        state.close(item, position: place, replyID: self.replyID, into: &events)
        if state.hasRefusal { self.hasRefusal = true }
        self.items[place] = state
    }

    private mutating func end(_ response: JSONView, into events: inout [ChatEvent]) throws(NeedletailError) {
        if response.present("status")?.string == "failed" { throw OpenAIResponses.failure(response) }
        self.start(response, into: &events)
        if let output = response.present("output") {
            // Servers that leave out places number them anew here; then nothing is left to take.
            for (place, item) in output.elements.enumerated() where item.kind == .object && self.items.count <= place {
                guard place < Self.maximumItems else { break }
                let free = self.items[place] == nil ? place : Self.maximumItems + place
                self.open(free, item, into: &events)
                self.close(free, item, into: &events)
            }
        }
        let reason = OpenAIResponses.stopReason(response, hasCalls: self.calls > 0, hasRefusal: self.hasRefusal)
        events.append(.finished(reason, stopSequence: nil, choice: 0))
        if let usage = OpenAIResponses.usage(in: response) { events.append(.usage(usage)) }
        self.isComplete = true
    }
}
