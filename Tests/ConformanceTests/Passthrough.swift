import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// A recording behind a client of its own dialect.
struct Passthrough {
    let judged: JudgedRecording
    private var recording: Recording { self.judged.recording }
    private var dialect: DialectID { self.judged.dialect }
    private var judge: any Judge.Type { self.dialect.judge }
    private var hasUsageWish: Bool { self.dialect == .openAIChat || self.dialect == .openAICompletions }

    func check() async throws {
        let (body, isRecorded) = self.request()
        let asks = Self.asksForUsage(body)
        var cuts: [Recording.Cut] = [.random]
        if self.recording.isStream {
            cuts.append(.whole)
            if self.recording.reply.count <= 3000 { cuts.append(.bytes) }
        }
        for cut in cuts {
            let transport = self.recording.transport(cut)
            let reply = try await self.ask(body, transport)
            let label = "\(self.recording) in pieces: \(cut)"
            if transport.requests.isEmpty, self.recording.status == 400 { return self.checkOwnRefusal(reply, label) }
            guard !transport.requests.isEmpty else {
                Issue.record("\(label): refused: \(reply.text)")
                continue
            }
            if cut == .random { try self.checkRequest(body, isRecorded, transport, label) }
            switch self.judged.expectation {
            case .failure, .garbage:
                self.checkFailure(reply, self.judged.expectation.statuses(self.dialect) ?? [], label)
            case .brokenStream: self.checkStream(reply, asks: asks, isBroken: true, label)
            case .reply where self.recording.isStream: self.checkStream(reply, asks: asks, isBroken: false, label)
            case .reply:
                #expect(reply.status == 200, "\(label): \(reply.text)")
                #expect(reply.body == self.recording.reply, "\(label)")
                #expect(reply.headers["content-type"] == "application/json", "\(label)")
            }
            self.checkHeaders(reply, label)
            if self.judged.expectation == .reply, !self.holdsSeveral {
                self.judged.meant.checkAccounting(reply, label)
            }
        }
        try await self.checkRename(body)
        if self.dialect == .gemini, self.recording.isStream { try await self.checkArray(body) }
    }

    /// Whether several responses were recorded one behind the other, as no server sends them: whose usage counts is nobody's
    /// to say.
    private var holdsSeveral: Bool {
        self.dialect == .openAIResponses && self.recording.isStream
            && self.judge.events(self.recording.reply).count { $0.makesWhole } > 1
    }

    private func ask(_ body: Data, _ transport: FunctionTransport, model: String? = nil) async throws -> ClientReply {
        try await Gateway.running().ask(
            body, as: self.dialect, isStreaming: self.recording.isStream, of: self.recording.spec(self.dialect),
            in: self.dialect, transport: transport, clientModel: self.recording.model, model: model)
    }

    /// A client that does not ask for events gets the chunks as one JSON array.
    private func checkArray(_ body: Data) async throws {
        guard self.judged.expectation == .reply else { return }
        let path = self.judge.path(model: "m", isStreaming: true).replacingOccurrences(of: "?alt=sse", with: "")
        let reply = try await Gateway.running().ask(
            body, of: self.recording.spec(self.dialect), in: self.dialect, transport: self.recording.transport(),
            path: path)
        let label = "\(self.recording) as an array"
        #expect(reply.headers["content-type"] == "application/json", "\(label)")
        let chunks = self.judge.events(self.recording.reply).filter { $0.kind == .good }.map { JSON.canonical($0.json) }
        let list = (try? JSONSerialization.jsonObject(with: reply.body)) as? [[String: Any]]
        #expect(list?.map { JSON.canonical($0) } == chunks, "\(label): \(reply.text.prefix(200))")
    }

    /// A client's name for the model is replaced by the provider's, and nothing else is touched.
    private func checkRename(_ body: Data) async throws {
        let transport = self.recording.transport()
        let label = "\(self.recording) renamed"
        guard !self.judge.isPathBound else {
            _ = try await self.ask(body, transport, model: "re/named:1")
            let sent = try #require(transport.requests.first, "\(label)")
            #expect(sent.path.contains("/re%2Fnamed%3A1"), "\(label): \(sent.path)")
            #expect(Data(sent.body.readableBytesView) == body, "\(label)")
            return
        }
        let text = String(decoding: body, as: UTF8.self)
        let places = text.matches(of: /"model"\s*:\s*("(?:[^"\\]|\\.)*")/)
        guard places.count == 1, let place = places.first?.output.1 else { return }
        _ = try await self.ask(body, transport, model: #"re/"named""#)
        var expected = text
        expected.replaceSubrange(place.startIndex..<place.endIndex, with: #""re/\"named\"""#)
        try self.checkRequest(Data(expected.utf8), true, transport, label)
    }

    /// Why a request was made up instead of the recorded one; `nil` if the recorded one is used.
    var madeUpReason: String? {
        guard let recorded = self.recording.request else { return "request not recorded" }
        guard let json = JSON.object(recorded), self.isOwn(json) else { return "request of another surface" }
        guard !self.judge.isPathBound else { return nil }
        guard json["model"] is String else { return "model not in the body" }
        let isStreaming = json["stream"] as? Bool ?? self.streamsUnasked
        return isStreaming == self.recording.isStream || self.recording.status >= 300
            ? nil : "streaming asked for elsewhere"
    }

    private func isOwn(_ json: [String: Any]) -> Bool {
        let keys: [String] =
            switch self.dialect {
            case .openAIChat, .anthropicMessages, .bedrockConverse, .ollamaChat, .cohereChat: ["messages"]
            case .openAIResponses: ["input", "prompt", "previous_response_id"]
            case .gemini: ["contents"]
            case .ollamaGenerate, .openAICompletions: ["prompt", "model"]
            }
        return keys.contains { json[$0] != nil }
    }

    private var streamsUnasked: Bool { self.dialect == .ollamaChat || self.dialect == .ollamaGenerate }

    /// The recorded request where there is one that asks for what was recorded.
    private func request() -> (Data, isRecorded: Bool) {
        if let recorded = self.recording.request, self.madeUpReason == nil { return (recorded, true) }
        var plain = self.judge.request(isStreaming: self.recording.isStream)
        plain["stream_options"] = nil
        return (JSON.data(plain), false)
    }

    private static func asksForUsage(_ body: Data) -> Bool {
        JSON.object(body)?.object("stream_options")["include_usage"] as? Bool ?? false
    }

    /// What reaches the upstream is what the client wrote, but for the wish for usage.
    private func checkRequest(
        _ body: Data, _ isRecorded: Bool, _ transport: FunctionTransport, _ label: String
    ) throws {
        let sent = try #require(transport.requests.first, "\(label)")
        #expect(transport.requests.count == 1, "\(label)")
        let bytes = Data(sent.body.readableBytesView)
        let isStreaming = JSON.object(body)?["stream"] as? Bool ?? false
        let takesWish = !self.recording.spec(self.dialect).quirks.contains(.refusesStreamOptions)
        guard self.hasUsageWish, takesWish, isStreaming, !Self.asksForUsage(body) else {
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
        let faults = self.judge.failureFaults(reply)
        #expect(faults.isEmpty, "\(label): \(faults)")
        let message = self.judge.failure(reply.json) ?? ""
        #expect(!message.isEmpty, "\(label)")
        guard (400..<500).contains(self.recording.status), reply.status == self.recording.status else { return }
        // What the client can act on stays: the message, and for OpenAI code and parameter.
        if let text = self.judge.failure(self.recording.json), Secrets.areAbsent(text), text.count <= 2000 {
            #expect(message == text, "\(label)")
        }
        guard [.openAIChat, .openAIResponses, .openAICompletions].contains(self.dialect) else { return }
        for key in ["code", "param"] {
            // Where the contract has a code of its own that one stands; a sentence is no code.
            guard let value = self.recording.json.object("error")[key] as? String,
                [400, 403, 422].contains(reply.status), !value.contains(" ")
            else { continue }
            #expect(reply.error[key] as? String == value, "\(label): \(key)")
        }
    }

    /// The gateway may refuse by itself what the provider refused, for the same field.
    private func checkOwnRefusal(_ reply: ClientReply, _ label: String) {
        #expect(reply.status == 400, "\(label): \(reply.text)")
        #expect(self.judge.failureFaults(reply).isEmpty, "\(label): \(reply.text)")
        let parameter = self.recording.json.object("error")["param"] as? String
        #expect(parameter != nil && reply.error["param"] as? String == parameter, "\(label): \(reply.text)")
    }

    private func checkStream(_ reply: ClientReply, asks: Bool, isBroken: Bool, _ label: String) {
        #expect(reply.status == 200, "\(label): \(reply.text.prefix(300))")
        #expect(reply.headers["content-type"]?.hasPrefix(self.dialect.streamType) == true, "\(label)")
        var expected = Data()
        events: for event in self.judge.events(self.recording.reply) {
            switch event.kind {
            case .failure, .garbage: break events
            case .empty, .good:
                let isUsageOnly =
                    (event.json["choices"] as? [Any])?.isEmpty == true && event.json["usage"] is [String: Any]
                if self.hasUsageWish, !asks, isUsageOnly { continue }
                expected += event.raw
                if event.isLast { break events }
            }
        }
        let body = reply.body
        guard isBroken else {
            // A final blank line that the provider left out is added, and an end mark that it has beside its own passes.
            let ends = [Data(), Data("\n".utf8), Data("\n\n".utf8), Data("data: [DONE]\n\n".utf8)]
            #expect(ends.contains { body == expected + $0 }, "\(label): \(Self.difference(body, expected))")
            return
        }
        // An unfinished last event does not reach the client, nor do comments after the last good one have to.
        let events = self.judge.events(body)
        let seen = self.judge.stream(body)
        #expect(seen.error?.isEmpty == false, "\(label): \(reply.text.suffix(300))")
        let good = body.prefix(
            events.firstIndex { $0.kind == .failure }.map { end in
                events[..<end].reduce(0) { $0 + $1.raw.count }
            } ?? body.count)
        #expect(expected.starts(with: good), "\(label): \(Self.difference(good, expected))")
        // Of responses there are two: OpenAI's SDKs look at `error`, Codex at `response.failed`.
        let failures = self.dialect == .openAIResponses ? 2 : 1
        #expect(events.filter { $0.kind == .failure }.count == failures, "\(label)")
    }

    /// Where two bodies part.
    private static func difference(_ left: Data, _ right: Data) -> String {
        let (left, right) = (Array(left), Array(right))
        let same = zip(left, right).prefix { $0 == $1 }.count
        func shown(_ bytes: [UInt8]) -> String {
            String(decoding: bytes[max(0, same - 40)..<min(bytes.count, same + 120)], as: UTF8.self).debugDescription
        }
        return "at \(same) of \(left.count) and \(right.count): \(shown(left)) is not \(shown(right))"
    }
}

/// Messages that look as if they held a key are not passed on word for word.
enum Secrets {
    static func areAbsent(_ text: String) -> Bool {
        !["sk-", "xai-", "gsk_", "AIza", "***", "Bearer"].contains { text.contains($0) }
    }
}
