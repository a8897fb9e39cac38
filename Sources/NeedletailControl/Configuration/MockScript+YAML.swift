import HTTPTypes
import NIOCore
public import NeedletailGateway

extension MockScript {
    /// A script is read whole; larger ones are refused.
    private static let sizeLimit = 4 << 20

    /// Reads the script in the file at `path`; the fixtures that it names are looked for beside it.
    ///
    /// - Throws: Every fault at once, each with its place.
    public init(
        path: String,
        environment: [String: String],
        files: ConfigurationFiles = .live
    ) throws(ConfigurationError) {
        let text: String
        do { text = try files.read(path, Self.sizeLimit) } catch {
            let place = SourcePosition(file: path, line: 1, column: 1)
            throw ConfigurationError(faults: [
                ConfigurationFault(.error, at: .file(place), error.problem, "write the path of a script")
            ])
        }
        try self.init(yaml: text, file: path, environment: environment, files: files)
    }

    /// Reads a script.
    ///
    /// - Parameters:
    ///   - yaml: The text.
    ///   - file: Its name, for faults and as the place beside which fixtures lie.
    ///   - environment: What `${NAME}` stands for.
    ///   - files: Where fixtures are read.
    /// - Throws: Every fault at once, each with its place.
    public init(
        yaml: String,
        file: String,
        environment: [String: String],
        files: ConfigurationFiles
    ) throws(ConfigurationError) {
        self.init()
        let isEmpty = yaml.split(whereSeparator: \.isNewline).allSatisfy { line in
            line.first { !$0.isWhitespace }.map { $0 == "#" } ?? true
        }
        guard !isEmpty else { return }
        var faults = FaultCollector()
        var reader = YAMLReader(file: file, environment: environment)
        if let node = reader.read(yaml, into: &faults) {
            var scriptReader = MockScriptReader(file: file, files: files, faults: faults)
            self = scriptReader.script(node)
            faults = scriptReader.faults
        }
        guard faults.errors.isEmpty else {
            throw ConfigurationError(faults: faults.sortedErrors, warnings: faults.sortedWarnings)
        }
    }
}

/// Turns a tree into a script.
struct MockScriptReader {
    /// A recorded reply larger than this is none.
    private static let fixtureLimit = 32 << 20

    private let directory: String
    private let files: ConfigurationFiles
    private(set) var faults: FaultCollector

    init(file: String, files: ConfigurationFiles, faults: FaultCollector) {
        self.directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        self.files = files
        self.faults = faults
    }

    mutating func script(_ node: ConfigurationNode) -> MockScript {
        var validator = SchemaValidator(types: [], faults: self.faults)
        validator.section(node, MockScriptSchema.keys, path: "")
        self.faults = validator.faults
        var script = MockScript()
        assign(node.int("seed").map { UInt64(clamping: $0) }, to: &script.seed)
        script.usage = Self.usage(node["usage"])
        script.delay = node.duration("delay")
        assign(node.duration("chunk_delay"), to: &script.chunkDelay)
        assign(node.texts("models"), to: &script.models)
        for rule in node["rules"]?.elements ?? [] { script.rules.append(self.rule(rule)) }
        return script
    }

    private static func usage(_ node: ConfigurationNode?) -> MockUsage? {
        guard let node else { return nil }
        return MockUsage(
            input: node.int("input") ?? 0, output: node.int("output") ?? 0, cached: node.int("cached") ?? 0,
            reasoning: node.int("reasoning") ?? 0)
    }

    private mutating func rule(_ node: ConfigurationNode) -> MockRule {
        var rule = MockRule()
        if let match = node["match"] {
            rule.match.path = match.text("path")
            rule.match.model = match.text("model")
            rule.match.method = match.text("method")
            rule.match.isStreaming = match.bool("stream")
            rule.match.key = match.text("key")
            rule.match.contains = match.text("contains")
            rule.match.nth = match.int("nth")
            rule.match.every = match.int("every")
            rule.match.probability = match.double("probability")
        }
        if let reply = node["reply"] { rule.reply = self.reply(reply) }
        if let fault = node["fault"] { rule.fault = self.fault(fault) }
        return rule
    }

    private mutating func reply(_ node: ConfigurationNode) -> MockScriptedReply {
        var reply = MockScriptedReply()
        reply.status = node.int("status")
        reply.text = node.text("text")
        reply.reasoning = node.text("reasoning")
        reply.delay = node.duration("delay")
        reply.chunkDelay = node.duration("chunk_delay")
        reply.chunks = node.int("chunks")
        reply.usage = Self.usage(node["usage"])
        for entry in node["headers"]?.entries ?? [] {
            guard let name = HTTPField.Name(entry.key), let value = entry.value.scalar?.text else {
                self.faults.error(at: entry.position, "'\(entry.key)' is no header", "write a name such as retry-after")
                continue
            }
            reply.headers.append(HTTPField(name: name, value: value))
        }
        for call in node["tool_calls"]?.elements ?? [] {
            guard let name = call.text("name") else {
                self.faults.error(at: call.position, "the call names no tool", "write `name: …`")
                continue
            }
            let arguments = call["arguments"].map { $0.scalar?.text ?? $0.json } ?? "{}"
            reply.toolCalls.append(.init(id: call.text("id") ?? "", name: name, arguments: arguments))
        }
        self.readRaw(node, &reply)
        return reply
    }

    /// `body:` or `fixture:`, of which there is one at most, and nothing that would be said beside it.
    private mutating func readRaw(_ node: ConfigurationNode, _ reply: inout MockScriptedReply) {
        let raw = node.entries.filter { $0.key == "body" || $0.key == "fixture" }
        guard let first = raw.first else { return }
        let others = ["text", "tool_calls", "reasoning"].filter { node[$0] != nil }
        if raw.count > 1 {
            self.faults.error(at: raw[1].position, "'body' and 'fixture' are both given", "keep one of them")
        } else if let other = others.first {
            self.faults.error(at: first.position, "'\(first.key)' and '\(other)' are both given", "keep one of them")
        }
        if first.key == "body" {
            let text = first.value.scalar?.text ?? first.value.json
            reply.raw = .init(bytes: ByteBuffer(string: text), contentType: "application/json")
        } else if let name = first.value.scalar?.text {
            let path = name.hasPrefix("/") ? name : self.directory + name
            do {
                let text = try self.files.read(path, Self.fixtureLimit)
                reply.raw = .init(bytes: ByteBuffer(string: text), contentType: Self.contentType(path))
            } catch {
                self.faults.error(
                    at: first.value.position, "'\(name)': \(error.problem)", "write a path beside the script")
            }
        }
    }

    private static func contentType(_ path: String) -> String {
        switch path.split(separator: ".").last {
        case "json": "application/json"
        case "sse": "text/event-stream; charset=utf-8"
        case "ndjson": "application/x-ndjson"
        case "html": "text/html; charset=utf-8"
        case "txt": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }

    private mutating func fault(_ node: ConfigurationNode) -> MockFault? {
        for key in ["at", "kind"] where node[key] == nil {
            self.faults.error(
                at: node.position, "the fault has no '\(key)'", "write for example { at: chunk 3, kind: reset }")
        }
        guard let at = node.text("at"), let kind = node.text("kind").flatMap({ MockFault.Kind(rawValue: $0) }) else {
            return nil
        }
        guard let place = Self.place(at) else {
            self.faults.error(
                at: node["at"]?.position ?? node.position, "'\(at)' is no place for a fault",
                "write connect, headers, first_event, chunk N, tool_arguments, thinking, before_usage or before_done")
            return nil
        }
        return MockFault(at: place, kind: kind, for: node.duration("for"))
    }

    private static func place(_ text: String) -> MockFault.Place? {
        switch text {
        case "connect": return .connect
        case "headers": return .headers
        case "first_event": return .firstEvent
        case "tool_arguments": return .toolArguments
        case "thinking": return .thinking
        case "before_usage": return .beforeUsage
        case "before_done": return .beforeDone
        default:
            let words = text.split(separator: " ")
            guard words.count == 2, words[0] == "chunk", let number = Int(words[1]), number >= 1 else { return nil }
            return .chunk(number)
        }
    }
}
