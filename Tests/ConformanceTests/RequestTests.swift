import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

/// Every recorded request is put to an upstream of the other dialect: it says the same there, or is refused by name, and
/// whatever is left out is told.
@Suite("Conformance: recorded requests", .enabled(if: Recordings.areThere), .timeLimit(.minutes(15)))
struct RequestTests {
    struct Recorded {
        var name: String
        var dialect: DialectID
        var body: Data
    }

    static let inbound = [
        "inbound-requests/openai-chat": DialectID.openAIChat,
        "inbound-requests/anthropic-messages": .anthropicMessages,
    ]

    static func requests(_ folder: String) -> [Recorded] {
        if let dialect = self.inbound[folder] {
            return Recordings.names(in: "\(Recordings.root)/\(folder)").compactMap { name in
                let path = "\(Recordings.root)/\(folder)/\(name)/request.json"
                return FileManager.default.contents(atPath: path).map {
                    Recorded(name: "\(folder)/\(name)", dialect: dialect, body: $0)
                }
            }
        }
        return Recordings.cases(folder).compactMap { recording in
            guard let dialect = recording.dialect, let body = recording.request, let json = JSON.object(body),
                json["messages"] != nil
            else { return nil }
            return Recorded(name: recording.description, dialect: dialect, body: body)
        }
    }

    @Test(
        "A folder's requests say the same in the other dialect",
        arguments: Recordings.chatFolders + inbound.keys.sorted())
    func translate(_ folder: String) async throws {
        var (carried, refused, lossy) = (0, 0, 0)
        let requests = Self.requests(folder)
        for request in requests {
            let other: DialectID = request.dialect == .openAIChat ? .anthropicMessages : .openAIChat
            let transport = FunctionTransport { _ throws(NeedletailError) in
                TransportResponse(
                    status: 200, headers: [.contentType: "text/event-stream"],
                    body: TransportBody(ByteBuffer(string: Self.smallStream(other))))
            }
            // Some were recorded at servers that name the model elsewhere.
            var json = JSON.object(request.body) ?? [:]
            let hasModel = json["model"] is String
            if !hasModel { json["model"] = "m" }
            json["stream"] = true
            let reply = try await Gateway.running().ask(
                JSON.data(json), as: request.dialect, of: .speaking(other), transport: transport)
            if reply.status == 400 {
                refused += 1
                self.checkRefusal(reply, request)
                continue
            }
            #expect(reply.status == 200, "\(request.name): \(reply.text)")
            guard let sent = transport.requests.first.flatMap({ JSON.object($0.body) }) else { continue }
            let losses = (reply.headers["x-needletail-lossy"] ?? "").split(separator: ",").map(String.init)
            carried += 1
            if !losses.isEmpty { lossy += 1 }
            self.compare(json, request, sent, other, losses)
            try await self.checkStrict(json, request, other, losses)
            for key in json.keys.sorted() where !Self.isCarried(key, json, sent, request.dialect) {
                let isTold = losses.contains { $0 == key || $0.hasPrefix(key + ".") || Self.alias(key) == $0 }
                #expect(isTold, "\(request.name): `\(key)` is neither in \(sent.keys.sorted()) nor in \(losses)")
            }
        }
        print(
            "conformance \(folder): \(requests.count) requests: carried \(carried) (lossy \(lossy)), refused \(refused)"
        )
    }

    /// What a reply may lose, which a strict request does not mind.
    private static let replyLosses = Set(
        DialectID.spelledOut.flatMap { dialect in ModelField.reply.map { $0.name(in: dialect) } })

    /// A strict request is refused exactly if it would lose a field, and the answer names every one.
    private func checkStrict(
        _ json: [String: Any], _ request: Recorded, _ other: DialectID, _ losses: [String]
    ) async throws {
        let transport = FunctionTransport { _ throws(NeedletailError) in
            TransportResponse(
                status: 200, headers: [.contentType: "text/event-stream"],
                body: TransportBody(ByteBuffer(string: Self.smallStream(other))))
        }
        let reply = try await Gateway.running().ask(
            JSON.data(json), as: request.dialect, of: .speaking(other), transport: transport,
            headers: ["x-needletail-strict": "true"])
        let lost = Set(losses).subtracting(Self.replyLosses)
        if reply.status == 200 {
            #expect(lost.isEmpty, "\(request.name): \(lost) may not be lost")
            return
        }
        let message = reply.error["message"] as? String ?? ""
        #expect(reply.status == 400 && transport.requests.isEmpty, "\(request.name): \(reply.text)")
        for field in lost { #expect(message.contains(field), "\(request.name): \(field) is not in \(message)") }
        if request.dialect == .openAIChat {
            #expect(reply.error["code"] as? String == "unsupported_capability", "\(request.name)")
            #expect(reply.error["param"] as? String != nil, "\(request.name)")
        }
    }

    /// A refusal names the field.
    private func checkRefusal(_ reply: ClientReply, _ request: Recorded) {
        let message = reply.error["message"] as? String ?? ""
        let keys = (JSON.object(request.body) ?? [:]).keys
        let field = reply.error["param"] as? String ?? ""
        let isNamed = keys.contains { message.contains($0) || field.hasPrefix($0) }
        #expect(isNamed, "\(request.name): \(reply.text)")
        print("conformance refused \(request.name): \(message)")
    }

    private func compare(
        _ json: [String: Any], _ request: Recorded, _ sent: [String: Any], _ other: DialectID, _ losses: [String]
    ) {
        let meant = PlainConversation(json, dialect: request.dialect)
        let seen = PlainConversation(sent, dialect: other)
        let name = request.name
        if request.dialect == .openAIChat, meant.user.isEmpty, meant.assistant.isEmpty, meant.results.isEmpty {
            // Anthropic answers a turn of the user: instructions alone become one.
            #expect(seen.system + seen.user == meant.system, "\(name)")
        } else if request.dialect == .anthropicMessages, meant.hasMediaResults {
            // OpenAI's tool results are text: what they show follows as a message of the user, which says so.
            #expect(seen.system == meant.system && seen.user.hasSuffix(meant.user), "\(name)")
        } else {
            #expect(seen.system == meant.system, "\(name)")
            #expect(seen.user == meant.user, "\(name)")
        }
        #expect(seen.assistant == meant.assistant, "\(name)")
        #expect(seen.media.sorted() == meant.media.sorted(), "\(name)")
        #expect(seen.calls.map(\.name) == meant.calls.map(\.name), "\(name)")
        #expect(seen.calls.map(\.arguments) == meant.calls.map(\.arguments), "\(name)")
        let texts = { (results: [String: String]) in results.values.filter { !$0.isEmpty }.sorted() }
        if meant.hasMediaResults {
            #expect(Set(texts(meant.results)).isSubset(of: texts(seen.results)), "\(name)")
        } else {
            #expect(texts(seen.results) == texts(meant.results), "\(name)")
        }
        #expect(Set(seen.results.keys).isSubset(of: Set(seen.calls.map(\.id))), "\(name)")
        #expect(seen.tools.keys.sorted() == meant.tools.keys.sorted(), "\(name)")
        for (tool, schema) in meant.tools where seen.tools[tool] != nil {
            #expect(seen.tools[tool] == schema, "\(name): \(tool)")
        }
        if request.dialect == .openAIChat { #expect(seen.signatures == meant.signatures, "\(name)") }
        #expect(sent["model"] as? String == json["model"] as? String, "\(name)")
    }

    /// The other dialect's fields that may carry a field.
    private static let homes: [DialectID: [String: [String]]] = [
        .openAIChat: [
            "messages": ["messages"], "max_tokens": ["max_tokens"], "max_completion_tokens": ["max_tokens"],
            "temperature": ["temperature"], "top_p": ["top_p"], "top_k": ["top_k"], "stop": ["stop_sequences"],
            "tools": ["tools"], "functions": ["tools"], "tool_choice": ["tool_choice"],
            "function_call": ["tool_choice"], "parallel_tool_calls": ["tool_choice"], "user": ["metadata"],
            "safety_identifier": ["metadata"], "response_format": ["output_format", "output_config"],
            "reasoning_effort": ["thinking", "output_config"], "reasoning": ["thinking", "output_config"],
            "thinking": ["thinking"], "service_tier": ["service_tier"],
        ],
        .anthropicMessages: [
            "messages": ["messages"], "system": ["messages"], "max_tokens": ["max_tokens", "max_completion_tokens"],
            "temperature": ["temperature"], "top_p": ["top_p"], "stop_sequences": ["stop"], "tools": ["tools"],
            "tool_choice": ["tool_choice"], "metadata": ["user"], "thinking": ["reasoning_effort"],
            "output_config": ["reasoning_effort", "response_format"], "output_format": ["response_format"],
            "service_tier": ["service_tier"],
        ],
    ]

    private static func isCarried(
        _ key: String, _ json: [String: Any], _ sent: [String: Any], _ dialect: DialectID
    ) -> Bool {
        switch key {
        // The usage chunk is between client and gateway.
        case "model", "stream", "stream_options": return true
        default: break
        }
        if self.isNeutral(key, json) { return true }
        return self.homes[dialect]?[key]?.contains { sent[$0] != nil } ?? false
    }

    /// Values that ask for what everybody does anyway.
    private static func isNeutral(_ key: String, _ json: [String: Any]) -> Bool {
        let value = json[key]
        if value is NSNull || (value as? [Any])?.isEmpty == true { return true }
        if (value as? String) == "auto", key != "service_tier" { return true }
        switch key {
        // The default of both.
        case "temperature": return value as? Double == 1
        case "n": return value as? Int == 1
        case "logprobs": return value as? Bool == false
        case "parallel_tool_calls": return value as? Bool == true || json["tools"] == nil
        // The model decides, as models of the other dialect do unless they are told.
        case "thinking": return (value as? [String: Any])?["type"] as? String == "adaptive"
        case "response_format": return (value as? [String: Any])?["type"] as? String == "text"
        case "modalities": return value as? [String] == ["text"]
        case "tool_choice", "function_call":
            return (value as? [String: Any])?["type"] as? String == "auto" || (value as? String) == "none"
        case "metadata": return (value as? [String: Any])?.isEmpty == true
        case "system": return SentConversation.text(value).isEmpty
        default: return false
        }
    }

    /// The name under which a loss of a field is told where it is another's.
    private static func alias(_ key: String) -> String {
        switch key {
        case "max_tokens": "max_completion_tokens"
        case "thinking", "reasoning": "reasoning_effort"
        case "output_config": "output_format"
        default: key
        }
    }

    private static func smallStream(_ dialect: DialectID) -> String {
        switch dialect {
        case .openAIChat:
            "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
                + "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"ok\"},\"finish_reason\":\"stop\"}]}\n\n"
                + "data: [DONE]\n\n"
        case .anthropicMessages:
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","
                + "\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":"
                + "{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\","
                + "\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\n\n"
                + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        default: preconditionFailure("not spelled out")
        }
    }
}
