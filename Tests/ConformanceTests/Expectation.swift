import Foundation
import NeedletailCore

/// What the contract says must become of a recording.
enum Expectation: Equatable {
    /// A good reply.
    case reply
    /// A stream that begins well and then breaks: by its own error event, by garbage, or by ending early.
    case brokenStream
    /// An error before anything reached the client: its status, `nil` inside a 200, and its words in lower case.
    case failure(status: Int?, words: String)
    /// Bytes that are none of the dialect's, before anything reached the client.
    case garbage

    init(_ recording: Recording, _ dialect: DialectID) {
        if recording.status >= 300 {
            self = .failure(
                status: recording.status, words: String(decoding: recording.reply, as: UTF8.self).lowercased())
        } else if recording.isStream {
            self = Self.stream(recording, dialect)
        } else if JSON.object(recording.reply) == nil {
            self = .garbage
        } else if let message = dialect.judge.failure(recording.json), recording.json["choices"] == nil {
            self = .failure(status: nil, words: (message + recording.json.text("code")).lowercased())
        } else {
            self = dialect.judge.isReply(recording.json) ? .reply : .garbage
        }
    }

    /// The statuses that the contract's paragraph "A provider's status becomes ours" allows, read from the status and the
    /// words of the body; `nil` if it is no failure.
    func statuses(_ client: DialectID) -> [Int]? {
        switch self {
        case .reply, .brokenStream: nil
        case .garbage: [502]
        case .failure(let status, let words): Self.statuses(status, words, client)
        }
    }

    private static func statuses(_ status: Int?, _ text: String, _ client: DialectID) -> [Int] {
        let overloaded = client == .anthropicMessages ? 529 : 503
        switch status {
        case 400, 403:
            // Some providers answer a bad key with 400; a 403 is about a model or about our account.
            let isKey = text.contains("api key") || text.contains("api_key")
            if status == 403, text.contains("violates") { return [400] }
            if status == 403 { return text.contains("model") ? [403] : [500] }
            if text.contains("model_not_found") { return [404] }
            if text.contains("model identifier") { return [400, 404] }
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

    private static func stream(_ recording: Recording, _ dialect: DialectID) -> Expectation {
        var isWhole = false
        var hasGood = false
        for event in dialect.judge.events(recording.reply) where event.kind != .empty {
            if event.makesWhole { isWhole = true }
            switch event.kind {
            case .garbage: return hasGood ? .brokenStream : .garbage
            case .failure:
                let words = JSON.canonical(event.json).lowercased()
                return hasGood ? .brokenStream : .failure(status: nil, words: words)
            default: hasGood = true
            }
            if event.isLast { break }
        }
        return isWhole ? .reply : .brokenStream
    }
}

/// A recording with what it means, which is read once for all clients.
struct JudgedRecording {
    let recording: Recording
    let dialect: DialectID
    let expectation: Expectation
    let meant: SeenReply

    init(_ recording: Recording, _ dialect: DialectID) {
        self.recording = recording
        self.dialect = dialect
        self.expectation = Expectation(recording, dialect)
        self.meant = dialect.judge.read(recording.reply, isStream: recording.isStream)
    }
}
