import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// A recording behind a client of another dialect.
struct Translation {
    let judged: JudgedRecording
    let to: DialectID
    private var recording: Recording { self.judged.recording }
    private var from: DialectID { self.judged.dialect }
    private var spec: ProviderSpec { self.recording.spec(self.from) }
    private var shows: Set<Aspect> { self.to.judge.shows }

    /// JSON of the right form with values of the wrong type, made by third parties for tests: nothing to translate.
    static let unreadable: Set<String> = ["stream-malformed-delta-content-number-56d0"]

    /// Checks that the client sees what was recorded, and returns that.
    ///
    /// - Parameter cuts: How the reply comes; one way if it is left out, chosen by the recording's name.
    @discardableResult
    func check(cuts: [Recording.Cut]? = nil) async throws -> SeenReply {
        var first: SeenReply?
        for cut in cuts ?? [self.recording.cut(self.to.rawValue)] {
            let reply = try await self.ask(
                self.to.judge.data(isStreaming: self.recording.isStream, wishes: self.hasMore),
                self.recording.transport(cut))
            let label = "\(self.recording) to \(self.to.rawValue) in pieces: \(cut)"
            let seen = self.to.judge.read(reply.body, isStream: self.recording.isStream)
            self.check(reply, seen, label)
            first = first ?? seen
        }
        if [.openAIChat, .openAICompletions].contains(self.to), self.recording.isStream, self.isChosen(1, of: 4) {
            try await self.checkUnaskedUsage()
        }
        return try #require(first)
    }

    /// Whether this case is among those that are checked in a way that not all are; the name decides.
    func isChosen(_ share: Int, of all: Int) -> Bool {
        var random = NameGenerator("\(self.recording) \(self.to.rawValue)")
        return Int.random(in: 0..<all, using: &random) < share
    }

    /// Whether the reply holds what must be asked for: tools that the provider runs are told as lost where there were any.
    private var hasMore: Bool {
        let meant = self.judged.meant
        return !meant.calls.isEmpty || !meant.signatures.isEmpty || meant.hasForeign
    }

    private func ask(_ body: Data, _ transport: FunctionTransport) async throws -> ClientReply {
        try await Gateway.running().ask(
            body, as: self.to, isStreaming: self.recording.isStream, of: self.spec, in: self.from, transport: transport)
    }

    /// A client that did not ask for the usage chunk gets none.
    private func checkUnaskedUsage() async throws {
        var request = self.to.judge.request(isStreaming: true)
        request["stream_options"] = nil
        let reply = try await self.ask(JSON.data(request), self.recording.transport())
        for json in ServerEvents(reply.body).objects {
            #expect(!(json["usage"] is [String: Any]), "\(self.recording) to \(self.to.rawValue), not asked for usage")
        }
    }

    private func check(_ reply: ClientReply, _ seen: SeenReply, _ label: String) {
        let meant = self.judged.meant
        switch self.judged.expectation {
        case .failure, .garbage:
            let statuses = self.judged.expectation.statuses(self.to) ?? []
            #expect(statuses.contains(reply.status), "\(label): \(reply.status) \(reply.text)")
            let faults = self.to.judge.failureFaults(reply)
            #expect(faults.isEmpty, "\(label): \(faults)")
            if (400..<500).contains(self.recording.status), reply.status == self.recording.status,
                let message = meant.error, Secrets.areAbsent(message), message.count <= 2000, !message.isEmpty
            {
                #expect(self.to.judge.failure(reply.json) == message, "\(label)")
            }
        case .brokenStream where reply.status != 200:
            // Nothing that the client's dialect has an event for came before the fault.
            #expect(reply.status >= 500 && meant.text.isEmpty, "\(label): \(reply.status) \(reply.text)")
        case .brokenStream:
            #expect(seen.error?.isEmpty == false, "\(label): \(reply.text.suffix(300))")
            #expect((meant.plan + meant.text).hasPrefix(seen.text) || meant.text.hasPrefix(seen.text), "\(label)")
        case .reply where Self.unreadable.contains(self.recording.name):
            #expect(reply.status == 502 || seen.error != nil, "\(label)")
        case .reply:
            #expect(reply.status == 200, "\(label): \(reply.text.prefix(400))")
            guard reply.status == 200 else { return }
            #expect(seen.error == nil, "\(label): \(seen.error ?? "")")
            let losses = reply.losses
            let told = self.recording.isStream ? reply.outcome?.losses.map(\.field) ?? [] : losses
            Report.shared.add(told, from: self.from, to: self.to)
            self.compare(seen, meant, losses, label)
            #expect(seen.faults.isEmpty, "\(label): \(seen.faults)")
            meant.checkAccounting(reply, label)
            if meant.hasForeign { #expect(!losses.isEmpty, "\(label): nothing is told as lost") }
            if !self.recording.isStream { self.checkLosses(losses, reply.json, label) }
        }
    }

    private func compare(_ seen: SeenReply, _ meant: SeenReply, _ losses: [String], _ label: String) {
        // Where a provider declines without a word, OpenAI's clients must still be told.
        if !(meant.stop == .refused && meant.text.isEmpty) {
            let texts = [meant.text, meant.plan + meant.text, meant.finalText ?? meant.text]
            #expect(
                texts.contains(seen.text),
                "\(label): \(seen.text.debugDescription) is not \(meant.text.debugDescription)")
        }
        if self.shows.contains(.reasoning) {
            let reasonings = [meant.reasoning, meant.plan + meant.reasoning, meant.reasoning + meant.plan]
            #expect(
                reasonings.contains(seen.reasoning),
                "\(label): \(seen.reasoning.debugDescription) is not \(meant.reasoning.debugDescription)")
        } else if !meant.reasoning.isEmpty {
            #expect(!losses.isEmpty, "\(label): reasoning is lost and not told")
        }
        let signatures = Set(seen.signatures.map(Self.bare))
        if !Set(meant.signatures).isSubset(of: signatures) {
            #expect(!losses.isEmpty, "\(label): signatures are lost and not told")
        }
        if self.from == .anthropicMessages, self.to == .openAIChat {
            #expect(seen.signatures == meant.signatures, "\(label)")
        }
        self.compareCalls(seen, meant, losses, label)
        self.compareStop(seen, meant, label)
        if let input = meant.inputTokens, let output = meant.outputTokens {
            #expect(seen.inputTokens == input, "\(label)")
            #expect(seen.outputTokens == output, "\(label)")
            if self.shows.contains(.cachedTokens) {
                #expect(seen.cachedTokens ?? 0 == meant.cachedTokens ?? 0, "\(label)")
            }
        }
    }

    private func compareCalls(_ seen: SeenReply, _ meant: SeenReply, _ losses: [String], _ label: String) {
        guard self.shows.contains(.calls) else {
            if !meant.calls.isEmpty { #expect(!losses.isEmpty, "\(label): calls are lost and not told") }
            return
        }
        #expect(seen.calls.map(\.name) == meant.calls.map(\.name), "\(label)")
        for (call, original) in zip(seen.calls, meant.calls) {
            let isObject = JSON.object(original.arguments) != nil
            if isObject || self.takesLooseArguments {
                #expect(call.arguments == original.arguments, "\(label)")
            }
        }
        guard self.shows.contains(.callIDs) else { return }
        #expect(seen.calls.allSatisfy { !$0.id.isEmpty }, "\(label): a call without an id")
        #expect(Set(seen.calls.map(\.id)).count == seen.calls.count, "\(label): an id twice")
        for (call, original) in zip(seen.calls, meant.calls) where Self.isUsable(original.id) {
            #expect(call.id == original.id, "\(label)")
        }
    }

    /// Anthropic's and Bedrock's whole replies hold objects only; their streams whatever the model wrote.
    private var takesLooseArguments: Bool {
        self.shows.contains(.looseArguments)
            || (self.recording.isStream && [.anthropicMessages, .bedrockConverse].contains(self.to))
    }

    private func compareStop(_ seen: SeenReply, _ meant: SeenReply, _ label: String) {
        // Few have a word for a pause: the turn is over.
        var stop = meant.stop
        if stop == .pause { stop = meant.calls.isEmpty ? .end : .calls }
        if stop == .calls, !self.shows.contains(.calls) { stop = .end }
        if stop == .refused, !self.shows.contains(.refusal) { stop = seen.calls.isEmpty ? .end : .calls }
        #expect(seen.stop == stop, "\(label)")
    }

    /// Whatever a whole reply holds beside what every client sees is told as lost, or stands in the client's reply too.
    private func checkLosses(_ losses: [String], _ reply: [String: Any], _ label: String) {
        // What is carried in the client's own words.
        let times = [
            "total_duration", "load_duration", "prompt_eval_duration", "eval_duration", "time_info", "timings",
        ]
        var json = self.recording.json
        if self.to.dialect.replyFields.contains(.replyTiming) { for key in times { json[key] = nil } }
        // Read with the counters, and told in one word.
        if losses.contains(ModelField.replyTiming.name(in: self.from)) { for key in times { json[key] = nil } }
        // Perplexity's pages are citations, which are carried or told as such.
        json["citations"] = nil
        let isTold = { (name: String) in
            losses.contains { $0 == name || $0.hasPrefix(name + ".") } || losses.last == "…"
        }
        switch self.from {
        case .openAIChat:
            let known = ["id", "object", "created", "model", "choices", "usage", "service_tier", "x_groq"]
            let others = json.filter { !known.contains($0.key) && !Self.isEmpty($0.value) }
            for (key, value) in others {
                let isCarried = reply[key].map(JSON.canonical) == JSON.canonical(value)
                #expect(isCarried || isTold(key), "\(label): \(key) is not in \(losses)")
            }
            let choices = json.list("choices")
            let hasChoices: Set<DialectID> = [.openAIChat, .openAICompletions, .gemini]
            if choices.count > 1, !hasChoices.contains(self.to) { #expect(isTold("choices"), "\(label): \(losses)") }
            let hasLogprobs: Set<DialectID> = [
                .openAIResponses, .gemini, .openAICompletions, .ollamaChat, .ollamaGenerate, .cohereChat,
            ]
            if !hasLogprobs.contains(self.to), let first = choices.first,
                first.object("logprobs").contains(where: { !Self.isEmpty($1) })
            {
                #expect(isTold("choices.logprobs"), "\(label): \(losses)")
            }
            if let audio = choices.first?.object("message")["audio"] as? [String: Any], audio.text("id") != "" {
                #expect(isTold("choices.message.audio"), "\(label): \(losses)")
            }
        case .anthropicMessages:
            let known = ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"]
            for (key, value) in json where !known.contains(key) && !Self.isEmpty(value) {
                #expect(isTold(key), "\(label): \(key) is not in \(losses)")
            }
            if json["stop_sequence"] is String, self.to == .openAIChat {
                #expect(isTold("stop_sequence"), "\(label): \(losses)")
            }
            for block in json.list("content") {
                let type = block.text("type")
                if !["text", "thinking", "redacted_thinking", "tool_use"].contains(type) {
                    #expect(isTold("content"), "\(label): \(type) is not in \(losses)")
                }
            }
        case .bedrockConverse, .ollamaChat, .ollamaGenerate:
            let known = [
                "output", "stopReason", "usage", "metrics", "model", "created_at", "message", "response", "thinking",
                "done", "done_reason", "prompt_eval_count", "eval_count", "logprobs",
            ]
            for (key, value) in json where !known.contains(key) && !Self.isEmpty(value) {
                let isCarried = reply[key].map(JSON.canonical) == JSON.canonical(value)
                #expect(isCarried || isTold(key), "\(label): \(key) is not in \(losses)")
            }
        default: break
        }
    }

    /// A signature without what makes it one of the client's dialect: Gemini's clients take nothing but base64.
    private static func bare(_ signature: String) -> String {
        let mark = "needletail:"
        guard let bytes = Data(base64Encoded: signature), let text = String(bytes: bytes, encoding: .utf8),
            text.hasPrefix(mark)
        else { return signature }
        return String(text.dropFirst(mark.count))
    }

    private static func isEmpty(_ value: Any) -> Bool {
        value is NSNull || (value as? [Any])?.isEmpty == true || (value as? [String: Any])?.isEmpty == true
            || value as? String == ""
    }

    /// The strictest rule for ids, Anthropic's and Bedrock's: `^[a-zA-Z0-9_-]{1,64}$`.
    private static func isUsable(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= 64
            && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }

    /// The client sends the reply back as the assistant's turn, with a result for every call: the upstream gets its own
    /// calls, ids and signatures again.
    func checkResend(_ seen: SeenReply) async throws -> Bool {
        guard !seen.text.isEmpty || !seen.calls.isEmpty else { return false }
        let label = "\(self.recording) sent again as \(self.to.rawValue)"
        let okay = self.from.judge.okay
        let transport = FunctionTransport { [data = JSON.data(okay)] _ throws(NeedletailError) in
            TransportResponse(status: 200, body: TransportBody(ByteBuffer(bytes: data)))
        }
        let reply = try await Gateway.running().ask(
            JSON.data(self.to.judge.nextTurn(seen)), as: self.to, isStreaming: false, of: self.spec, in: self.from,
            transport: transport)
        // A call that the model did not finish cannot be said again to an upstream whose calls are objects.
        let isLoose = seen.calls.contains { JSON.object($0.arguments) == nil }
        if isLoose, !self.from.judge.shows.contains(.looseArguments), reply.status == 400 {
            #expect(self.to.judge.failure(reply.json)?.isEmpty == false, "\(label)")
            return true
        }
        // An upstream of one prompt has no place for calls and their results.
        let isFlat = !self.from.judge.shows.contains(.messages)
        if isFlat, reply.status == 400 { return true }
        #expect(reply.status == 200, "\(label): \(reply.text)")
        guard reply.status == 200 else { return false }
        let body = try #require(transport.requests.first.flatMap { JSON.object($0.body) }, "\(label)")
        let sent = self.from.judge.conversation(body)
        guard !isFlat, self.shows.contains(.messages) else {
            #expect(sent.all.contains(PlainConversation.squeezed(seen.text)), "\(label)")
            return true
        }
        #expect(sent.calls.map(\.name) == seen.calls.map(\.name), "\(label)")
        #expect(sent.results.map(\.id).sorted() == sent.calls.map(\.id).sorted(), "\(label)")
        #expect(sent.results.map(\.text) == seen.calls.indices.map { "result\($0)" }, "\(label)")
        for (call, original) in zip(sent.calls, seen.calls) where JSON.object(original.arguments) != nil {
            #expect(call.arguments == original.arguments, "\(label)")
        }
        if seen.stop != .refused {
            let text = PlainConversation.squeezed(sent.assistantText)
            #expect([seen.text, seen.plan + seen.text].map(PlainConversation.squeezed).contains(text), "\(label)")
        }
        if self.from.judge.shows.contains(.signatures) {
            // Where a client can keep base64 alone, what it keeps is not what the provider gave and gets again.
            let given = Set(self.judged.meant.signatures)
            let isWhole =
                Set(seen.signatures.map(Self.bare)).isSubset(of: sent.signatures)
                || (!given.isEmpty && given.isSubset(of: sent.signatures))
            #expect(isWhole || !reply.losses.isEmpty, "\(label): signatures are lost and not told")
            if self.from == .anthropicMessages, self.to == .openAIChat { #expect(isWhole, "\(label)") }
        }
        return true
    }
}

extension ClientReply {
    /// The fields that `x-needletail-lossy` names.
    var losses: [String] { (self.headers["x-needletail-lossy"] ?? "").split(separator: ",").map(String.init) }
}
