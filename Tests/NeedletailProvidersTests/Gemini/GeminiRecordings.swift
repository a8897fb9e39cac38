import Foundation
import NIOCore
import NeedletailCore
import Testing

/// The recorded cases beside the checkout, where they are there.
enum GeminiRecordings {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var status: Int
        /// How the bytes came over the network, where somebody wrote it down.
        var sizes: [Int]
        var testDescription: String { self.name }

        func bytes(_ file: String) -> ByteBuffer? {
            FileManager.default.contents(atPath: "\(OpenAIChatRecordings.root)/\(self.name)/\(file)").map {
                ByteBuffer(bytes: $0)
            }
        }
    }

    static let folders = [
        "gemini/generateContent", "gemini/streamGenerateContent", "gemini/countTokens", "vertex/generateContent",
        "vertex/streamGenerateContent", "vertex/countTokens", "inbound-requests/gemini-generateContent",
    ]

    static let cases: [Case] = folders.flatMap { (folder) -> [Case] in
        let path = "\(OpenAIChatRecordings.root)/\(folder)"
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted().compactMap {
            (name) -> Case? in
            guard let data = FileManager.default.contents(atPath: "\(path)/\(name)/meta.json"),
                let meta = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
            else { return nil }
            return Case(
                name: "\(folder)/\(name)", status: meta["http_status"] as? Int ?? 200,
                sizes: meta["network_chunk_sizes"] as? [Int] ?? [])
        }
    }

    static func having(_ file: String, where isWanted: (Case) -> Bool = { _ in true }) -> [Case] {
        self.cases.filter {
            FileManager.default.fileExists(atPath: "\(OpenAIChatRecordings.root)/\($0.name)/\(file)") && isWanted($0)
        }
    }
}

/// What a reader that knows nothing of this package's model makes of a reply's first candidate.
struct GeminiNaiveReply: Equatable {
    var text = ""
    var thoughts = ""
    var calls: [String] = []
    var signatures: [String] = []
    var finish: String?
    var isBlocked = false
    var input: Int?
    var output: Int?

    mutating func take(_ object: [String: Any]) {
        let feedback = object["promptFeedback"] as? [String: Any]
        if feedback?["blockReason"] != nil { self.isBlocked = true }
        if let usage = object["usageMetadata"] as? [String: Any], usage["promptTokenCount"] != nil {
            func count(_ key: String) -> Int { usage[key] as? Int ?? 0 }
            self.input = count("promptTokenCount") + count("toolUsePromptTokenCount")
            self.output = count("candidatesTokenCount") + count("thoughtsTokenCount")
        }
        guard let candidate = (object["candidates"] as? [[String: Any]])?.first else { return }
        if let finish = candidate["finishReason"] as? String { self.finish = finish }
        for part in (candidate["content"] as? [String: Any])?["parts"] as? [[String: Any]] ?? [] {
            if let signature = part["thoughtSignature"] as? String { self.signatures.append(signature) }
            let text = part["text"] as? String ?? ""
            if part["thought"] as? Bool == true { self.thoughts += text } else { self.text += text }
            if let name = (part["functionCall"] as? [String: Any])?["name"] as? String { self.calls.append(name) }
        }
    }
}
