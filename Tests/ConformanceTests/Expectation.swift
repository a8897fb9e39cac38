import Foundation
import NeedletailCore

/// What the contract says must become of a recording.
enum Expectation: Equatable {
    /// A good reply.
    case reply
    /// A stream that begins well and then breaks: by its own error event, by garbage, or by ending early.
    case brokenStream
    /// An error before anything reached the client; with the statuses the contract allows.
    case failure([Int])

    init(_ recording: Recording, client: DialectID) {
        if recording.status >= 300 {
            self = .failure(Self.statuses(recording.status, recording.reply, client))
        } else if recording.isStream {
            self = Self.stream(recording, client)
        } else {
            let json = recording.json
            let isError =
                json["error"] is [String: Any] || json["error"] is String || json["type"] as? String == "error"
            self = isError && json["choices"] == nil ? .failure(Self.statuses(nil, recording.reply, client)) : .reply
        }
    }

    /// The contract's paragraph "A provider's status becomes ours", read from the status and the words of the body.
    private static func statuses(_ status: Int?, _ body: Data, _ client: DialectID) -> [Int] {
        let text = String(decoding: body, as: UTF8.self).lowercased()
        let overloaded = client == .anthropicMessages ? 529 : 503
        switch status {
        case 400, 403:
            // Some providers answer a bad key with 400; a 403 is about a model or about our account.
            let isKey = text.contains("api key") || text.contains("api_key")
            if status == 403, text.contains("violates") { return [400] }
            if status == 403 { return text.contains("model") ? [403] : [500] }
            if text.contains("model_not_found") { return [404] }
            return isKey ? [500] : [400]
        case 401, 402: return [500]
        case 404: return [404]
        case 408, 504: return [504]
        case 413, 422: return [status ?? 0]
        case 429: return text.contains("insufficient_quota") ? [500] : [429]
        case 503, 529: return [overloaded]
        case .some(500...599): return [502]
        case .some: return [400, 502]
        // An error inside a 200 has only its words.
        case nil:
            if text.contains("overloaded") { return [overloaded] }
            return [400, 404, 429, 500, 502, overloaded]
        }
    }

    private static func stream(_ recording: Recording, _ client: DialectID) -> Expectation {
        var isWhole = false
        var hasGood = false
        for event in ServerEvents(recording.reply).events where !event.data.isEmpty {
            if event.data == "[DONE]" {
                isWhole = true
                break
            }
            guard let json = JSON.object(event.data) else { return hasGood ? .brokenStream : .failure([502]) }
            if (json["error"] != nil && !(json["error"] is NSNull)) || json["type"] as? String == "error" {
                return hasGood ? .brokenStream : .failure(Self.statuses(nil, Data(event.data.utf8), client))
            }
            hasGood = true
            if json["type"] as? String == "message_stop" {
                isWhole = true
                break
            }
            for choice in json["choices"] as? [[String: Any]] ?? []
            where choice["finish_reason"] is String { isWhole = true }
        }
        return isWhole ? .reply : .brokenStream
    }
}

/// One folder's line of the report.
struct Tally {
    var folder: String
    var cases = 0
    var passthrough = 0
    var translated: [DialectID: Int] = [:]
    var resent = 0
    var errors = 0
    var broken = 0
    var skipped: [String: Int] = [:]

    func report() {
        var line = "conformance \(self.folder): \(self.cases) cases: passthrough \(self.passthrough)"
        for (dialect, count) in self.translated.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            line += ", translation to \(dialect.rawValue) \(count)"
        }
        line += ", sent again \(self.resent), errors \(self.errors), broken streams \(self.broken)"
        for (reason, count) in self.skipped.sorted(by: { $0.key < $1.key }) { line += ", \(reason) \(count)" }
        print(line)
    }
}
