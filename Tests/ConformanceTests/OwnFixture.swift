import Foundation
import NeedletailCore

/// What every provider must be shown to do.
enum Scenario: String, CaseIterable, Sendable {
    case chat, stream, tools
    case parallelToolsStream = "parallel-tools-stream"
    case vision, reasoning
    case reasoningStream = "reasoning-stream"
    case error400 = "error-400"
    case error401 = "error-401"
    case error429 = "error-429"
    case error500 = "error-500"
    case errorFirstEvent = "error-first-event"
    case cutStream = "cut-stream"

    /// Whether `dialect` has words for it: a prompt alone calls no tools, and the oldest form shows nothing but text.
    func applies(to dialect: DialectID) -> Bool {
        switch self {
        case .tools, .parallelToolsStream: dialect.judge.shows.contains(.calls)
        case .reasoning, .reasoningStream: dialect.judge.shows.contains(.reasoning)
        case .vision: dialect != .openAICompletions
        default: true
        }
    }
}

/// A fixture of this project; `Tests/Fixtures/README.md` has the rules.
struct OwnFixture {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures").path

    var recording: Recording
    var request: Data
    var expect: [String: Any]

    /// The fixture of a provider, its own or one that it says it shares; `nil` if there is none.
    init?(_ type: String, _ dialect: DialectID, _ scenario: Scenario) {
        let surface = dialect.rawValue
        if let own = Self(folder: "\(type)/\(surface)", dialect, scenario) {
            self = own
            return
        }
        guard let list = FileManager.default.contents(atPath: "\(Self.root)/\(type)/\(surface)/shared.txt"),
            String(decoding: list, as: UTF8.self).split(separator: "\n").contains(Substring(scenario.rawValue))
        else { return nil }
        self.init(folder: "dialects/\(surface)", dialect, scenario)
    }

    /// The fixture that all speakers of a dialect share.
    init?(_ dialect: DialectID, _ scenario: Scenario) {
        self.init(folder: "dialects/\(dialect.rawValue)", dialect, scenario)
    }

    private init?(folder: String, _ dialect: DialectID, _ scenario: Scenario) {
        let path = "\(Self.root)/\(folder)/\(scenario.rawValue)/"
        guard let data = FileManager.default.contents(atPath: path + "case.json"), let json = JSON.object(data),
            let expect = json["expect"] as? [String: Any], let status = json["status"] as? Int,
            let request = FileManager.default.contents(atPath: path + "request.json")
        else { return nil }
        let stream = Self.stream(path)
        guard let reply = stream ?? FileManager.default.contents(atPath: path + "response.json") else { return nil }
        self.recording = Recording(
            folder: folder,
            name: scenario.rawValue,
            status: status,
            headers: json["headers"] as? [String: String] ?? [:],
            request: request,
            reply: reply,
            isStream: stream != nil,
            dialect: dialect
        )
        self.request = request
        self.expect = expect
    }

    private static func stream(_ path: String) -> Data? {
        for name in ["stream.sse", "stream.ndjson"] {
            if let data = FileManager.default.contents(atPath: path + name) { return data }
        }
        return FileManager.default.contents(atPath: path + "stream.frames").map(Self.frames)
    }

    /// Amazon's frames from text: one a line, its type and its JSON; `exception` before the type makes it one, `cut`
    /// ends the bytes in its middle.
    private static func frames(_ text: Data) -> Data {
        var bytes = Data()
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            var words = line.split(separator: " ", maxSplits: 1)
            let mark = words[0]
            if mark == "exception" || mark == "cut" { words = words[1].split(separator: " ", maxSplits: 1) }
            let (type, json) = (String(words[0]), String(words[1]))
            switch mark {
            case "exception":
                bytes += AmazonFrames.write(
                    [(":exception-type", type), (":content-type", "application/json"), (":message-type", "exception")],
                    Data(json.utf8))
            case "cut": bytes += AmazonFrames.event(type, json).prefix(21)
            default: bytes += AmazonFrames.event(type, json)
            }
        }
        return bytes
    }
}
