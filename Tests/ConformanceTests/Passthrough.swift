import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// A recording behind a client of its own dialect.
struct Passthrough {
    let recording: Recording
    let dialect: DialectID

    func check() async throws {
        let (body, isRecorded) = self.request()
        let asks = Self.asksForUsage(body)
        var cuts: [Recording.Cut] = [.random]
        if self.recording.isStream {
            cuts.append(.whole)
            if self.recording.reply.count <= 6000 { cuts.append(.bytes) }
        }
        for cut in cuts {
            let transport = self.recording.transport(cut)
            let reply = try await Gateway.running().ask(
                body, as: self.dialect, of: self.recording.spec(self.dialect), transport: transport)
            let label = "\(self.recording) in pieces: \(cut)"
            if cut == .random { try self.checkRequest(body, isRecorded, transport, label) }
            switch Expectation(self.recording, client: self.dialect) {
            case .failure(let statuses): self.checkFailure(reply, statuses, label)
            case .brokenStream: self.checkStream(reply, asks: asks, isBroken: true, label)
            case .reply where self.recording.isStream: self.checkStream(reply, asks: asks, isBroken: false, label)
            case .reply:
                #expect(reply.status == 200, "\(label)")
                #expect(reply.body == self.recording.reply, "\(label)")
                #expect(reply.headers["content-type"] == "application/json", "\(label)")
            }
            self.checkHeaders(reply, label)
            if Expectation(self.recording, client: self.dialect) == .reply {
                SeenReply(self.recording.reply, dialect: self.dialect, isStream: self.recording.isStream)
                    .checkAccounting(reply, label)
            }
        }
        try await self.checkRename(body)
    }

    /// A client's name for the model is replaced by the provider's, and nothing else is touched.
    private func checkRename(_ body: Data) async throws {
        let text = String(decoding: body, as: UTF8.self)
        let places = text.matches(of: /"model"\s*:\s*("(?:[^"\\]|\\.)*")/)
        guard places.count == 1, let place = places.first?.output.1 else { return }
        let transport = self.recording.transport()
        _ = try await Gateway.running().ask(
            body, as: self.dialect, of: self.recording.spec(self.dialect), transport: transport, model: #"re/"named""#)
        let sent = try #require(transport.requests.first, "\(self.recording)")
        var expected = text
        expected.replaceSubrange(place.startIndex..<place.endIndex, with: #""re/\"named\"""#)
        try self.checkRequest(Data(expected.utf8), true, transport, "\(self.recording) renamed \(sent.path)")
    }

    /// Why a request was made up instead of the recorded one; `nil` if the recorded one is used.
    var madeUpReason: String? {
        guard let recorded = self.recording.request else { return "request not recorded" }
        guard let json = JSON.object(recorded), json["messages"] != nil else { return "request of another surface" }
        guard json["model"] is String else { return "model not in the body" }
        let isStreaming = json["stream"] as? Bool ?? false
        return isStreaming == self.recording.isStream ? nil : "streaming asked for elsewhere"
    }

    /// The recorded request where there is one that asks for what was recorded.
    private func request() -> (Data, isRecorded: Bool) {
        if let recorded = self.recording.request, self.madeUpReason == nil { return (recorded, true) }
        var plain = plainRequest(self.dialect, isStreaming: self.recording.isStream)
        plain["stream_options"] = nil
        return (JSON.data(plain), false)
    }

    private static func asksForUsage(_ body: Data) -> Bool {
        let options = JSON.object(body)?["stream_options"] as? [String: Any]
        return options?["include_usage"] as? Bool ?? false
    }

    /// What reaches the upstream is what the client wrote, but for the wish for usage.
    private func checkRequest(
        _ body: Data, _ isRecorded: Bool, _ transport: FunctionTransport, _ label: String
    ) throws {
        let sent = try #require(transport.requests.first, "\(label)")
        #expect(transport.requests.count == 1, "\(label)")
        let bytes = Data(sent.body.readableBytesView)
        guard self.dialect == .openAIChat, self.recording.isStream, !Self.asksForUsage(body) else {
            #expect(bytes == body, "\(label)")
            return
        }
        if let json = JSON.object(body), json["stream_options"] == nil {
            let end = try #require(body.lastIndex(of: UInt8(ascii: "}")))
            var expected = body[..<end]
            expected.append(contentsOf: Data(#","stream_options":{"include_usage":true}"#.utf8))
            expected.append(body[end...])
            #expect(bytes == Data(expected), "\(label)")
        } else {
            #expect(Self.asksForUsage(bytes), "\(label)")
        }
    }

    private func checkHeaders(_ reply: ClientReply, _ label: String) {
        for (name, value) in self.recording.headers where reply.status == 200 {
            let name = name.lowercased()
            guard name.hasPrefix("x-ratelimit-") || name.hasPrefix("anthropic-ratelimit-") else { continue }
            #expect(reply.headers[name] == value, "\(label): \(name)")
        }
        if let wait = self.recording.headers["retry-after"], self.recording.status >= 400, Int(wait) != nil {
            #expect(reply.headers["retry-after"] == wait, "\(label)")
        }
        if [429, 503, 529].contains(reply.status) { #expect(reply.headers["retry-after"] != nil, "\(label)") }
        #expect(reply.headers["x-request-id"]?.hasPrefix("case-") == true, "\(label)")
        let own = reply.headers["request-id"]
        #expect(own == (self.dialect == .anthropicMessages ? reply.headers["x-request-id"] : nil), "\(label)")
    }

    private func checkFailure(_ reply: ClientReply, _ statuses: [Int], _ label: String) {
        #expect(statuses.contains(reply.status), "\(label): \(reply.status) \(reply.text)")
        let message = reply.error["message"] as? String ?? ""
        #expect(!message.isEmpty && reply.error["type"] is String, "\(label)")
        if self.dialect == .anthropicMessages { #expect(reply.json["type"] as? String == "error", "\(label)") }
        guard (400..<500).contains(self.recording.status), reply.status == self.recording.status,
            let original = self.recording.json["error"] as? [String: Any]
        else { return }
        // What the client can act on stays: the message, and for OpenAI code and parameter.
        if let text = original["message"] as? String, !Self.looksSecret(text), text.count <= 2000 {
            #expect(message == text, "\(label)")
        }
        if self.dialect == .openAIChat {
            for key in ["code", "param"] {
                // Where the contract has a code of its own that one stands; a sentence is no code.
                guard let value = original[key] as? String, [400, 403, 422].contains(reply.status),
                    !value.contains(" ")
                else { continue }
                #expect(reply.error[key] as? String == value, "\(label): \(key)")
            }
        }
    }

    private static func looksSecret(_ text: String) -> Bool {
        ["sk-", "xai-", "gsk_", "AIza", "***"].contains { text.contains($0) }
    }

    private func checkStream(_ reply: ClientReply, asks: Bool, isBroken: Bool, _ label: String) {
        #expect(reply.status == 200, "\(label): \(reply.text.prefix(300))")
        #expect(reply.headers["content-type"]?.hasPrefix("text/event-stream") == true, "\(label)")
        var expected = ""
        events: for event in ServerEvents(self.recording.reply).events {
            if !event.data.isEmpty, event.data != "[DONE]" {
                guard let json = JSON.object(event.data) else { break }
                if json["error"] is [String: Any] || json["type"] as? String == "error" { break }
                let isUsageOnly = (json["choices"] as? [Any])?.isEmpty == true && json["usage"] is [String: Any]
                if self.dialect == .openAIChat, !asks, isUsageOnly { continue }
                expected += event.raw
                if json["type"] as? String == "message_stop" { break events }
            } else {
                expected += event.raw
                if event.data == "[DONE]" { break }
            }
        }
        let text = reply.text
        guard isBroken else {
            // A final blank line that the provider left out is added.
            let isSame = text == expected || text == expected + "\n" || text == expected + "\n\n"
            #expect(isSame, "\(label): \(Self.difference(text, expected))")
            return
        }
        // An unfinished last event does not reach the client, nor do comments after the last good one have to.
        let seen = SeenReply(reply.body, dialect: self.dialect, isStream: true)
        #expect(seen.error?.isEmpty == false, "\(label): \(text.suffix(300))")
        let last = ServerEvents(reply.body).events.last
        let good = text.dropLast(last?.raw.count ?? 0)
        #expect(expected.hasPrefix(good), "\(label): \(Self.difference(String(good), expected))")
        #expect(JSON.object(last?.data ?? "")?["error"] is [String: Any], "\(label)")
    }

    /// Where two texts part.
    private static func difference(_ left: String, _ right: String) -> String {
        let same = zip(left.utf8, right.utf8).prefix { $0 == $1 }.count
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        func shown(_ bytes: [UInt8]) -> String {
            String(decoding: bytes[max(0, same - 40)..<min(bytes.count, same + 120)], as: UTF8.self).debugDescription
        }
        return "at \(same) of \(left.count) and \(right.count): \(shown(left)) is not \(shown(right))"
    }
}
