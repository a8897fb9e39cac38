import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

/// The recorded cases beside the checkout, where they are there.
enum OpenAIChatRecordings {
    static let root: String = {
        if let given = ProcessInfo.processInfo.environment["NEEDLETAIL_SHARED"] { return given + "/fixtures" }
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return checkout.deletingLastPathComponent().appendingPathComponent("shared/fixtures").path
    }()

    static var areThere: Bool { FileManager.default.fileExists(atPath: self.root) }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var status: Int
        var testDescription: String { self.name }

        func bytes(_ file: String) -> ByteBuffer? {
            FileManager.default.contents(atPath: "\(OpenAIChatRecordings.root)/\(self.name)/\(file)").map {
                ByteBuffer(bytes: $0)
            }
        }

        var headers: [String: String] {
            (self.meta["response_headers"] as? [String: String]) ?? [:]
        }

        private var meta: [String: Any] {
            guard
                let data = FileManager.default.contents(
                    atPath: "\(OpenAIChatRecordings.root)/\(self.name)/meta.json")
            else { return [:] }
            return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
        }
    }

    /// Every chat case of a provider that speaks this dialect.
    static let cases: [Case] = {
        let manager = FileManager.default
        var cases: [Case] = []
        for provider in (try? manager.contentsOfDirectory(atPath: OpenAIChatRecordings.root))?.sorted() ?? [] {
            let folder = "\(OpenAIChatRecordings.root)/\(provider)/chat"
            // Cohere's, Bedrock's and Ollama's native chats have folders of other names.
            for name in (try? manager.contentsOfDirectory(atPath: folder))?.sorted() ?? [] {
                guard let data = manager.contents(atPath: "\(folder)/\(name)/meta.json"),
                    let meta = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
                else { continue }
                cases.append(Case(name: "\(provider)/chat/\(name)", status: meta["http_status"] as? Int ?? 200))
            }
        }
        return cases
    }()

    static func having(_ file: String, where isWanted: (Case) -> Bool = { _ in true }) -> [Case] {
        self.cases.filter {
            FileManager.default.fileExists(atPath: "\(self.root)/\($0.name)/\(file)") && isWanted($0)
        }
    }
}

/// What a reader that knows nothing of this package's model makes of a reply.
struct OpenAIChatNaiveReply: Equatable {
    var text: [Int: String] = [:]
    var arguments: [Int: String] = [:]
    var names: [Int: [String]] = [:]
    var finish: [Int: String] = [:]
    var promptTokens: Int?
    var completionTokens: Int?

    mutating func take(_ object: [String: Any], key: String) {
        for (position, choice) in (object["choices"] as? [[String: Any]] ?? []).enumerated() {
            let index = choice["index"] as? Int ?? position
            if let finish = choice["finish_reason"] as? String, !finish.isEmpty, self.finish[index] == nil {
                self.take(choice[key] as? [String: Any] ?? [:], index)
                self.finish[index] = finish
            } else if self.finish[index] == nil {
                self.take(choice[key] as? [String: Any] ?? [:], index)
            }
        }
        for usage in [(object["x_groq"] as? [String: Any])?["usage"], object["usage"]] {
            guard let usage = usage as? [String: Any] else { continue }
            self.promptTokens = usage["prompt_tokens"] as? Int ?? 0
            self.completionTokens = usage["completion_tokens"] as? Int ?? 0
        }
    }

    private mutating func take(_ message: [String: Any], _ index: Int) {
        if let text = message["content"] as? String, !text.isEmpty { self.text[index, default: ""] += text }
        for part in message["content"] as? [[String: Any]] ?? [] where part["type"] as? String == "text" {
            self.text[index, default: ""] += part["text"] as? String ?? ""
        }
        var calls = message["tool_calls"] as? [[String: Any]] ?? []
        if let call = message["function_call"] as? [String: Any] { calls.append(["function": call]) }
        for call in calls {
            let function = call["function"] as? [String: Any] ?? call["custom"] as? [String: Any] ?? [:]
            if let name = function["name"] as? String, !name.isEmpty { self.names[index, default: []].append(name) }
            self.arguments[index, default: ""] += (function["arguments"] ?? function["input"]) as? String ?? ""
        }
        if self.arguments[index] == "" { self.arguments[index] = nil }
    }
}
