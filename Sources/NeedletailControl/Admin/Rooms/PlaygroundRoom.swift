import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailProviders

/// Chats for the dashboard: through the same stack as a client's, without a client key.
struct PlaygroundRoom: AdminRoom {
    /// The name that such requests have in the place of a key's in logs, metrics and costs.
    static let keyName = "playground"

    let title = "Playground"
    /// Answers every request.
    let stack: @Sendable () -> any Provider
    /// The models that clients may ask for.
    let models: @Sendable () -> [ListedModel]
    let random: RandomSource
    let logger: Logger

    var routes: [AdminRoute] {
        [
            AdminRoute(.GET, "/models", .read, "The names that clients may ask for.", query: AdminField.page) {
                request throws(AdminError) in
                try AdminPage.reply(self.models(), for: request, name: \.id) { json, model in
                    json.member("id", model.id)
                    json.member("owner", model.owner)
                }
            },
            AdminRoute(
                .POST, "/playground/chat", .operate,
                "A chat in the form of OpenAI's `/v1/chat/completions`, whole or streamed, paid like any other.",
                body: .object(summary: "As for `/v1/chat/completions`."), handler: self.chat),
        ]
    }

    private func chat(_ call: AdminRequest) async throws(AdminError) -> AdminReply {
        guard let body = call.body else { throw AdminError(400, "invalid_request", "The body is missing.") }
        do throws(NeedletailError) {
            let request = try RequestPeek.read(body.text.bytes, dialect: .openAIChat, operation: .chat)
            let id = "playground-" + String(self.random.next(), radix: 16)
            let info = RequestInfo(id: id, keyName: Self.keyName, logger: self.logger)
            let reply = try await self.stack().respond(to: request, context: RequestContext(info))
            return Self.answer(reply, info)
        } catch {
            throw AdminError(error.disposition.status, error.disposition.openAIType, error.message)
        }
    }

    private static func answer(_ reply: InferenceReply, _ info: RequestInfo) -> AdminReply {
        var answer: AdminReply
        switch reply.body {
        case .complete(let body, _): answer = AdminReply(body: body.bytes)
        case .stream(let stream):
            answer = AdminReply(body: ByteBuffer())
            answer.stream = stream
            answer.contentType = StreamFraming.serverSentEvents.contentType
        }
        let shown = [
            ("x-request-id", info.id), ("x-needletail-provider", reply.provider.rawValue),
            ("x-needletail-model", reply.model), ("x-needletail-attempts", String(info.attempts)),
        ]
        for (name, value) in shown {
            if let name = HTTPField.Name(name) { answer.headers[name] = value }
        }
        return answer
    }
}
