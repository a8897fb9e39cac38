import NIOCore
import NeedletailCore

/// Reads an upstream's stream: the reply is over with the line that says `"done": true`.
struct OllamaStreamDecoder: StreamDecoder {
    private let kind: OllamaKind
    private var framing = LineDecoder()
    private var hasStarted = false
    private var callCount = 0
    /// When the reply began, as spelled.
    private var time = ""
    private(set) var isComplete = false
    var unread = UnreadMembers()

    init(_ kind: OllamaKind) {
        self.kind = kind
    }

    mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        guard !self.isComplete else { return }
        self.framing.feed(chunk)
        while !self.isComplete, let event = try self.framing.next() { try self.take(event.data, into: &events) }
    }

    mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError) {
        if !self.isComplete, let event = try self.framing.finish() {
            do {
                try self.take(event.data, into: &events)
            } catch {
                // Half a line at the end of the bytes is a stream cut short, which is told below.
                guard error.code == .malformedReply else { throw error }
            }
        }
        guard !self.isComplete else { return }
        throw NeedletailError(
            .unreachable, "The provider's stream ended before its reply did.", mayHaveBeenProcessed: true)
    }

    mutating func salvage(into events: inout [ChatEvent]) -> Bool { self.isComplete }

    private mutating func take(_ line: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError) {
        let root = try OllamaReply.root(line)
        OllamaReply.look(at: root, self.kind, &self.unread)
        if !self.hasStarted {
            self.hasStarted = true
            self.time = root.present("created_at")?.string ?? ""
            events.append(
                .started(
                    StreamStart(
                        id: "", model: root.present("model")?.string ?? "", created: OllamaTime.seconds(self.time))))
        }
        if let message = OllamaReply.message(root, self.kind) { self.message(message, into: &events) }
        if let logprobs = OllamaLogprobs.openAI(root.present("logprobs")) {
            events.append(.logprobs(logprobs, choice: 0))
        }
        guard root.present("done")?.bool == true else { return }
        self.isComplete = true
        let reason = OllamaReply.stopReason(root.present("done_reason")?.string, hasCalls: self.callCount > 0)
        events.append(.finished(reason, stopSequence: nil, choice: 0))
        if let usage = OllamaUsage.read(root) { events.append(.usage(usage)) }
    }

    private mutating func message(_ message: JSONView, into events: inout [ChatEvent]) {
        if let text = OllamaReply.thinking(message) { events.append(.reasoning(text, choice: 0)) }
        if let text = OllamaReply.text(message, self.kind) { events.append(.text(text, choice: 0)) }
        for image in OllamaReply.images(message) { events.append(.image(image, choice: 0)) }
        for call in OllamaReply.calls(message, after: self.callCount, time: self.time) {
            let index = self.callCount
            self.callCount += 1
            events.append(.toolCallStarted(index: index, id: call.id, name: call.name, isCustom: false, choice: 0))
            if !call.arguments.isEmpty {
                events.append(.toolCallArguments(index: index, fragment: call.arguments, choice: 0))
            }
        }
    }
}
