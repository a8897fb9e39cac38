import NIOCore
import NeedletailCore

/// One content block of a stream while it grows.
struct BedrockStreamBlock {
    /// The most that is gathered for a block that is handed on whole: what a whole reply may be.
    static let maximumSize = 16 << 20

    private enum Kind {
        /// Text, reasoning: what its deltas say.
        case plain
        case call(Int)
        /// An image in a format, whose data is gathered.
        case image(format: String)
        /// A call that Bedrock answers itself, or its answer.
        case opaque(type: String, beginning: JSONText)
    }

    private let kind: Kind
    /// The input so far, of a call that is handed on whole.
    private var input = ""
    /// The data so far, of an image.
    private var pieces: [String] = []
    /// The results so far, of an answer that is handed on whole.
    private var results: [JSONText] = []
    /// The sources of the block's text, which come before it.
    private var citations: [JSONText] = []
    /// Whether any part of a call's arguments was handed on.
    private var hasArguments = false
    private var size = 0

    /// A block without a `contentBlockStart`.
    init() {
        self.kind = .plain
    }

    /// Takes the `start` of `contentBlockStart`.
    init(_ start: JSONView, call: Int, _ events: inout [ChatEvent]) throws(NeedletailError) {
        guard let member = BedrockStreamMembers.kind(of: start) else {
            self.kind = .plain
            return
        }
        if member.hasKey("image") {
            self.kind = .image(format: member.value.present("format")?.string ?? "png")
            return
        }
        let type = member.value.present("type")?.string
        guard member.hasKey("toolUse"), type == nil || type == "tool_use" else {
            self.kind = .opaque(type: member.key, beginning: member.value.text)
            return
        }
        guard let id = member.value.present("toolUseId")?.string, let name = member.value.present("name")?.string
        else { throw NeedletailError(.malformedReply, "The provider's tool call has no id or no name.") }
        self.kind = .call(call)
        events.append(.toolCallStarted(index: call, id: id, name: name, isCustom: false, choice: 0))
    }

    /// Whether the block is a call of one of the client's tools.
    var isCall: Bool {
        if case .call = self.kind { true } else { false }
    }

    /// Takes one delta; kinds that this library does not know are passed over.
    mutating func extend(_ delta: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        for member in delta.members where !member.value.isNull {
            switch member.key {
            case "text":
                if let text = member.value.string, !text.isEmpty { events.append(.text(text, choice: 0)) }
            case "toolUse": try self.extendCall(member.value, &events)
            case "toolResult":
                for result in member.value.elements {
                    try self.grow(result.range.count)
                    self.results.append(result.text)
                }
            case "image":
                guard let data = member.value.present("source")?.present("bytes")?.string else {
                    guard member.value.members.contains(where: { !$0.value.isNull }) else { continue }
                    // A place in S3, or why there is no image.
                    try self.grow(member.value.range.count)
                    var json = JSONWriter()
                    json.beginObject()
                    json.key("image")
                    json.raw(member.value.text)
                    json.endObject()
                    let part = OpaquePart(
                        dialect: .bedrockConverse, type: "image", json: JSONText(unchecked: json.bytes))
                    events.append(.opaque(part, choice: 0))
                    continue
                }
                try self.grow(data.utf8.count)
                self.pieces.append(data)
            case "reasoningContent": Self.reason(member.value, &events)
            case "citation":
                try self.grow(member.value.range.count)
                self.citations.append(member.value.text)
            default: break
            }
        }
    }

    private mutating func extendCall(_ call: JSONView, _ events: inout [ChatEvent]) throws(NeedletailError) {
        guard let field = call.present("input") else { return }
        // A string that holds a piece of JSON; whole JSON would be no surprise.
        let fragment = field.string ?? String(buffer: field.raw)
        guard !fragment.isEmpty else { return }
        switch self.kind {
        case .call(let index):
            self.hasArguments = true
            events.append(.toolCallArguments(index: index, fragment: fragment, choice: 0))
        case .opaque:
            try self.grow(fragment.utf8.count)
            self.input += fragment
        case .plain, .image:
            throw NeedletailError(.malformedReply, "The provider extends a call that has not begun.")
        }
    }

    private static func reason(_ content: JSONView, _ events: inout [ChatEvent]) {
        if let text = content.present("text")?.string, !text.isEmpty { events.append(.reasoning(text, choice: 0)) }
        if let signature = content.present("signature")?.string, !signature.isEmpty {
            events.append(.reasoningSignature(signature, choice: 0))
        }
        if let data = content.present("redactedContent")?.string {
            events.append(.redactedReasoning(Base64State.read(data), choice: 0))
        }
    }

    private mutating func grow(_ count: Int) throws(NeedletailError) {
        self.size += count
        guard self.size > Self.maximumSize else { return }
        throw NeedletailError(.malformedReply, "The provider sent a block larger than \(Self.maximumSize) bytes.")
    }

    /// The block is whole.
    mutating func end(_ events: inout [ChatEvent]) throws(NeedletailError) {
        for citation in self.citations {
            events.append(.citation(citation, dialect: .bedrockConverse, choice: 0))
        }
        switch self.kind {
        case .plain: break
        case .call(let index):
            if !self.hasArguments {
                events.append(.toolCallArguments(index: index, fragment: "{}", choice: 0))
            }
        case .image(let format):
            guard !self.pieces.isEmpty else { break }
            guard let data = Base64.joined(self.pieces) else {
                throw NeedletailError(.malformedReply, "The provider sent an image that is not base64.")
            }
            let source = MediaSource.base64(mediaType: BedrockMediaFormat.imageType(format), data: data)
            events.append(.image(ImagePart(source), choice: 0))
        case .opaque(let type, let beginning):
            let part = OpaquePart(dialect: .bedrockConverse, type: type, json: self.assembled(type, beginning))
            events.append(.opaque(part, choice: 0))
            return
        }
        events.append(.blockEnded(choice: 0))
    }

    /// The block as a whole reply would have it.
    private func assembled(_ type: String, _ beginning: JSONText) -> JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.key(type)
        json.beginObject()
        if let view = try? beginning.view() {
            for member in view.members {
                json.key(member.key)
                json.raw(member.value.text)
            }
        }
        if !self.input.isEmpty {
            json.key("input")
            if let input = try? JSONText(self.input) { json.raw(input) } else { json.string(self.input) }
        }
        if !self.results.isEmpty {
            json.key("content")
            json.beginArray()
            for result in self.results { json.raw(result) }
            json.endArray()
        }
        json.endObject()
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }
}
