import Foundation

/// What a request says, read naively, in words that all dialects share.
struct PlainConversation {
    enum Role { case system, user, assistant }

    struct Piece {
        var role: Role
        var text: String
        /// A document's title, which those without documents write before its text; `nil` of what is no document.
        var title: String?
    }

    /// The texts in order, without spaces, since the dialects join pieces differently.
    var pieces: [Piece] = []
    /// The media of all messages and tool results: base64 data, URLs or file ids.
    var media: [String] = []
    var calls: [SeenReply.Call] = []
    /// The results in order; the id is empty where the dialect has none.
    var results: [(id: String, text: String)] = []
    /// Whether a tool's result holds more than text.
    var hasMediaResults = false
    var signatures: [String] = []
    /// The titles of text documents, which stand before the text where there is no other place for them.
    var titles: [String] = []
    /// The schemas of the client's tools, by name.
    var tools: [String: String] = [:]
    /// Whether all of it is one prompt.
    var isFlat = false
    /// The texts of the assistant's turns as they are.
    var assistantText = ""

    var system: String { self.joined(.system) }
    var user: String { self.joined(.user) }
    var assistant: String { self.joined(.assistant) }
    /// Everything that is said.
    var all: String { self.pieces.map(\.text).joined() }

    /// What the user says, with the titles of documents.
    var titledUser: String {
        self.pieces.filter { $0.role == .user }.map { ($0.title ?? "") + $0.text }.joined()
    }
    /// The texts of all documents.
    var documents: [String] { self.pieces.filter { $0.title != nil }.map(\.text) }
    /// What is said by system and user, without documents.
    var said: String { self.pieces.filter { $0.title == nil && $0.role != .assistant }.map(\.text).joined() }

    private func joined(_ role: Role) -> String { self.pieces.filter { $0.role == role }.map(\.text).joined() }

    mutating func add(_ text: String, _ role: String, title: String? = nil) {
        let role: Role =
            switch role {
            case "system", "developer": .system
            case "assistant", "model", "chatbot": .assistant
            default: .user
            }
        if role == .assistant { self.assistantText += text }
        let text = Self.squeezed(text)
        if !text.isEmpty { self.pieces.append(Piece(role: role, text: text, title: title.map(Self.squeezed))) }
    }

    mutating func addResult(_ id: String, _ value: Any?) {
        // Where a result has no mark for a failure, its text says so.
        let text = Self.squeezed(Self.result(value))
        self.results.append((id, text.hasPrefix("Error:") ? String(text.dropFirst(6)) : text))
    }

    /// A call, which gets an id of its own where the dialect has none.
    mutating func addCall(_ call: SeenReply.Call) {
        var call = call
        if call.id.isEmpty { call.id = "call-\(self.calls.count)" }
        self.calls.append(call)
    }

    /// Gives each result without an id that of the first call by its name that has none yet, else of the first call.
    mutating func settleResults(names: [String]) {
        var open = self.calls
        for (index, result) in self.results.enumerated() where result.id.isEmpty {
            let name = index < names.count ? names[index] : ""
            guard let place = open.firstIndex(where: { $0.name == name }) ?? open.indices.first else { continue }
            self.results[index].id = open.remove(at: place).id
        }
    }

    /// Takes out the instruction that emulates JSON without a schema, exactly so at the end of the system prompt;
    /// returns whether it was there.
    mutating func removeJSONInstruction() -> Bool {
        let instruction = Self.squeezed(
            """
            Your final answer must be one valid JSON object and nothing else: no text before or after it, and no code
            fence around it.
            """)
        guard let place = self.pieces.lastIndex(where: { $0.role == .system }),
            self.pieces[place].text.hasSuffix(instruction)
        else { return false }
        self.pieces[place].text.removeLast(instruction.count)
        if self.pieces[place].text.isEmpty { self.pieces.remove(at: place) }
        return true
    }

    static func squeezed(_ text: String) -> String { text.filter { !$0.isWhitespace } }

    /// Content that is a string, or a list of parts with text.
    static func text(_ content: Any?) -> String {
        if let text = content as? String { return text }
        return (content as? [[String: Any]] ?? []).map { $0.text("text") }.joined()
    }

    /// What a tool answered as text. JSON has one spelling; an object made only to hold a text is that text.
    static func result(_ value: Any?) -> String {
        switch value {
        case let text as String:
            guard let object = JSON.object(text) else { return text }
            return self.result(object)
        case let object as [String: Any]:
            if object.count == 1, let (key, only) = object.first,
                ["result", "output", "content", "error"].contains(key)
            {
                return only is String || only is [String: Any] ? self.result(only) : JSON.canonical(only)
            }
            return JSON.canonical(object)
        case let parts as [[String: Any]]: return self.result(self.text(parts))
        case let value?: return value is NSNull ? "" : JSON.canonical(value)
        case nil: return ""
        }
    }

    /// Media at a URL, in a `data:` URL, or under an id.
    mutating func addMedia(_ url: String, _ role: String, title: String = "") {
        guard url.hasPrefix("data:"), let comma = url.firstIndex(of: ",") else { return self.media.append(url) }
        self.addMedia(
            base64: String(url[url.index(after: comma)...]), type: String(url.dropFirst(5)), role, title: title)
    }

    /// Media in base64. A text document is text, since it is for those who have no documents.
    mutating func addMedia(base64: String, type: String, _ role: String, title: String = "") {
        guard type.hasPrefix("text/"), let text = Data(base64Encoded: base64) else { return self.media.append(base64) }
        self.add(String(decoding: text, as: UTF8.self), role, title: title)
    }

    /// A schema's canonical form: `{}` and no schema at all mean a tool without arguments, and Gemini spells types in
    /// capitals.
    static func schema(_ value: Any?) -> String {
        var schema = self.lowered(value ?? [:]) as? [String: Any] ?? [:]
        if schema.object("properties").isEmpty { schema["properties"] = nil }
        if schema.text("type") == "object" { schema["type"] = nil }
        return JSON.canonical(schema)
    }

    private static func lowered(_ value: Any) -> Any {
        if let list = value as? [Any] { return list.map(self.lowered) }
        guard var object = value as? [String: Any] else { return value }
        for (key, inner) in object {
            object[key] = key == "type" && inner is String ? (inner as? String ?? "").lowercased() : self.lowered(inner)
        }
        return object
    }
}
