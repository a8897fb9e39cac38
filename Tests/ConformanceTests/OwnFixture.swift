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

    private init?(folder: String, _ dialect: DialectID, _ scenario: Scenario) {
        let path = "\(Self.root)/\(folder)/\(scenario.rawValue)/"
        guard let data = FileManager.default.contents(atPath: path + "case.json"), let json = JSON.object(data),
            let expect = json["expect"] as? [String: Any], let status = json["status"] as? Int,
            let request = FileManager.default.contents(atPath: path + "request.json")
        else { return nil }
        let stream = FileManager.default.contents(atPath: path + "stream.sse")
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
}
