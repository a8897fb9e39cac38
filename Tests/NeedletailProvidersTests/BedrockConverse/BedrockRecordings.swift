import Foundation
import NIOCore
import Testing

/// The recorded cases of Converse beside the checkout, and a reader that knows nothing of this package.
enum BedrockRecordings {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var testDescription: String { self.name }

        private func contents(_ file: String) -> Data? {
            FileManager.default.contents(atPath: "\(OpenAIChatRecordings.root)/\(self.name)/\(file)")
        }

        var request: ByteBuffer? { self.contents("request.json").map { ByteBuffer(bytes: $0) } }
        var reply: ByteBuffer? { self.contents("response.json").map { ByteBuffer(bytes: $0) } }
        var stream: ByteBuffer? {
            self.contents("stream.eventstream.b64")
                .flatMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters) }.map { ByteBuffer(bytes: $0) }
        }

        var meta: [String: Any] {
            self.contents("meta.json").flatMap { try? JSONSerialization.jsonObject(with: $0) as? [String: Any] } ?? [:]
        }

        var status: Int { self.meta["http_status"] as? Int ?? 200 }
        var headers: [String: String] { self.meta["response_headers"] as? [String: String] ?? [:] }
        var chunkSizes: [Int] { self.meta["network_chunk_sizes"] as? [Int] ?? [] }
    }

    static func cases(_ surfaces: [String]) -> [Case] {
        surfaces.flatMap { surface in
            let folder = "\(OpenAIChatRecordings.root)/\(surface)"
            return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map {
                Case(name: "\(surface)/\($0)")
            }
        }
    }

    static let converse = cases(["bedrock/converse"])
    static let streams = cases(["bedrock/converse-stream", "ai21/bedrock-converse-stream"])

    /// The frames of a stream: their names and payloads, checksums unread.
    static func frames(_ stream: ByteBuffer) -> [(headers: [String: String], payload: [String: Any])] {
        var rest = stream
        var frames: [(headers: [String: String], payload: [String: Any])] = []
        while let size: UInt32 = rest.readInteger(), let length: UInt32 = rest.readInteger() {
            rest.moveReaderIndex(forwardBy: 4)
            var headers: [String: String] = [:]
            guard var inner = rest.readSlice(length: Int(length)) else { break }
            while let name: UInt8 = inner.readInteger(), let key = inner.readString(length: Int(name)),
                inner.readInteger(as: UInt8.self) == 7, let value: UInt16 = inner.readInteger()
            {
                headers[key] = inner.readString(length: Int(value))
            }
            guard let payload = rest.readBytes(length: Int(size) - Int(length) - 16) else { break }
            rest.moveReaderIndex(forwardBy: 4)
            frames.append(
                (headers, (try? JSONSerialization.jsonObject(with: Data(payload))) as? [String: Any] ?? [:]))
        }
        return frames
    }
}

/// What a reply says, read plainly.
struct BedrockPlainReply: Equatable {
    struct Call: Equatable {
        var id: String
        var name: String
        var arguments: String
    }

    var text = ""
    var reasoning = ""
    var signature = ""
    var redacted: [String] = []
    var calls: [Call] = []
    var stop = ""
    var input = 0
    var output = 0

    /// A whole reply.
    init(whole json: [String: Any]) {
        let message = (json["output"] as? [String: Any])?["message"] as? [String: Any] ?? [:]
        for block in message["content"] as? [[String: Any]] ?? [] {
            self.text += block["text"] as? String ?? ""
            let cited = (block["citationsContent"] as? [String: Any])?["content"] as? [[String: Any]] ?? []
            for piece in cited { self.text += piece["text"] as? String ?? "" }
            let reasoning = block["reasoningContent"] as? [String: Any] ?? [:]
            let spoken = reasoning["reasoningText"] as? [String: Any] ?? [:]
            self.reasoning += spoken["text"] as? String ?? ""
            self.signature += spoken["signature"] as? String ?? ""
            if let data = reasoning["redactedContent"] as? String { self.redacted.append(data) }
            guard let call = block["toolUse"] as? [String: Any], call["type"] as? String != "server_tool_use" else {
                continue
            }
            self.calls.append(Self.call(call, arguments: Self.canonical(call["input"] ?? [:])))
        }
        self.end(json["stopReason"], json["usage"])
    }

    /// A stream.
    init(stream: ByteBuffer) {
        var open: [Int: Int] = [:]
        for (headers, payload) in BedrockRecordings.frames(stream) {
            let index = payload["contentBlockIndex"] as? Int ?? -1
            switch headers[":event-type"] {
            case "contentBlockStart":
                guard let call = (payload["start"] as? [String: Any])?["toolUse"] as? [String: Any],
                    call["type"] as? String != "server_tool_use"
                else { continue }
                open[index] = self.calls.count
                self.calls.append(Self.call(call, arguments: ""))
            case "contentBlockDelta":
                let delta = payload["delta"] as? [String: Any] ?? [:]
                self.text += delta["text"] as? String ?? ""
                let reasoning = delta["reasoningContent"] as? [String: Any] ?? [:]
                self.reasoning += reasoning["text"] as? String ?? ""
                self.signature += reasoning["signature"] as? String ?? ""
                if let data = reasoning["redactedContent"] as? String { self.redacted.append(data) }
                guard let place = open[index] else { continue }
                self.calls[place].arguments += (delta["toolUse"] as? [String: Any])?["input"] as? String ?? ""
            case "messageStop": self.stop = payload["stopReason"] as? String ?? ""
            case "metadata": self.end(nil, payload["usage"])
            default: continue
            }
        }
        for index in self.calls.indices {
            let text = self.calls[index].arguments
            let json = try? JSONSerialization.jsonObject(with: Data(text.utf8))
            self.calls[index].arguments = Self.canonical(json ?? [String: Any]())
        }
    }

    private static func call(_ call: [String: Any], arguments: String) -> Call {
        Call(id: call["toolUseId"] as? String ?? "", name: call["name"] as? String ?? "", arguments: arguments)
    }

    private mutating func end(_ stop: Any?, _ usage: Any?) {
        self.stop = stop as? String ?? self.stop
        let usage = usage as? [String: Any] ?? [:]
        let keys = ["inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"]
        self.input = keys.reduce(0) { $0 + (usage[$1] as? Int ?? 0) }
        self.output = usage["outputTokens"] as? Int ?? 0
    }

    static func canonical(_ value: Any) -> String {
        let data = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
