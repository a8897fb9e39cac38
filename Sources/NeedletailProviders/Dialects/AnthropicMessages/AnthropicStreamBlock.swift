import NIOCore
import NeedletailCore

/// One content block of a stream while it grows.
struct AnthropicStreamBlock {
    /// The most that is gathered for a block that is handed on whole: what a whole reply may be.
    static let maximumSize = 16 << 20

    private enum Kind {
        case text, thinking, redactedThinking
        case call(Int)
        case opaque(String)
    }

    private let kind: Kind
    /// The call's input or the opaque block as it began.
    private var beginning: JSONText?
    /// The input so far, of a block that is handed on whole.
    private var input = ""
    /// Whether any part of a call's arguments was handed on.
    private var hasArguments = false
    /// Members that deltas of unknown types brought.
    private var additions: [(key: String, value: JSONText)] = []
    private var size = 0

    init(type: String) {
        self.kind =
            switch type {
            case "text": .text
            case "thinking": .thinking
            case "redacted_thinking": .redactedThinking
            case "tool_use": .call(0)
            default: .opaque(type)
            }
    }

    private init(kind: Kind) {
        self.kind = kind
    }

    /// Whether the block is a call of one of the client's tools.
    var isCall: Bool {
        if case .call = self.kind { true } else { false }
    }

    /// Takes the block of `content_block_start`.
    mutating func start(_ content: JSONView, call: Int, _ events: inout [ChatEvent]) throws(NeedletailError) {
        switch self.kind {
        case .text:
            if let text = content.present("text")?.string, !text.isEmpty { events.append(.text(text, choice: 0)) }
            if let citations = content.present("citations") {
                for citation in citations.elements {
                    events.append(.citation(citation.text, dialect: .anthropicMessages, choice: 0))
                }
            }
        case .thinking:
            if let text = content.present("thinking")?.string, !text.isEmpty {
                events.append(.reasoning(text, choice: 0))
            }
            if let signature = content.present("signature")?.string, !signature.isEmpty {
                events.append(.reasoningSignature(signature, choice: 0))
            }
        case .redactedThinking:
            events.append(.redactedReasoning(content.present("data")?.string ?? "", choice: 0))
        case .call:
            guard let id = content.present("id")?.string, let name = content.present("name")?.string else {
                throw NeedletailError(.malformedReply, "The provider's tool call has no id or no name.")
            }
            self = Self(kind: .call(call))
            if let input = content.present("input"), input.members.contains(where: { _ in true }) {
                self.beginning = input.text
            } else {
                self.beginning = AnthropicContentReader.spelledInput(content)
            }
            events.append(.toolCallStarted(index: call, id: id, name: name, isCustom: false, choice: 0))
        case .opaque:
            self.beginning = content.text
            self.size = content.range.count
        }
    }

    /// Takes one delta; types this library does not know are passed over, and named, in blocks it does know.
    mutating func extend(
        _ type: JSONWord, _ delta: JSONView, _ events: inout [ChatEvent], _ unread: inout UnreadMembers
    ) throws(NeedletailError) {
        switch (self.kind, type) {
        case (.text, "text_delta"):
            if let text = try Self.string(delta, "text") { events.append(.text(text, choice: 0)) }
        case (.text, "citations_delta"):
            guard let citation = delta.present("citation") else { return }
            events.append(.citation(citation.text, dialect: .anthropicMessages, choice: 0))
        case (.thinking, "thinking_delta"):
            if let text = try Self.string(delta, "thinking") { events.append(.reasoning(text, choice: 0)) }
        case (.thinking, "signature_delta"):
            if let text = try Self.string(delta, "signature") { events.append(.reasoningSignature(text, choice: 0)) }
        case (.call(let call), "input_json_delta"):
            guard let fragment = try Self.string(delta, "partial_json") else { return }
            self.hasArguments = true
            events.append(.toolCallArguments(index: call, fragment: fragment, choice: 0))
        case (.opaque, "input_json_delta"):
            guard let fragment = try Self.string(delta, "partial_json") else { return }
            try self.grow(fragment.utf8.count)
            self.input += fragment
        case (.opaque, _):
            for member in delta.members where !member.hasKey("type") {
                try self.grow(member.value.range.count)
                self.add(member.key, member.value)
            }
        default: unread.add(type.string)
        }
    }

    /// The string under `key`; `nil` if it is empty or absent.
    private static func string(_ delta: JSONView, _ key: StaticString) throws(NeedletailError) -> String? {
        guard let field = delta.present(key) else { return nil }
        guard let string = field.string else {
            throw NeedletailError(.malformedReply, "The provider sent a delta whose \(key) is no string.")
        }
        return string.isEmpty ? nil : string
    }

    private mutating func grow(_ count: Int) throws(NeedletailError) {
        self.size += count
        guard self.size > Self.maximumSize else { return }
        throw NeedletailError(.malformedReply, "The provider sent a block larger than \(Self.maximumSize) bytes.")
    }

    /// Strings go on where the last delta ended, other values replace the one before.
    private mutating func add(_ key: String, _ value: JSONView) {
        guard let index = self.additions.firstIndex(where: { $0.key == key }) else {
            self.additions.append((key, value.text))
            return
        }
        let known = (try? self.additions[index].value.view())?.string
        if let known, let more = value.string {
            self.additions[index].value = JSONText(string: known + more)
        } else {
            self.additions[index].value = value.text
        }
    }

    /// The block is whole.
    mutating func end(_ events: inout [ChatEvent]) {
        switch self.kind {
        case .text, .thinking, .redactedThinking: break
        case .call(let call):
            if !self.hasArguments {
                let arguments = self.beginning?.description ?? "{}"
                events.append(.toolCallArguments(index: call, fragment: arguments, choice: 0))
            }
        case .opaque(let type):
            guard let json = self.assembled() else { return }
            let part = OpaquePart(dialect: .anthropicMessages, type: type, json: json)
            events.append(.opaque(part, choice: 0))
            return
        }
        events.append(.blockEnded(choice: 0))
    }

    /// The block as a whole reply would have it.
    private func assembled() -> JSONText? {
        guard let beginning = self.beginning else { return nil }
        let input = self.input.isEmpty ? nil : try? JSONText(self.input)
        guard input != nil || !self.additions.isEmpty, let view = try? beginning.view() else { return beginning }
        var added = self.additions
        if let input { added.append(("input", input)) }
        var json = JSONWriter()
        json.beginObject()
        for member in view.members {
            let key = member.key
            json.key(key)
            if let index = added.firstIndex(where: { $0.key == key }) {
                json.raw(added.remove(at: index).value)
            } else {
                json.raw(member.value.text)
            }
        }
        for (key, value) in added {
            json.key(key)
            json.raw(value)
        }
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }
}
