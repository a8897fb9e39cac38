import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import Synchronization

/// Answers the admin listener: guards all of it by key, host and origin, dispatches `/admin/v1/…` to the rooms, and
/// passes everything else on.
final class AdminAPI: EdgeHandler {
    /// What is known of a call once its head has been looked at.
    final class Call: Sendable {
        let caller: AdminCaller
        let route: AdminRoute
        let parameters: [String: String]
        let query: [String: String]
        /// The caller's address.
        let peer: String

        init(
            _ caller: AdminCaller, _ route: AdminRoute, _ parameters: [String: String], _ query: [String: String],
            peer: String = ""
        ) {
            self.caller = caller
            self.route = route
            self.parameters = parameters
            self.query = query
            self.peer = peer
        }
    }

    private let router: AdminRouter
    private let access: AdminAccess
    private let rest: any EdgeHandler
    private let logger: Logger
    private let audit: AuditTrail?
    private let time: TimeSource
    private let idempotency = Mutex(IdempotencyState())

    /// - Parameters:
    ///   - rooms: Who answers below ``AdminRoute/root``; the OpenAPI document is added to them.
    ///   - access: Who may ask.
    ///   - rest: Who answers every other path.
    ///   - logger: Where changes are logged.
    ///   - audit: Where changes and refusals are written down; `nil` for nowhere.
    ///   - time: For how long answers are given again.
    init(
        _ rooms: [any AdminRoom], access: AdminAccess, rest: any EdgeHandler, logger: Logger, audit: AuditTrail? = nil,
        time: TimeSource = .live
    ) {
        self.router = AdminRouter(rooms + [OpenAPIRoom(rooms)])
        self.access = access
        self.rest = rest
        self.logger = logger
        self.audit = audit
        self.time = time
    }

    func admit(_ head: HTTPRequestHead) -> EdgeAdmission { self.admit(head, from: nil) }

    func admit(_ head: HTTPRequestHead, from peer: @autoclosure () -> SocketAddress?) -> EdgeAdmission {
        let address = peer()
        do throws(AdminError) {
            let caller: AdminCaller
            switch self.access.check(head, from: address) {
            case .known(let known): caller = known
            case .refused(let error):
                self.logger.notice(
                    "An admin request was refused.",
                    metadata: [
                        "needletail.peer": "\(address?.ipAddress ?? "unknown")",
                        "needletail.reason": "\(error.type)",
                    ])
                self.audit?.noteRefusal(
                    .init(
                        action: "admin.refused", actor: "", peer: address?.ipAddress ?? "", reason: error.type,
                        subject: String(head.path.prefix(200))))
                throw error
            }
            let path = head.path
            guard path.hasPrefix(AdminRoute.root + "/") else { return self.rest.admit(head) }
            let (route, parameters) = try self.router.route(head.method, path.dropFirst(AdminRoute.root.count))
            guard caller.role.permissions.contains(route.permission) else {
                let message =
                    "The role '\(caller.role)' may not do this; it takes the permission '\(route.permission)'."
                self.audit?.noteRefusal(
                    .init(
                        action: "admin.refused", actor: caller.name, peer: address?.ipAddress ?? "",
                        reason: "lacks \(route.permission)", subject: "\(route.method) \(route.path)"))
                throw AdminError(403, "permission_error", message)
            }
            let query = try AdminRequest.query(head.query).filter { $0.key != "key" }
            try AdminField.check(query, route.query)
            if route.method != .GET, self.audit?.hasRoom == false {
                throw AdminError(
                    503, "audit_unavailable", "The audit record cannot be written; nothing is changed until it can.")
            }
            let call = Call(caller, route, parameters, query, peer: address?.ipAddress ?? "")
            return .admitted(call)
        } catch {
            return .refused(error.response)
        }
    }

    func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {
        guard let call = request.admission as? Call else {
            return await self.rest.respond(to: request, through: responder)
        }
        let (head, body) = (request.head, request.body)
        // Building a configuration takes milliseconds, which the event loops owe to the requests.
        let (response, stream) = await withTaskExecutorPreference(globalConcurrentExecutor) {
            await self.answer(call, head, body)
        }
        guard let stream, head.method != .HEAD else { return responder.send(response) }
        responder.start(status: response.status, headers: response.headers)
        await Self.relay(stream, to: responder)
    }

    /// Passes a stream on; one that breaks ends with its dialect's error event.
    private static func relay(_ stream: ReplyStream, to responder: EdgeResponder) async {
        var chunks = stream.makeAsyncIterator()
        do throws(NeedletailError) {
            while let chunk = try await chunks.next() { try await responder.write(chunk) }
            responder.finish()
        } catch {
            guard error.code != .cancelled else { return responder.reset() }
            var last = ByteBuffer()
            stream.dialect.dialect.encodeStreamFailure(error, requestID: "", into: &last)
            do throws(NeedletailError) { try await responder.write(last) } catch { return responder.reset() }
            responder.finish()
        }
    }

    /// The response to an admitted call. One that names a key for it is made once, see ``IdempotencyState``.
    func answer(
        _ call: Call, _ head: HTTPRequestHead, _ body: ByteBuffer
    ) async -> (response: EdgeResponse, stream: ReplyStream?) {
        guard call.route.method == .POST, let text = head.headers.first(name: "idempotency-key") else {
            return await self.make(call, head, body)
        }
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            let message = "An idempotency-key has 1 to 255 visible characters, for example a UUID."
            return (AdminError(400, "invalid_request", message).response, nil)
        }
        let key = IdempotencyState.Key(caller: call.caller.name, key: text)
        let made = ETag(of: "\(head.uri) \(String(buffer: body))").value
        switch self.idempotency.withLock({ $0.begin(key, made, now: self.time.now()) }) {
        case .replay(var response):
            response.headers[.idempotentReplayed] = "true"
            return (response, nil)
        case .busy:
            let message = "A call with this idempotency-key runs; ask again when it has ended."
            return (AdminError(409, "conflict", message).response, nil)
        case .done:
            let message =
                "This call was done; its answer shows a secret and is not kept. Use a new idempotency-key to do it once more."
            return (AdminError(409, "answer_not_kept", message).response, nil)
        case .other:
            let message = "This idempotency-key was used for another call; choose a new one."
            return (AdminError(422, "idempotency_key_reused", message).response, nil)
        case .full:
            return (AdminError(503, "unavailable", "Too many calls with idempotency keys run.").response, nil)
        case .run: break
        }
        let (response, stream) = await self.make(call, head, body)
        // What failed through no fault of the call, and what flows by, may be asked for again.
        let isKept = stream == nil && response.status < 500 && response.status != 429
        // A refusal shows no secret, and its call was not done.
        let isSecret = call.route.holdsSecret && response.status < 400
        self.idempotency.withLock { state in
            if isKept, isSecret { state.endWithSecret(key) } else { state.end(key, isKept ? response : nil) }
        }
        return (response, stream)
    }

    /// Does what a call asks for.
    private func make(
        _ call: Call, _ head: HTTPRequestHead, _ body: ByteBuffer
    ) async -> (response: EdgeResponse, stream: ReplyStream?) {
        let route = call.route
        do throws(AdminError) {
            let request = AdminRequest(
                caller: call.caller,
                parameters: call.parameters,
                query: call.query,
                body: try Self.body(body, route.body),
                lastEventID: head.headers.first(name: "last-event-id"),
                condition: ETagCondition(head.headers.first(name: "if-match"))
            )
            let reply = try await route.handler(request)
            let response = reply.response(route.status)
            await self.note(call, body, response.status)
            return (response, reply.stream)
        } catch {
            await self.note(call, body, error.status)
            return (error.response, nil)
        }
    }

    /// Every change and every attempt at one, with who made it; written down before the caller hears of it.
    private func note(_ call: Call, _ body: ByteBuffer, _ status: Int) async {
        guard call.route.method != .GET else { return }
        self.log(call, status)
        guard let audit = self.audit else { return }
        var subject = call.parameters.keys.sorted().compactMap { call.parameters[$0] }.joined(separator: " ")
        if subject.isEmpty, let name = (try? JSONDocument(body))?.root["name"]?.string { subject = name }
        audit.note(
            "\(call.route.method) \(call.route.path)", by: call.caller.name, role: call.caller.role.rawValue,
            from: call.peer, subject: String(subject.prefix(200)), status < 400 ? .done : .failed,
            details: ["status": "\(status)"])
        await audit.flush()
    }

    private func log(_ call: Call, _ status: Int) {
        self.logger.notice(
            "An admin call.",
            metadata: [
                "needletail.admin": "\(call.caller.name)",
                "needletail.operation": "\(call.route.method) \(call.route.path)",
                "needletail.subject":
                    "\(call.parameters.keys.sorted().compactMap { call.parameters[$0] }.joined(separator: " "))",
                "needletail.status": "\(status)",
            ])
    }

    private static func body(_ bytes: ByteBuffer, _ wanted: AdminRoute.Body) throws(AdminError) -> JSONView? {
        if case .none = wanted {
            // An empty object is what many clients send where there is nothing to say.
            guard bytes.readableBytes > 2 else { return nil }
            throw AdminError(400, "invalid_request", "This operation takes no body.")
        }
        if case .fields(let fields) = wanted, bytes.readableBytes == 0, !fields.contains(where: \.isRequired) {
            return nil
        }
        let root: JSONView
        do { root = try JSONDocument(bytes).root } catch {
            throw AdminError(400, "invalid_request", "The body is not JSON: \(error).")
        }
        guard root.kind == .object else { throw AdminError(400, "invalid_request", "The body is not a JSON object.") }
        if case .fields(let fields) = wanted { try AdminField.check(root, fields) }
        return root
    }

    func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse {
        AdminError(error.disposition.status, error.disposition.openAIType, error.message).response
    }
}

extension HTTPField.Name {
    /// Says that an answer was given before.
    fileprivate static let idempotentReplayed = Self("idempotent-replayed") ?? .eTag
}
