import NIOCore
import NeedletailCore

/// One item of an upstream's stream while it grows.
struct OpenAIResponsesStreamItem {
    enum Kind: Equatable {
        case message, reasoning, opaque
        /// The call's number among the calls.
        case call(Int)
    }

    private let kind: Kind
    /// What of the part in progress has been handed on.
    private var sent = ""
    /// Whether anything of the item has been.
    private var hasContent = false
    /// The part in progress: of a message its `content_index`, of reasoning its `summary_index`.
    private var part = 0
    /// Whether reasoning comes as itself or as a summary of it; the first kind that comes is taken.
    private var isSummary: Bool?
    private(set) var hasRefusal = false
    private(set) var isClosed = false

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// Whether it is handed on whole, so that its steps say nothing more.
    var isForeign: Bool { self.kind == .opaque }

    /// Takes an event about the item; types this library does not know are passed over, and named.
    mutating func take(
        _ type: JSONWord, _ event: JSONView, into events: inout [ChatEvent], _ unread: inout UnreadMembers
    ) {
        guard !self.isClosed else { return }
        switch (self.kind, type) {
        case (.message, "response.content_part.added"), (.message, "response.content_part.done"):
            OpenAIResponsesStreamMembers.look(atPartOf: event, path: "output.content", &unread)
        case (.reasoning, "response.reasoning_summary_part.added"),
            (.reasoning, "response.reasoning_summary_part.done"):
            OpenAIResponsesStreamMembers.look(atPartOf: event, path: "output.summary", &unread)
        case (.message, "response.output_text.delta"):
            self.turn(to: event.present("content_index"), into: &events)
            self.text(event.present("delta")?.string, into: &events)
            self.logprobs(event, into: &events)
        case (.message, "response.output_text.done"):
            self.turn(to: event.present("content_index"), into: &events)
            guard let rest = self.rest(of: event.present("text")?.string) else { return }
            let isWhole = self.sent.isEmpty
            self.text(rest, into: &events)
            if isWhole { self.logprobs(event, into: &events) }
        case (.message, "response.output_text.annotation.added"):
            guard let annotation = event.present("annotation"), annotation.kind == .object else { return }
            events.append(.citation(annotation.text, dialect: .openAIResponses, choice: 0))
        case (.message, "response.refusal.delta"):
            self.turn(to: event.present("content_index"), into: &events)
            self.refusal(event.present("delta")?.string, into: &events)
        case (.message, "response.refusal.done"):
            self.turn(to: event.present("content_index"), into: &events)
            self.refusal(self.rest(of: event.present("refusal")?.string), into: &events)
        case (.reasoning, "response.reasoning_summary_text.delta"):
            self.thought(event.present("delta"), event.present("summary_index"), isSummary: true, into: &events)
        case (.reasoning, "response.reasoning_summary_text.done"):
            self.wholeThought(event, event.present("summary_index"), isSummary: true, into: &events)
        case (.reasoning, "response.reasoning_text.delta"):
            self.thought(event.present("delta"), event.present("content_index"), isSummary: false, into: &events)
        case (.reasoning, "response.reasoning_text.done"):
            self.wholeThought(event, event.present("content_index"), isSummary: false, into: &events)
        case (.call(let index), "response.function_call_arguments.delta"),
            (.call(let index), "response.custom_tool_call_input.delta"):
            self.arguments(event.present("delta"), index, into: &events)
        case (.call(let index), "response.function_call_arguments.done"):
            self.arguments(event.present("arguments"), index, isWhole: true, into: &events)
        case (.call(let index), "response.custom_tool_call_input.done"):
            self.arguments(event.present("input"), index, isWhole: true, into: &events)
        // An item that only its own dialect knows is handed on when it is whole.
        case (.opaque, _): break
        default: if !OpenAIResponsesStreamMembers.isProgress(type) { unread.add(type.string) }
        }
    }

    /// A new part of the item ends the one before.
    private mutating func turn(to index: JSONView?, into events: inout [ChatEvent]) {
        guard let index = index?.int, index != self.part else { return }
        self.part = index
        self.sent = ""
        if self.hasContent { events.append(.blockEnded(choice: 0)) }
    }

    private mutating func text(_ text: String?, into events: inout [ChatEvent]) {
        guard let text, !text.isEmpty else { return }
        self.sent += text
        self.hasContent = true
        events.append(.text(text, choice: 0))
    }

    private mutating func refusal(_ text: String?, into events: inout [ChatEvent]) {
        guard let text, !text.isEmpty else { return }
        self.sent += text
        self.hasContent = true
        self.hasRefusal = true
        events.append(.refusal(text, choice: 0))
    }

    private func logprobs(_ event: JSONView, into events: inout [ChatEvent]) {
        guard let list = event.present("logprobs") else { return }
        let logprobs = list.elements.map(\.text)
        guard !logprobs.isEmpty else { return }
        events.append(.logprobs(OpenAIResponsesItem.chatLogprobs(logprobs), choice: 0))
    }

    private mutating func thought(
        _ delta: JSONView?, _ index: JSONView?, isSummary: Bool, into events: inout [ChatEvent]
    ) {
        guard self.isSummary ?? isSummary == isSummary, let text = delta?.string, !text.isEmpty else { return }
        self.isSummary = isSummary
        self.turn(to: index, into: &events)
        self.sent += text
        self.hasContent = true
        events.append(.reasoning(text, choice: 0))
    }

    private mutating func wholeThought(
        _ event: JSONView, _ index: JSONView?, isSummary: Bool, into events: inout [ChatEvent]
    ) {
        guard self.isSummary ?? isSummary == isSummary else { return }
        self.turn(to: index, into: &events)
        guard let rest = self.rest(of: event.present("text")?.string) else { return }
        self.isSummary = isSummary
        self.sent += rest
        self.hasContent = true
        events.append(.reasoning(rest, choice: 0))
    }

    /// What of a whole text has not been handed on; `nil` if that is nothing, or the text is another one.
    private func rest(of whole: String?) -> String? {
        guard let whole, whole.utf8.count > self.sent.utf8.count, whole.utf8.starts(with: self.sent.utf8) else {
            return nil
        }
        return String(decoding: whole.utf8.dropFirst(self.sent.utf8.count), as: UTF8.self)
    }

    private mutating func arguments(
        _ value: JSONView?, _ index: Int, isWhole: Bool = false, into events: inout [ChatEvent]
    ) {
        var fragment = OpenAIChatRequestDecoder.arguments(value)
        if isWhole { fragment = self.rest(of: fragment) ?? "" }
        guard !fragment.isEmpty else { return }
        self.sent += fragment
        self.hasContent = true
        events.append(.toolCallArguments(index: index, fragment: fragment, choice: 0))
    }

    /// Takes the whole item, and hands on what has not been streamed of it.
    mutating func close(_ item: JSONView, position: Int, replyID: String, into events: inout [ChatEvent]) {
        guard !self.isClosed else { return }
        self.isClosed = true
        switch self.kind {
        case .opaque:
            guard let type = item.present("type")?.string else { return }
            let part = OpaquePart(dialect: .openAIResponses, type: type, json: item.text)
            events.append(.opaque(part, choice: 0))
            return
        case .call(let index):
            let whole = item.present("arguments") ?? item.present("input")
            self.arguments(whole, index, isWhole: true, into: &events)
        case .message: if !self.hasContent { self.message(item, position, replyID, into: &events) }
        case .reasoning: self.reasoning(item, into: &events)
        }
        events.append(.blockEnded(choice: 0))
    }

    private mutating func message(
        _ item: JSONView, _ position: Int, _ replyID: String, into events: inout [ChatEvent]
    ) {
        guard let content = OpenAIResponsesItem.read(item, position: position, replyID: replyID) else { return }
        for part in content.parts {
            if self.hasContent { events.append(.blockEnded(choice: 0)) }
            switch part {
            case .text(let text):
                self.text(text.text, into: &events)
                guard let citations = try? text.citations?.view() else { continue }
                for citation in citations.elements {
                    events.append(.citation(citation.text, dialect: .openAIResponses, choice: 0))
                }
            case .refusal(let text): self.refusal(text, into: &events)
            case .opaque(let part): events.append(.opaque(part, choice: 0))
            default: break
            }
        }
        if !content.logprobs.isEmpty {
            events.append(.logprobs(OpenAIResponsesItem.chatLogprobs(content.logprobs), choice: 0))
        }
    }

    private func reasoning(_ item: JSONView, into events: inout [ChatEvent]) {
        var parts = OpenAIResponsesReasoning.parts(item)
        if self.hasContent { parts = Array(parts.suffix(1)) }
        for (number, part) in parts.enumerated() {
            switch part {
            case .reasoning(let thought):
                if !self.hasContent {
                    if number > 0 { events.append(.blockEnded(choice: 0)) }
                    if !thought.text.isEmpty { events.append(.reasoning(thought.text, choice: 0)) }
                }
                if let state = thought.signature { events.append(.reasoningSignature(state, choice: 0)) }
            case .redactedReasoning(let state):
                // A summary that has been streamed and is not repeated in the whole item is signed all the same.
                events.append(
                    self.hasContent ? .reasoningSignature(state, choice: 0) : .redactedReasoning(state, choice: 0))
            default: break
            }
        }
    }
}
