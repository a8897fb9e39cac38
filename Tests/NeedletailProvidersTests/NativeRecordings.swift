import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// Recorded cases beside the checkout, of a surface that is one dialect's own.
enum NativeRecordings {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var status: Int
        var chunkSizes: [Int]
        var testDescription: String { self.name }

        func bytes(_ file: String) -> ByteBuffer? {
            FileManager.default.contents(atPath: "\(OpenAIChatRecordings.root)/\(self.name)/\(file)").map {
                ByteBuffer(bytes: $0)
            }
        }

        /// The reply whole, as it came over the network where that is known, and byte by byte.
        func cuts(_ bytes: ByteBuffer) -> [[ByteBuffer]] {
            var cuts = [[bytes], Array(bytes.readableBytesView).map { ByteBuffer(bytes: [$0]) }]
            guard !self.chunkSizes.isEmpty else { return cuts }
            var rest = bytes
            var pieces: [ByteBuffer] = []
            for size in self.chunkSizes {
                if let piece = rest.readSlice(length: min(size, rest.readableBytes)) { pieces.append(piece) }
            }
            cuts.append(pieces + [rest])
            return cuts
        }
    }

    /// The cases of `folders` that have a file.
    static func having(_ file: String, in folders: [String], good: Bool = true) -> [Case] {
        var cases: [Case] = []
        for folder in folders {
            for name
                in (try? FileManager.default.contentsOfDirectory(atPath: "\(OpenAIChatRecordings.root)/\(folder)"))?
                .sorted() ?? []
            {
                let path = "\(OpenAIChatRecordings.root)/\(folder)/\(name)"
                guard FileManager.default.fileExists(atPath: "\(path)/\(file)"),
                    let data = FileManager.default.contents(atPath: "\(path)/meta.json"),
                    let meta = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
                else { continue }
                let status = meta["http_status"] as? Int ?? 200
                guard (status < 300) == good else { continue }
                cases.append(
                    Case(
                        name: "\(folder)/\(name)", status: status,
                        chunkSizes: meta["network_chunk_sizes"] as? [Int] ?? []))
            }
        }
        return cases
    }

    /// Reads a stream in pieces.
    static func decode(_ pieces: [ByteBuffer], _ dialect: DialectID) throws -> [ChatEvent] {
        var decoder = dialect.dialect.makeStreamDecoder()
        var events: [ChatEvent] = []
        for piece in pieces { try decoder.decode(piece, into: &events) }
        try decoder.finish(into: &events)
        return events
    }

    /// Writes events in a dialect, as if they came from `source`.
    static func encode(_ events: [ChatEvent], _ dialect: DialectID, source: DialectID) -> (ByteBuffer, [Loss]) {
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1_700_000_000, replyID: "r")
        options.source = source
        var encoder = dialect.dialect.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        return (out, encoder.losses)
    }

    /// Watches a stream as a passthrough does.
    static func tap(_ bytes: ByteBuffer, _ dialect: DialectID) throws -> any StreamTap {
        var tap = dialect.dialect.makeStreamTap()
        if dialect.dialect.framing == .lines {
            for line in bytes.readableBytesView.split(separator: 10) where line.contains(where: { $0 > 0x20 }) {
                _ = try tap.observe(name: ByteBuffer(), data: ByteBuffer(bytes: line))
            }
            return tap
        }
        var framing = SSEDecoder()
        framing.feed(bytes)
        while let event = try framing.next() { _ = try tap.observe(name: event.name, data: event.data) }
        if let event = try framing.finish() { _ = try tap.observe(name: event.name, data: event.data) }
        return tap
    }

    static func json(_ bytes: some Sequence<UInt8>) -> [String: Any] {
        ((try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any]) ?? [:]
    }
}

/// What a plain reader makes of a reply of any of these dialects.
struct PlainReply: Equatable {
    var text = ""
    var reasoning = ""
    var names: [String] = []
    /// Arguments as canonical JSON.
    var arguments: [String] = []
    var input: Int?
    var output: Int?

    init() {}

    init(_ reply: ChatResponse) {
        for part in reply.choices.first?.content ?? [] {
            switch part {
            case .text(let part): self.text += part.text
            case .reasoning(let part): self.reasoning += part.text
            case .toolCall(let call):
                self.names.append(call.name)
                self.arguments.append(Self.canonical(call.arguments))
            default: break
            }
        }
        self.input = reply.usage?.inputTokens
        self.output = reply.usage?.outputTokens
    }

    static func canonical(_ text: String) -> String {
        guard let value = try? JSONSerialization.jsonObject(with: Data(text.utf8)) else {
            return text.isEmpty ? "{}" : text
        }
        return self.canonical(value)
    }

    static func canonical(_ value: Any) -> String {
        let data = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    mutating func takeOllama(_ object: [String: Any]) {
        let message = object["message"] as? [String: Any] ?? object
        self.text += message["content"] as? String ?? message["response"] as? String ?? ""
        self.reasoning += message["thinking"] as? String ?? ""
        for call in message["tool_calls"] as? [[String: Any]] ?? [] {
            let function = call["function"] as? [String: Any] ?? [:]
            self.names.append(function["name"] as? String ?? "")
            self.arguments.append(Self.canonical(function["arguments"] ?? [:]))
        }
        guard object["eval_count"] != nil else { return }
        self.input = object["prompt_eval_count"] as? Int ?? 0
        self.output = object["eval_count"] as? Int
    }

    mutating func takeCohere(_ object: [String: Any]) {
        let message = object["message"] as? [String: Any] ?? [:]
        self.text += message["tool_plan"] as? String ?? ""
        for part in message["content"] as? [[String: Any]] ?? [] {
            self.text += part["text"] as? String ?? ""
            self.reasoning += part["thinking"] as? String ?? ""
        }
        for call in message["tool_calls"] as? [[String: Any]] ?? [] {
            let function = call["function"] as? [String: Any] ?? [:]
            self.names.append(function["name"] as? String ?? "")
            self.arguments.append(Self.canonical(function["arguments"] as? String ?? ""))
        }
        self.takeCohereUsage(object["usage"])
    }

    private mutating func takeCohereUsage(_ usage: Any?) {
        guard let tokens = (usage as? [String: Any])?["tokens"] as? [String: Any] else { return }
        self.input = tokens["input_tokens"] as? Int
        self.output = tokens["output_tokens"] as? Int
    }

    mutating func takeCohereEvent(_ event: [String: Any]) {
        let delta = event["delta"] as? [String: Any] ?? [:]
        let message = delta["message"] as? [String: Any] ?? [:]
        self.text += message["tool_plan"] as? String ?? ""
        if let content = message["content"] as? [String: Any] {
            self.text += content["text"] as? String ?? ""
            self.reasoning += content["thinking"] as? String ?? ""
        }
        if let call = message["tool_calls"] as? [String: Any] {
            let function = call["function"] as? [String: Any] ?? [:]
            if event["type"] as? String == "tool-call-start" {
                self.names.append(function["name"] as? String ?? "")
                self.arguments.append("")
            }
            if let last = self.arguments.indices.last { self.arguments[last] += function["arguments"] as? String ?? "" }
        }
        if event["type"] as? String == "message-end" {
            self.arguments = self.arguments.map { Self.canonical($0) }
            self.takeCohereUsage(delta["usage"])
        }
    }

    mutating func takeCompletion(_ object: [String: Any]) {
        for choice in object["choices"] as? [[String: Any]] ?? [] where choice["index"] as? Int ?? 0 == 0 {
            self.text += choice["text"] as? String ?? ""
        }
        guard let usage = object["usage"] as? [String: Any] else { return }
        self.input = usage["prompt_tokens"] as? Int
        self.output = usage["completion_tokens"] as? Int
    }
}
