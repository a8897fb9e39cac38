import NIOCore
import NeedletailCore

/// A dialect in whose words providers give out what only they can read.
protocol StateCarryingDialect: Dialect {
    /// As ``Dialect/inspectReply(_:)``; on the way, hands out the state in the reply.
    static func inspectReply(
        _ body: ByteBuffer, state: (String) -> Void
    ) throws(NeedletailError) -> Usage?

    /// Hands out the state in an event of a stream.
    static func readState(inEvent event: JSONView, _ state: (String) -> Void)

    /// Edits what the upstream cannot read out of a request in its own dialect; all other bytes stay.
    ///
    /// - Throws: `.unsupported` for what cannot be left out.
    static func removeForeignState(from request: JSONView, _ edit: inout StateEdit) throws(NeedletailError)
}

/// What is edited out of a request.
struct StateEdit {
    let filter: StateFilter
    /// The upstream's model.
    let model: String
    var splice: JSONSplice
    var losses: [Loss] = []

    /// Takes elements, by their place and ascending, out of a list.
    ///
    /// - Returns: Whether nothing is left of a list that was not empty.
    @discardableResult
    mutating func remove(_ out: [Int], of list: JSONView) -> Bool {
        guard !out.isEmpty else { return false }
        let places = list.elements.map(\.range)
        self.splice.remove(out, from: places)
        return out.count == places.count
    }

    /// Takes members out of an object.
    mutating func remove(_ keys: [StaticString], of object: JSONView) {
        var places: [Range<Int>] = []
        var out: [Int] = []
        for member in object.members {
            if keys.contains(where: { member.hasKey($0) }) { out.append(places.count) }
            places.append(member.range)
        }
        self.splice.remove(out, from: places)
    }

    /// Puts a value in the place of another.
    mutating func replace(_ value: JSONView, with text: JSONText) {
        self.splice.replace(value.range, with: text.bytes)
    }

    /// Adds a member after another, whose value is given.
    mutating func add(_ key: StaticString, _ text: JSONText, after value: JSONView) {
        var json = ByteBuffer(string: ",\"\(key)\":")
        json.writeImmutableBuffer(text.bytes)
        self.splice.replace(value.range.upperBound..<value.range.upperBound, with: json)
    }

    /// Notes that something was left out.
    mutating func lose(_ field: ModelField, in dialect: DialectID) {
        self.losses.add(field.name(in: dialect), "It was issued by another provider, which alone can read it.")
    }
}

extension DialectID {
    /// The code for the dialect's state, if it carries any.
    var stateCarrier: (any StateCarryingDialect.Type)? {
        switch self {
        case .openAIChat: OpenAIChat.self
        case .anthropicMessages: AnthropicMessages.self
        case .openAIResponses: OpenAIResponses.self
        case .gemini: Gemini.self
        case .bedrockConverse: BedrockConverse.self
        case .ollamaChat, .ollamaGenerate, .cohereChat, .openAICompletions: nil
        }
    }
}
