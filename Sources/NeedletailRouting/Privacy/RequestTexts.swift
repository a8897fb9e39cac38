import NIOCore
import NeedletailCore

/// Where a text stands in a request.
struct TextPlace: Sendable, Hashable {
    /// The keys and places that lead to it, `messages.0.content`.
    var path: String
    /// Whose message it is in, where it is in one.
    var role: String?
}

/// A piece of a text, in bytes of UTF-8, and what comes in its place.
struct TextEdit: Sendable, Hashable {
    var range: Range<Int>
    var replacement: String
}

/// Looks at the texts of a request, one after the other.
protocol TextVisitor {
    /// - Returns: What is to be changed, in order and without overlaps.
    mutating func visit(_ text: Span<UInt8>, at place: TextPlace) throws(NeedletailError) -> [TextEdit]
}

extension InferenceRequest {
    /// Shows `visitor` every text and changes what it says. Of a body in JSON every other byte stays as it is.
    ///
    /// A body that is no JSON, such as a form with a file, has no texts.
    mutating func visitTexts(_ visitor: inout some TextVisitor) throws(NeedletailError) {
        switch self.body {
        case .model(var request):
            if try request.visitTexts(&visitor) { self.body = .model(request) }
        case .wire(var wire, let landmarks):
            guard !self.operation.isAboutResponse, self.operation != .listModels,
                let root = try? JSONDocument(wire.bytes).root
            else { return }
            var walk = JSONTextWalk()
            try walk.visit(root, &visitor)
            guard !walk.edits.isEmpty else { return }
            // What grows is counted as though every byte of it were a token: estimates must not fall short.
            self.estimatedInputTokens += max(0, walk.growth)
            wire.bytes = walk.applied(to: wire.bytes)
            self.body = .wire(wire, walk.moved(landmarks))
        }
    }
}

extension ChatRequest {
    /// As for bytes; whether anything was changed.
    fileprivate mutating func visitTexts(_ visitor: inout some TextVisitor) throws(NeedletailError) -> Bool {
        var isChanged = false
        for index in self.messages.indices {
            let place = TextPlace(path: "messages.\(index).content", role: self.messages[index].role.rawValue)
            if try Self.visit(&self.messages[index].content, place, &visitor) { isChanged = true }
        }
        for index in self.tools.indices {
            guard var text = self.tools[index].description else { continue }
            if try Self.visit(&text, TextPlace(path: "tools.\(index).description"), &visitor) {
                self.tools[index].description = text
                isChanged = true
            }
        }
        if var user = self.endUser, try Self.visit(&user, TextPlace(path: "user"), &visitor) {
            self.endUser = user
            isChanged = true
        }
        return isChanged
    }

    private static func visit(
        _ parts: inout [ContentPart], _ place: TextPlace, _ visitor: inout some TextVisitor
    ) throws(NeedletailError) -> Bool {
        var isChanged = false
        for index in parts.indices {
            var inner = place
            inner.path += ".\(index)"
            var part = parts[index]
            guard try Self.visit(&part, inner, &visitor) else { continue }
            parts[index] = part
            isChanged = true
        }
        return isChanged
    }

    private static func visit(
        _ part: inout ContentPart, _ place: TextPlace, _ visitor: inout some TextVisitor
    ) throws(NeedletailError) -> Bool {
        switch part {
        case .text(var text):
            guard try Self.visit(&text.text, place, &visitor) else { return false }
            part = .text(text)
        case .toolCall(var call):
            guard try Self.visit(&call.arguments, place, &visitor) else { return false }
            part = .toolCall(call)
        case .toolResult(var result):
            guard try Self.visit(&result.content, place, &visitor) else { return false }
            part = .toolResult(result)
        case .refusal(var text):
            guard try Self.visit(&text, place, &visitor) else { return false }
            part = .refusal(text)
        case .document(var document):
            guard case .text(var text) = document.source, try Self.visit(&text, place, &visitor) else { return false }
            document.source = .text(text)
            document.passages = []
            part = .document(document)
        case .reasoning(var reasoning):
            guard try Self.visit(&reasoning.text, place, &visitor) else { return false }
            part = .reasoning(reasoning)
        case .image, .audio, .redactedReasoning, .opaque: return false
        }
        return true
    }

    private static func visit(
        _ text: inout String, _ place: TextPlace, _ visitor: inout some TextVisitor
    ) throws(NeedletailError) -> Bool {
        let bytes = Array(text.utf8)
        let edits = try visitor.visit(bytes.span, at: place)
        guard !edits.isEmpty else { return false }
        text = TextEdit.applied(edits, to: bytes)
        return true
    }
}

extension TextEdit {
    /// The text with all edits made.
    static func applied(_ edits: [TextEdit], to bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        var position = 0
        for edit in edits where edit.range.lowerBound >= position && edit.range.upperBound <= bytes.count {
            out += bytes[position..<edit.range.lowerBound]
            out += edit.replacement.utf8
            position = edit.range.upperBound
        }
        out += bytes[position...]
        return String(decoding: out, as: UTF8.self)
    }
}
