import HTTPTypes
public import Logging
public import NIOCore
public import NIOHTTP1
public import NeedletailCore
import NeedletailProviders
import Synchronization

/// Answers the API listener: finds the surface of a path, checks the key, asks the stack, writes the reply in the
/// client's dialect.
public final class GatewayHandler: EdgeHandler {
    /// One object, so that a request takes one reference and not the parts.
    private final class Snapshot: Sendable {
        let services: GatewayServices
        init(_ services: GatewayServices) { self.services = services }
    }

    /// What is learned of a request's head, so that it is looked at once.
    private final class Admission: Sendable {
        let route: Route
        let key: AccessKey?
        /// Those that the key was checked by; a reload while the body arrives does not matter.
        let snapshot: Snapshot
        init(_ route: Route, key: AccessKey?, _ snapshot: Snapshot) {
            self.route = route
            self.key = key
            self.snapshot = snapshot
        }
    }

    private let snapshot: Mutex<Snapshot>
    private let ids: RequestIDSource
    private let phase: ServingPhase
    private let observers: [any RequestObserver]
    private let guesses: GuessGuard
    private let time: TimeSource
    private let logger: Logger

    /// Creates a handler.
    ///
    /// - Parameters:
    ///   - services: What a configuration made.
    ///   - ids: Makes ids for requests that bring none.
    ///   - phase: Shared with the server that this handler answers for.
    ///   - observers: Who hears of requests that are refused before the stack is asked.
    ///   - time: For deadlines.
    ///   - logger: Where to log.
    public init(
        services: GatewayServices,
        ids: RequestIDSource,
        phase: ServingPhase,
        observers: [any RequestObserver] = [],
        time: TimeSource,
        logger: Logger
    ) {
        self.snapshot = Mutex(Snapshot(services))
        self.ids = ids
        self.phase = phase
        self.observers = observers
        self.guesses = GuessGuard(time: time)
        self.time = time
        self.logger = logger
    }

    /// Swaps the services; requests under way keep those they began with.
    public func replace(_ services: GatewayServices) {
        let next = Snapshot(services)
        self.snapshot.withLock { $0 = next }
    }

    // MARK: EdgeHandler

    /// See ``EdgeHandler/admit(_:)``.
    public func admit(_ head: HTTPRequestHead) -> EdgeAdmission { self.admit(head, from: nil) }

    /// See ``EdgeHandler/admit(_:from:)``.
    public func admit(_ head: HTTPRequestHead, from peer: @autoclosure () -> SocketAddress?) -> EdgeAdmission {
        let path = head.path
        guard let route = Route(path: path, query: head.query) else {
            let shown = String(path.prefix(200))
            let error = NeedletailError(.notFound, "There is no \(head.method.rawValue) \(shown).")
            return .refused(self.failure(error, for: head))
        }
        guard route.takes(head.method) else {
            if head.method == .OPTIONS { return .refused(EdgeResponse(status: 204, headers: [.allow: route.allowed])) }
            let message = "\(path) takes \(route.allowed), not \(head.method.rawValue)."
            var answer = self.failure(NeedletailError(.invalidRequest, message), for: head, status: 405, keyName: nil)
            answer.headers[.allow] = route.allowed
            return .refused(answer)
        }
        let snapshot = self.snapshot.withLock { $0 }
        guard route.needsKey else { return .admitted(Admission(route, key: nil, snapshot)) }
        let message: String
        switch snapshot.services.access.check(head) {
        case .open: return .admitted(Admission(route, key: nil, snapshot))
        case .known(let key):
            let proxies = snapshot.services.trustedProxies
            // First, so that who is locked out does not learn that a key is one.
            let refusal =
                self.guesses.refusal(rightKey: key.name, head, from: peer(), behind: proxies)
                ?? KeyUse.refusal(of: key.grant, head, from: peer(), behind: proxies)
            guard let refusal else { return .admitted(Admission(route, key: key, snapshot)) }
            return .refused(self.failure(refusal, for: head, keyName: key.name, peer: peer()))
        case .unknown:
            message = "The API key is not valid."
            if let secret = Credential.find(in: head), snapshot.services.access.isGuess(secret),
                let refusal = self.guesses.refusal(
                    wrongKey: secret, head, from: peer(), behind: snapshot.services.trustedProxies)
            {
                return .refused(self.failure(refusal, for: head, keyName: nil, peer: peer()))
            }
        case .missing: message = "An API key is needed: send it as `Authorization: Bearer` or `x-api-key`."
        }
        return .refused(
            self.failure(NeedletailError(.unauthorized, message), for: head, keyName: nil, peer: peer()))
    }

    /// See ``EdgeHandler/failure(_:for:)``.
    public func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse {
        self.failure(error, for: head, keyName: nil)
    }

    private func failure(
        _ error: NeedletailError, for head: HTTPRequestHead?, status: Int? = nil, keyName: String?,
        peer: SocketAddress? = nil
    ) -> EdgeResponse {
        let dialect = head?.errorDialect ?? .openAIChat
        let id =
            head.flatMap { $0.headers.first(name: "x-request-id") }
            .flatMap { RequestID.isWellFormed($0) ? $0 : nil } ?? self.ids.next()
        var answer = FailureReply.make(error, dialect: dialect, requestID: id)
        if let status { answer.status = status }
        self.tell(
            RefusalRecord(
                requestID: id, surface: dialect, status: answer.status, error: error, keyName: keyName,
                peer: peer?.ipAddress))
        return answer
    }

    /// See ``EdgeHandler/respond(to:through:)``.
    public func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {
        var question = self.begin(request, responder)
        // A reply may stream for long: what the request brought is not kept for it.
        _ = consume request
        // Out of the variable, which would hold it until the answer is over.
        guard let asked = question.take() else { return }
        await Self.answer(consume asked)
    }

    /// Answers what needs no provider.
    ///
    /// Never inlined, as all that a request needs only for a moment: it would lie in the caller's frame as long as a stream
    /// is relayed.
    ///
    /// - Returns: What is to be asked of the stack; `nil` when the request has been answered.
    @inline(never)
    private func begin(_ request: borrowing EdgeRequest, _ responder: EdgeResponder) -> Question? {
        let begin = self.time.now()
        guard let admission = request.admission as? Admission else {
            let error = NeedletailError(.internalFailure, "The request was not admitted.")
            responder.send(self.failure(error, for: request.head))
            return nil
        }
        let snapshot = admission.snapshot
        switch admission.route {
        case .health(let isLiveness):
            responder.send(
                HealthReply.make(
                    snapshot.services.health(), isLiveness ? .live : .ready, isDraining: self.phase.isDraining))
        case .models, .model: responder.send(self.models(admission.route, request.head, admission))
        case .modelDetails: responder.send(self.modelDetails(request.body, request.head, admission))
        case .version: responder.send(ModelsReply.version())
        case .inference, .response, .inputItems:
            guard let route = admission.route.inference(request.head.method) else { return nil }
            return self.question(request, route, admission, responder, begin)
        }
        return nil
    }

    /// Reads what is asked; a request that cannot be read is answered here.
    private func question(
        _ request: borrowing EdgeRequest, _ route: InferenceRoute, _ admission: Admission, _ responder: EdgeResponder,
        _ begin: Instant
    ) -> Question? {
        let services = admission.snapshot.services
        let fields = ClientFields(request.head, keeping: services.routingHeaders)
        let info = self.info(fields, admission.key, begin)
        let exchange = Exchange(
            info: info, route: route, responder: responder, phase: self.phase, begin: begin, time: self.time)
        do throws(NeedletailError) {
            if let fault = fields.fault { throw fault }
            let inference =
                if route.operation.isAboutResponse {
                    route.request(query: request.head.query)
                } else if let peek = services.peek {
                    try peek(request.body, route.dialect, route.operation)
                } else if let type = fields.forwarded[.contentType] {
                    try RequestPeek.readForm(
                        request.body, contentType: type, dialect: route.dialect, operation: route.operation,
                        model: route.model)
                } else {
                    try RequestPeek.read(
                        request.body, dialect: route.dialect, operation: route.operation, model: route.model,
                        isStreaming: route.isStreaming)
                }
            // The stack has a limit of its own; whichever comes first counts.
            let context = RequestContext(info, deadline: fields.timeout.map { begin.advanced(by: $0) })
            return Question(inference, context, stack: services.stack, exchange)
        } catch {
            self.tell(
                RefusalRecord(
                    requestID: info.id, surface: route.dialect, status: error.disposition.status, error: error,
                    keyName: info.keyName))
            exchange.refuse(error)
            return nil
        }
    }

    private func tell(_ refusal: RefusalRecord) {
        for observer in self.observers { observer.requestRefused(refusal) }
    }

    /// What is asked of the stack, and the way back. An object: frames of a task that relays for long hold a reference.
    private final class Question: Sendable {
        let request: InferenceRequest
        let context: RequestContext
        let stack: any Provider
        let exchange: Exchange

        init(_ request: InferenceRequest, _ context: RequestContext, stack: any Provider, _ exchange: Exchange) {
            self.request = request
            self.context = context
            self.stack = stack
            self.exchange = exchange
        }

        /// Asks, and answers with the reply or with the head of its stream. Never inlined, see ``GatewayHandler/begin``.
        ///
        /// - Returns: The stream that is to follow.
        @inline(never)
        func open() async -> ReplyStream? {
            do throws(NeedletailError) {
                return self.exchange.open(try await self.stack.respond(to: self.request, context: self.context))
            } catch {
                self.exchange.refuse(error)
                return nil
            }
        }
    }

    /// Asks the stack and answers.
    private static func answer(_ question: consuming Question) async {
        let exchange = question.exchange
        let opened = question.request.isStreaming ? await self.openedAside(question) : await question.open()
        // A stream may take long: what was asked is not kept for it.
        _ = consume question
        if let opened { await exchange.deliver(opened) }
    }

    /// A task keeps the memory that its deepest call needed until it ends. Asking goes deep, relaying does not, and a
    /// stream may relay for long: for a stream a child asks, whose memory goes with it. Never inlined, since the child's
    /// beginning lies in this frame.
    @inline(never)
    private static func openedAside(_ question: Question) async -> ReplyStream? {
        async let opened = question.open()
        return await opened
    }

    /// What all attempts of a request share.
    private func info(_ fields: ClientFields, _ key: AccessKey?, _ start: Instant) -> RequestInfo {
        RequestInfo(
            id: fields.requestID.flatMap { RequestID.isWellFormed($0) ? $0 : nil } ?? self.ids.next(),
            forwardedHeaders: fields.forwarded,
            isStrict: fields.isStrict,
            keyName: key?.name,
            tenant: key?.grant.tenant,
            team: key?.grant.team,
            tags: fields.tags(of: key?.grant),
            allowedModels: key?.grant.models,
            allowedProviders: key?.grant.providers,
            routingHeaders: fields.routing,
            clientRetryCount: fields.retryCount,
            readTimeout: fields.readTimeout,
            start: start,
            trace: fields.trace,
            cachePolicy: fields.cachePolicy,
            maximumCost: fields.maximumCost,
            priority: key?.priority ?? .normal,
            isExplained: fields.isExplained,
            logger: self.logger
        )
    }

    private func absent(_ name: String, _ head: HTTPRequestHead) -> EdgeResponse {
        let message = "The model `\(name.prefix(200))` does not exist or the key may not use it."
        return self.failure(NeedletailError(.notFound, message, parameter: "model"), for: head)
    }

    /// Tells Ollama's clients what one model is: `{"model": "…"}`, older ones ask with `name`.
    private func modelDetails(_ body: ByteBuffer, _ head: HTTPRequestHead, _ admission: Admission) -> EdgeResponse {
        guard let root = try? JSONDocument(body).root,
            let name = (root.present("model") ?? root.present("name"))?.string
        else {
            return self.failure(NeedletailError(.invalidRequest, "model is required", parameter: "model"), for: head)
        }
        let models = admission.snapshot.services.listModels(admission.key?.grant.models)
        guard let model = models.first(where: { $0.id == name }) else { return self.absent(name, head) }
        return ModelsReply.details(of: model)
    }

    private func models(_ route: Route, _ head: HTTPRequestHead, _ admission: Admission) -> EdgeResponse {
        let models = admission.snapshot.services.listModels(admission.key?.grant.models)
        let dialect = head.errorDialect
        var answer: EdgeResponse
        if case .model(let name) = route {
            guard let model = models.first(where: { $0.id == name }) else { return self.absent(name, head) }
            answer = ModelsReply.make(model, dialect: dialect)
        } else {
            answer = ModelsReply.make(models, dialect: dialect)
        }
        let given = head.headers.first(name: "x-request-id").flatMap { RequestID.isWellFormed($0) ? $0 : nil }
        answer.headers.setRequestID(given ?? self.ids.next(), dialect: dialect)
        return answer
    }
}
