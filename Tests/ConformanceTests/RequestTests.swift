import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// Every recorded request goes in through its own surface and is put to an upstream of every other dialect: it says the
/// same there, or is refused by name, and whatever is left out is told.
@Suite("Conformance: recorded requests", .enabled(if: Recordings.areThere), .timeLimit(.minutes(15)))
struct RequestTests {
    struct Recorded: CustomStringConvertible {
        var name: String
        var dialect: DialectID
        var body: Data
        var model = "m"

        var description: String { self.name }
    }

    static let folders =
        Recordings.chatFolders
        + RecordedSurface.inbound.map(\.key).sorted()

    static func requests(_ folder: String) -> [Recorded] {
        if let dialect = RecordedSurface.inbound[folder] {
            return Recordings.names(in: "\(Recordings.root)/\(folder)").compactMap { name in
                let path = "\(Recordings.root)/\(folder)/\(name)/request.json"
                return FileManager.default.contents(atPath: path).map {
                    Recorded(name: "\(folder)/\(name)", dialect: dialect, body: $0)
                }
            }
        }
        return Recordings.cases(folder).compactMap { recording in
            guard let dialect = recording.dialect, let body = recording.request,
                let json = JSON.object(body), Self.begins(json, dialect)
            else { return nil }
            return Recorded(name: recording.description, dialect: dialect, body: body, model: recording.model)
        }
    }

    /// Whether it holds a conversation at all.
    private static func begins(_ json: [String: Any], _ dialect: DialectID) -> Bool {
        switch dialect {
        case .openAIResponses: json["input"] != nil
        case .gemini: json["contents"] != nil
        case .ollamaGenerate, .openAICompletions: json["prompt"] != nil
        // An empty list loads or unloads an Ollama model.
        default: !json.list("messages").isEmpty
        }
    }

    @Test("A folder's requests say the same in every other dialect", arguments: folders)
    func translate(_ folder: String) async throws {
        var tally = Tally(folder: "requests of \(folder)")
        for request in Self.requests(folder) {
            tally.cases += 1
            for upstream in DialectID.allCases where upstream != request.dialect {
                try await self.check(request, upstream, &tally)
            }
        }
        Report.shared.add(tally)
    }

    private func check(_ request: Recorded, _ upstream: DialectID, _ tally: inout Tally) async throws {
        let put = RequestPut(request: request, upstream: upstream)
        let reply = try await put.ask()
        tally.translated[upstream, default: 0] += 1
        if reply.status == 400 {
            tally.refused += 1
            put.checkRefusal(reply)
            return
        }
        #expect(reply.status == 200, "\(put.label): \(reply.text)")
        guard let sent = put.sent else { return }
        tally.carried += 1
        if !reply.losses.isEmpty { tally.lossy += 1 }
        put.compare(sent, reply.losses)
        put.checkSettings(sent, reply.losses)
        if put.isStrictlyChecked { try await put.checkStrict(reply.losses) }
    }
}

/// A recorded request put to an upstream.
struct RequestPut {
    let request: RequestTests.Recorded
    let upstream: DialectID
    let json: [String: Any]
    private let transport: FunctionTransport
    private var client: DialectID { self.request.dialect }

    var label: String { "\(self.request) to \(self.upstream.rawValue)" }
    var sent: [String: Any]? { self.transport.requests.first.flatMap { JSON.object($0.body) } }

    init(request: RequestTests.Recorded, upstream: DialectID) {
        self.request = request
        self.upstream = upstream
        self.transport = Self.answering(upstream)
        var json = JSON.object(request.body) ?? [:]
        if !request.dialect.judge.isPathBound {
            // Some were recorded at servers that name the model elsewhere.
            if !(json["model"] is String) { json["model"] = "m" }
            json["stream"] = true
        }
        self.json = json
    }

    private static func answering(_ upstream: DialectID) -> FunctionTransport {
        let data = upstream.judge.okayStream
        return FunctionTransport { _ throws(NeedletailError) in
            TransportResponse(
                status: 200, headers: [.contentType: upstream.streamType],
                body: TransportBody(ByteBuffer(bytes: data)))
        }
    }

    func ask(_ transport: FunctionTransport? = nil, headers: [String: String] = [:]) async throws -> ClientReply {
        try await Gateway.running().ask(
            JSON.data(self.json), as: self.client, isStreaming: true, of: .speaking(self.upstream), in: self.upstream,
            transport: transport ?? self.transport, clientModel: self.request.model, headers: headers)
    }

    /// All of the two first dialects, and every fourth of the rest.
    var isStrictlyChecked: Bool {
        let first: Set<DialectID> = [.openAIChat, .anthropicMessages]
        if first.contains(self.client), first.contains(self.upstream) { return true }
        var random = NameGenerator(self.label)
        return Int.random(in: 0..<4, using: &random) == 0
    }

    /// What a reply may lose, which a strict request does not mind.
    private static let replyLosses = Set(
        DialectID.allCases.flatMap { dialect in ModelField.reply.map { $0.name(in: dialect) } })

    /// A strict request is refused exactly if it would lose a field, and the answer names every one.
    func checkStrict(_ losses: [String]) async throws {
        let transport = Self.answering(self.upstream)
        let reply = try await self.ask(transport, headers: ["x-needletail-strict": "true"])
        let lost = Set(losses).subtracting(Self.replyLosses)
        if reply.status == 200 {
            #expect(lost.isEmpty, "\(self.label): \(lost) may not be lost")
            return
        }
        let message = self.client.judge.failure(reply.json) ?? ""
        #expect(reply.status == 400 && transport.requests.isEmpty, "\(self.label): \(reply.text)")
        for field in lost { #expect(message.contains(field), "\(self.label): \(field) is not in \(message)") }
        if self.client == .openAIChat {
            #expect(reply.error["code"] as? String == "unsupported_capability", "\(self.label)")
            #expect(reply.error["param"] as? String != nil, "\(self.label)")
        }
    }

    /// A refusal names the field.
    func checkRefusal(_ reply: ClientReply) {
        let message = self.client.judge.failure(reply.json) ?? ""
        // Some dialects have a place of its own for the field's name.
        let isNamed = Self.names(self.json).contains { reply.text.contains($0) }
        #expect(isNamed, "\(self.label): \(reply.text)")
        if !isNamed || ProcessInfo.processInfo.environment["NEEDLETAIL_REFUSALS"] != nil {
            print("conformance refused \(self.label): \(message)")
        }
    }

    /// The names of all members, and the text where there are no others.
    private static func names(_ value: Any) -> Set<String> {
        if let list = value as? [Any] { return list.reduce(into: []) { $0.formUnion(self.names($1)) } }
        guard let object = value as? [String: Any] else { return [] }
        return object.values.reduce(into: Set(object.keys)) { $0.formUnion(self.names($1)) }
    }

    func compare(_ sent: [String: Any], _ losses: [String]) {
        let meant = self.client.judge.conversation(self.json)
        var seen = self.upstream.judge.conversation(sent)
        if seen.removeJSONInstruction() {
            // Only who enforces no JSON without a schema may be told so, and only where JSON is wanted.
            let isEmulated = [.anthropicMessages, .bedrockConverse].contains(self.upstream)
            let isTold = losses.contains { $0.contains("format") || $0.contains("responseSchema") }
            #expect(isEmulated && isTold, "\(self.label): an instruction that is not told")
        }
        if !self.upstream.judge.isPathBound, !self.client.judge.isPathBound {
            #expect(sent["model"] as? String == self.json["model"] as? String, "\(self.label)")
        }
        if seen.isFlat {
            for piece in meant.pieces where !piece.text.isEmpty {
                #expect(
                    seen.all.contains(piece.text),
                    "\(self.label): \(piece.text.prefix(80)) is not in \(seen.all.prefix(200))")
            }
        } else if meant.isFlat || (meant.user.isEmpty && meant.assistant.isEmpty && meant.results.isEmpty) {
            // Most answer a turn of the user: instructions alone become one.
            #expect(seen.all == meant.all, "\(self.label)")
        } else {
            self.compareTurns(seen, meant)
        }
        let isTold = !losses.isEmpty
        #expect(
            seen.media.sorted() == meant.media.sorted() || (isTold && Set(seen.media).isSubset(of: meant.media)),
            "\(self.label): media")
        #expect(seen.calls.map(\.name) == meant.calls.map(\.name), "\(self.label)")
        // Servers in PHP write an empty object as `[]`.
        let isStrict = !self.upstream.judge.shows.contains(.looseArguments)
        let arguments = meant.calls.map { isStrict && $0.arguments == "[]" ? "{}" : $0.arguments }
        #expect(seen.calls.map(\.arguments) == arguments, "\(self.label)")
        let texts = { (said: PlainConversation) in said.results.map(\.text).filter { !$0.isEmpty }.sorted() }
        if !meant.hasMediaResults { #expect(texts(seen) == texts(meant), "\(self.label)") }
        #expect(
            Set(seen.results.map(\.id)).isSubset(of: Set(seen.calls.map(\.id))), "\(self.label): a result of no call")
        if self.upstream == .bedrockConverse, meant.tools.isEmpty {
            // Converse takes no calls without the tools that they call.
            #expect(Set(seen.tools.keys) == Set(seen.calls.map(\.name)), "\(self.label): tools")
        } else if self.forbidsCalls, seen.tools.isEmpty {
            #expect(meant.tools.isEmpty || losses.contains("tools"), "\(self.label): tools are left out and not told")
        } else {
            #expect(seen.tools.keys.sorted() == meant.tools.keys.sorted(), "\(self.label): tools")
            let isForbidden = RequestWords.says("choice", sent, self.upstream)
            #expect(!self.forbidsCalls || isForbidden, "\(self.label): calls are no longer forbidden")
        }
        for (tool, schema) in meant.tools where seen.tools[tool] != nil && seen.tools[tool] != schema {
            #expect(isTold, "\(self.label): \(tool): \(seen.tools[tool] ?? "") is not \(schema)")
        }
        if self.client == .openAIChat, self.upstream == .anthropicMessages {
            // Who issued them is not known here, so that they stay behind, which is told.
            #expect(seen.signatures == meant.signatures || (seen.signatures.isEmpty && isTold), "\(self.label)")
        }
    }

    /// Whether the model may call none of the tools.
    private var forbidsCalls: Bool {
        let choice = self.json["tool_choice"] as? String ?? self.json.object("tool_choice").text("type")
        let config = self.json["toolConfig"] as? [String: Any] ?? self.json.object("tool_config")
        let mode = config.object("functionCallingConfig").text("mode")
        return [choice, mode].contains { $0.lowercased() == "none" }
    }

    private func compareTurns(_ seen: PlainConversation, _ meant: PlainConversation) {
        #expect(seen.assistant == meant.assistant, "\(self.label): assistant")
        if meant.hasMediaResults {
            // Where tool results are text, what they show follows as a message of the user, which says so.
            #expect(seen.user.hasSuffix(meant.user) || seen.user.contains(meant.user), "\(self.label)")
        } else if !seen.documents.isEmpty {
            // Documents may stand beside the conversation.
            #expect(seen.documents.sorted() == meant.documents.sorted(), "\(self.label): documents")
            #expect(seen.said == meant.said, "\(self.label): user and system")
        } else if seen.system == meant.system {
            let titles = (seen.titles + meant.titles).map(PlainConversation.squeezed)
            let user = { (said: PlainConversation) in
                titles.reduce(said.user) { $0.replacingOccurrences(of: $1, with: "") }
            }
            #expect(user(seen) == user(meant) || seen.user == meant.titledUser, "\(self.label): user")
        } else {
            // A system prompt in the middle stays in its place, as the user's where there is no other.
            let texts = { (said: PlainConversation) in said.pieces.filter { $0.role != .assistant }.map(\.text).joined()
            }
            #expect(texts(seen).sorted() == texts(meant).sorted(), "\(self.label): system and user")
            #expect(
                seen.system.isEmpty || meant.system.contains(seen.system) || seen.system.contains(meant.system),
                "\(self.label): system")
        }
    }

    /// Whether the upstream does what is asked for as long as nothing is said: Claude reasons only when told to.
    private func isSilent(_ path: String, _ value: Any, _ sent: [String: Any]) -> Bool {
        let isOff = path.lowercased().replacingOccurrences(of: "_", with: "").hasSuffix("thinkingbudget")
        return isOff && value as? Int == 0 && [.anthropicMessages, .bedrockConverse].contains(self.upstream)
            && sent["thinking"] == nil && sent["additionalModelRequestFields"] == nil
    }

    /// Each setting is said to the upstream, means nothing, or is told as lost.
    func checkSettings(_ sent: [String: Any], _ losses: [String]) {
        for (path, value) in RequestWords.settings(self.json, self.client)
        where !RequestWords.isNeutral(path, value, self.json) && !self.isSilent(path, value, sent) {
            let concepts = RequestWords.concepts(path, self.client)
            if concepts.contains(where: { RequestWords.says($0, sent, self.upstream) }) { continue }
            if RequestWords.isSaidAlike(path, value, self.client, sent, self.upstream) { continue }
            let names = [path] + concepts.flatMap { RequestWords.all[self.client]?[$0] ?? [] }
            let isTold = losses.contains { loss in
                names.contains { loss == $0 || loss.hasPrefix($0 + ".") || $0.hasPrefix(loss + ".") }
            }
            #expect(
                isTold || losses.last == "...",
                "\(self.label): `\(path)` is neither in \(sent.keys.sorted()) nor in \(losses)")
        }
    }
}
