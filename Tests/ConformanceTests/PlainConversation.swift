import Foundation
import NeedletailCore

/// What a request says, read naively, in words that both dialects share.
struct PlainConversation {
    var system = ""
    var user = ""
    var assistant = ""
    /// The media of all messages and tool results: base64 data, URLs or file ids.
    var media: [String] = []
    var calls: [SeenReply.Call] = []
    var results: [String: String] = [:]
    /// Whether a tool's result holds more than text.
    var hasMediaResults = false
    var signatures: [String] = []
    /// The schemas of the client's tools, by name.
    var tools: [String: String] = [:]

    init(_ body: [String: Any], dialect: DialectID) {
        switch dialect {
        case .openAIChat: self.readChat(body)
        case .anthropicMessages: self.readMessages(body)
        default: preconditionFailure("not spelled out")
        }
    }

    /// Text without spaces, since the dialects join pieces differently.
    static func squeezed(_ text: String) -> String { text.filter { !$0.isWhitespace } }

    private mutating func add(_ text: String, _ role: String) {
        switch role {
        case "system", "developer": self.system += Self.squeezed(text)
        case "assistant": self.assistant += Self.squeezed(text)
        default: self.user += Self.squeezed(text)
        }
    }

    // MARK: OpenAI

    private mutating func readChat(_ body: [String: Any]) {
        for tool in body["tools"] as? [[String: Any]] ?? [] {
            guard let function = tool["function"] as? [String: Any], let name = function["name"] as? String
            else { continue }
            self.tools[name] = Self.schema(function["parameters"])
        }
        for function in body["functions"] as? [[String: Any]] ?? [] {
            if let name = function["name"] as? String { self.tools[name] = Self.schema(function["parameters"]) }
        }
        var last = ""
        for message in body["messages"] as? [[String: Any]] ?? [] {
            let role = message["role"] as? String ?? ""
            switch role {
            case "tool", "function":
                let id = message["tool_call_id"] as? String ?? last
                self.results[id] = Self.squeezed(SentConversation.text(message["content"]))
                self.readParts(message["content"], "result")
            case "assistant":
                let seen = SeenReply(
                    JSON.data(["choices": [["message": message]]]), dialect: .openAIChat, isStream: false)
                self.calls += seen.calls
                self.signatures += seen.signatures
                self.add(seen.text, role)
                last = seen.calls.last?.id ?? last
            default:
                self.add(SentConversation.text(message["content"]), role)
                self.readParts(message["content"], role)
            }
        }
    }

    private mutating func readParts(_ content: Any?, _ role: String) {
        for part in content as? [[String: Any]] ?? [] {
            let url = (part["image_url"] as? [String: Any])?["url"] ?? part["image_url"]
            if let url = url as? String { self.media.append(Self.payload(url)) }
            if let file = part["file"] as? [String: Any] {
                for key in ["file_data", "file_id"] {
                    if let value = file[key] as? String { self.media.append(Self.payload(value)) }
                }
            }
        }
    }

    private static func payload(_ url: String) -> String {
        guard url.hasPrefix("data:"), let comma = url.firstIndex(of: ",") else { return url }
        return String(url[url.index(after: comma)...])
    }

    /// `{}` and no schema at all mean a tool without arguments.
    private static func schema(_ value: Any?) -> String {
        var schema = value as? [String: Any] ?? [:]
        if (schema["properties"] as? [String: Any])?.isEmpty == true { schema["properties"] = nil }
        if schema["type"] as? String == "object" { schema["type"] = nil }
        return JSON.canonical(schema)
    }

    // MARK: Anthropic

    private mutating func readMessages(_ body: [String: Any]) {
        self.add(SentConversation.text(body["system"]), "system")
        for tool in body["tools"] as? [[String: Any]] ?? [] where tool["input_schema"] != nil {
            if let name = tool["name"] as? String { self.tools[name] = Self.schema(tool["input_schema"]) }
        }
        for message in body["messages"] as? [[String: Any]] ?? [] {
            let role = message["role"] as? String ?? ""
            if let text = message["content"] as? String { self.add(text, role) }
            for block in message["content"] as? [[String: Any]] ?? [] { self.readBlock(block, role) }
        }
    }

    private mutating func readBlock(_ block: [String: Any], _ role: String) {
        switch block["type"] as? String {
        case "text": self.add(block["text"] as? String ?? "", role)
        case "image", "document":
            let source = block["source"] as? [String: Any] ?? [:]
            for key in ["data", "url", "file_id"] {
                guard let value = source[key] as? String else { continue }
                // A text document is text for those who have no documents.
                if source["type"] as? String == "text" { self.add(value, role) } else { self.media.append(value) }
            }
        case "thinking":
            if let signature = block["signature"] as? String, !signature.isEmpty { self.signatures.append(signature) }
        case "tool_use":
            self.calls.append(
                SeenReply.Call(
                    id: block["id"] as? String ?? "", name: block["name"] as? String ?? "",
                    arguments: JSON.canonical(block["input"] ?? [String: Any]())))
        case "tool_result":
            self.results[block["tool_use_id"] as? String ?? ""] = Self.squeezed(SentConversation.text(block["content"]))
            for inner in block["content"] as? [[String: Any]] ?? [] where inner["type"] as? String != "text" {
                self.readBlock(inner, role)
                self.hasMediaResults = true
            }
        default: break
        }
    }
}
