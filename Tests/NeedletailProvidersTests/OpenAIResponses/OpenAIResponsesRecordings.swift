import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

/// The recorded responses beside the checkout, where they are there.
enum OpenAIResponsesRecordings {
    static let cases: [OpenAIChatRecordings.Case] = {
        let manager = FileManager.default
        let root = OpenAIChatRecordings.root
        var cases: [OpenAIChatRecordings.Case] = []
        for provider in (try? manager.contentsOfDirectory(atPath: root))?.sorted() ?? [] {
            for surface in ["responses", "responses-other", "openai-responses"] {
                let folder = "\(root)/\(provider)/\(surface)"
                for name in (try? manager.contentsOfDirectory(atPath: folder))?.sorted() ?? [] {
                    guard let data = manager.contents(atPath: "\(folder)/\(name)/meta.json"),
                        let meta = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
                    else { continue }
                    cases.append(
                        OpenAIChatRecordings.Case(
                            name: "\(provider)/\(surface)/\(name)", status: meta["http_status"] as? Int ?? 200))
                }
            }
        }
        return cases
    }()

    static func having(_ file: String) -> [OpenAIChatRecordings.Case] {
        self.cases.filter {
            FileManager.default.fileExists(atPath: "\(OpenAIChatRecordings.root)/\($0.name)/\(file)")
        }
    }

    static func object(_ bytes: ByteBuffer?) -> [String: Any] {
        guard let bytes else { return [:] }
        return (try? JSONSerialization.jsonObject(with: Data(bytes.readableBytesView))) as? [String: Any] ?? [:]
    }

    /// The first response of a stream. Some files hold the streams of a whole conversation one after the other.
    static func stream(_ recording: OpenAIChatRecordings.Case) -> ByteBuffer? {
        guard let bytes = recording.bytes("stream.sse") else { return nil }
        let text = String(buffer: bytes)
        for name in ["response.completed", "response.incomplete"] {
            guard let start = text.range(of: "\"type\":\"\(name)\""),
                let end = text.range(of: "\n\n", range: start.upperBound..<text.endIndex)
            else { continue }
            let rest = text[end.upperBound...]
            // The end marker that some servers send belongs to it.
            if rest.hasPrefix("data: [DONE]") { return bytes }
            return ByteBuffer(substring: text[..<end.upperBound])
        }
        return bytes
    }

    /// The events of a stream as a reader of lines sees them.
    static func events(_ text: String) -> [[String: Any]] {
        text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("data:") }.compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.dropFirst(5).utf8))) as? [String: Any]
        }
    }
}

/// What a reader that knows nothing of this package's model makes of a response.
struct OpenAIResponsesNaiveReply: Equatable {
    var text = ""
    var refusal = ""
    var reasoning = ""
    var calls: [String] = []
    var status = ""
    var inputTokens: Int?
    var outputTokens: Int?

    /// Of a whole response.
    init(_ response: [String: Any]) {
        self.envelope(response)
        for item in response["output"] as? [[String: Any]] ?? [] { self.item(item) }
    }

    /// Of a stream: its finished items, and of its last event only what stands around the items.
    init(events: [[String: Any]]) {
        for event in events {
            switch event["type"] as? String {
            case "response.output_item.done": self.item(event["item"] as? [String: Any] ?? [:])
            case "response.completed", "response.incomplete":
                self.envelope(event["response"] as? [String: Any] ?? [:])
            default: break
            }
        }
    }

    /// Of the model.
    init(_ reply: ChatResponse) {
        for part in reply.choices.first?.content ?? [] {
            switch part {
            case .text(let part): self.text += part.text
            case .refusal(let part): self.refusal += part
            case .reasoning(let part): self.reasoning += part.text
            case .toolCall(let call): self.calls.append("\(call.id) \(call.name) \(call.arguments)")
            default: break
            }
        }
        self.status =
            switch reply.choices.first?.stopReason {
            case .maxTokens: "max_output_tokens"
            case .contentFilter: "content_filter"
            case .other(let word): word
            default: "completed"
            }
        self.inputTokens = reply.usage?.inputTokens
        self.outputTokens = reply.usage?.outputTokens
    }

    private mutating func envelope(_ response: [String: Any]) {
        self.status = "completed"
        switch response["status"] as? String {
        case "incomplete": self.status = "max_output_tokens"
        case "queued": self.status = "queued"
        default: break
        }
        if let details = response["incomplete_details"] as? [String: Any] {
            self.status = details["reason"] as? String ?? ""
        }
        let usage = response["usage"] as? [String: Any]
        self.inputTokens = usage?["input_tokens"] as? Int
        self.outputTokens = usage?["output_tokens"] as? Int
    }

    private mutating func item(_ item: [String: Any]) {
        let content = item["content"] as? [[String: Any]] ?? []
        switch item["type"] as? String {
        case "message":
            for part in content {
                self.text += part["type"] as? String == "output_text" ? part["text"] as? String ?? "" : ""
                self.refusal += part["refusal"] as? String ?? ""
            }
        case "reasoning":
            let texts = content.isEmpty ? item["summary"] as? [[String: Any]] ?? [] : content
            for part in texts { self.reasoning += part["text"] as? String ?? "" }
        case "function_call", "custom_tool_call":
            let arguments = item["arguments"] as? String ?? item["input"] as? String ?? ""
            self.calls.append("\(item["call_id"] ?? "") \(item["name"] ?? "") \(arguments)")
        default: break
        }
    }
}
