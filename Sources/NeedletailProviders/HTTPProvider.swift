public import HTTPTypes
import NIOCore
public import NeedletailCore
import Synchronization

/// The leaf of every stack: one upstream over HTTP.
///
/// Translates the request if the upstream speaks another dialect, splices it if not, sends it, and commits: it returns
/// when the whole reply or the first good stream event is here, and throws a classified error otherwise. It tries nothing
/// twice.
public final class HTTPProvider: Provider {
    /// What the operator says about an upstream.
    public struct Options: Sendable {
        /// The path of the base URL.
        public var basePath: String
        /// The keys with their weights; empty for none.
        public var keys: [(key: String, weight: Int)]
        /// Headers to add to every request.
        public var headers: HTTPFields
        /// The dialect to ask in, where the operator chose one.
        public var dialect: DialectID?
        /// What the server does differently, in the place of what its type does; `nil` for just that.
        public var quirks: Set<ProviderSpec.Quirk>?
        /// How long to wait.
        public var timeouts: Timeouts
        /// How large a whole reply may be, in bytes; default 64 MiB.
        public var maximumReplySize: Int
        /// Who fetches URLs for upstreams that take only inline media.
        public var mediaFetcher: (any MediaFetcher)?
        /// What stands for the names in braces of the type's paths, for example a project or a version.
        public var settings: [String: String]
        /// What the operator says of models, before what is known of them.
        public var capabilities: [ModelCapabilities.Statement]
        /// The field that takes the limit on output in chats of OpenAI's dialect, where the operator says so; `nil` leaves
        /// what a client of the same dialect wrote.
        public var maxTokensField: String?
        /// Who signs requests, for types whose key is not simply a header.
        public var authorizer: (any RequestAuthorizer)?
        /// Where is remembered who issued what; `nil` sends everything on as it comes.
        public var issuedState: IssuedStateTable?
        /// What names the account at the upstream, where several providers of a configuration may share one; `nil` for an
        /// account of its own. Not kept.
        public var account: String?

        /// Creates options.
        public init(
            basePath: String = "/v1",
            keys: [(key: String, weight: Int)] = [],
            headers: HTTPFields = [:],
            dialect: DialectID? = nil,
            quirks: Set<ProviderSpec.Quirk>? = nil,
            timeouts: Timeouts = Timeouts(),
            maximumReplySize: Int = 64 << 20,
            mediaFetcher: (any MediaFetcher)? = nil,
            settings: [String: String] = [:],
            capabilities: [ModelCapabilities.Statement] = [],
            authorizer: (any RequestAuthorizer)? = nil,
            issuedState: IssuedStateTable? = nil,
            account: String? = nil
        ) {
            self.basePath = basePath
            self.keys = keys
            self.headers = headers
            self.dialect = dialect
            self.quirks = quirks
            self.timeouts = timeouts
            self.maximumReplySize = maximumReplySize
            self.mediaFetcher = mediaFetcher
            self.settings = settings
            self.capabilities = capabilities
            self.authorizer = authorizer
            self.issuedState = issuedState
            self.account = account
        }
    }

    /// How much of an error body is read.
    static let maximumFailureSize = 64 << 10

    /// The name.
    public let id: ProviderID
    let spec: ProviderSpec
    let options: Options
    let quirks: Set<ProviderSpec.Quirk>
    let time: TimeSource
    /// What its models can do.
    public let capabilities: ModelCapabilities
    let stateIssuer: StateIssuer?
    private let transport: any HTTPTransport
    private let credentials: Credentials
    private let endpoints: [Endpoint]
    private let closed = Atomic(false)

    /// What requests in one dialect have in common. A provider has one or two; a search through them beats a dictionary.
    private struct Endpoint {
        var dialect: DialectID
        var chat: PathTemplate
        var streamedChat: PathTemplate
        var others: [NeedletailCore.Operation: PathTemplate]
        /// One set per key.
        var headers: [HTTPFields]

        init(
            _ dialect: DialectID, _ paths: OperationPaths, basePath: String, settings: [String: String],
            headers: [HTTPFields]
        ) {
            let root = paths.root(basePath: basePath)
            let template = { PathTemplate(root + $0, settings: settings) }
            self.dialect = dialect
            self.chat = template(paths.paths[.chat] ?? "")
            self.streamedChat = paths.streamedChat.map(template) ?? self.chat
            self.others = paths.paths.mapValues(template)
            self.headers = headers
        }

        func path(for operation: NeedletailCore.Operation, model: String, isStreaming: Bool) -> String? {
            guard operation == .chat else { return self.others[operation]?.path(model: model) }
            return (isStreaming ? self.streamedChat : self.chat).path(model: model)
        }
    }

    /// Creates a provider; everything that does not change from request to request is built here.
    public init(
        id: ProviderID,
        spec: ProviderSpec,
        options: Options,
        transport: any HTTPTransport,
        time: TimeSource
    ) {
        let spec = spec.resolved(options.settings, basePath: options.basePath)
        let settings = spec.settings(options.settings)
        let basePath = spec.basePath(options.basePath)
        self.id = id
        self.spec = spec
        self.options = options
        self.quirks = options.quirks ?? spec.quirks
        self.time = time
        self.capabilities = ModelCapabilities(type: spec.type, statements: options.capabilities)
        self.stateIssuer = options.issuedState.map {
            StateIssuer($0, spec, account: options.account ?? "provider \(id.rawValue)")
        }
        self.transport = transport
        self.credentials = Credentials(weights: options.keys.isEmpty ? [1] : options.keys.map(\.weight))
        let keys: [String?] = options.keys.isEmpty ? [nil] : options.keys.map(\.key)
        self.endpoints = spec.dialects.map { dialect in
            Endpoint(
                dialect, spec.paths[dialect] ?? dialect.paths, basePath: basePath, settings: settings,
                headers: keys.map { Self.headers(spec, dialect, options.headers, key: $0) })
        }
    }

    private static func headers(
        _ spec: ProviderSpec,
        _ dialect: DialectID,
        _ extra: HTTPFields,
        key: String?
    ) -> HTTPFields {
        var headers: HTTPFields = [.contentType: "application/json", .userAgent: "needletail"]
        for field in spec.headers[dialect] ?? [:] { headers[field.name] = field.value }
        if let key {
            switch spec.authByDialect[dialect] ?? spec.auth {
            case .none: break
            case .bearer: headers[.authorization] = "Bearer " + key
            case .header(let name): headers[name] = key
            }
        }
        for field in extra { headers[field.name] = field.value }
        return headers
    }

    /// Whether there is a path for an operation in a dialect.
    func has(_ operation: NeedletailCore.Operation, in dialect: DialectID) -> Bool {
        self.endpoints.first { $0.dialect == dialect }?.path(for: operation, model: "", isStreaming: false) != nil
    }

    /// Why a request, asked for a model, need not be sent: its model cannot answer it, or every key has been refused again
    /// and again and rests.
    ///
    /// - Returns: `nil` if it may be sent.
    public func refusal(of request: InferenceRequest, model: String) -> NeedletailError? {
        if let refusal = self.capabilities.refusal(of: request, model: model) { return refusal }
        guard let until = self.credentials.closedUntil(now: self.time.now()) else { return nil }
        return NeedletailError(
            .credentialRejected, "The provider has refused all keys, which rest.", provider: self.id,
            retryAfter: max(.zero, until.duration(since: self.time.now())))
    }

    /// Closes the connections; what runs fails, and so does whatever is asked afterwards. See ``Provider/close()``.
    public func close() async {
        self.closed.store(true, ordering: .relaxed)
        await self.transport.close()
    }

    /// Answers `request`; see ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        // Where no layer around it observes the call, and the request has a span, the call's own begins here.
        guard context.call == nil, context.trail?.span != nil else { return try await self.answer(request, context) }
        return try await self.observed(request, context)
    }

    @inline(never)
    private func observed(
        _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let call = ObservedCall(self.id, request, context, time: self.time)
        var context = context
        context.call = call.progress
        return try await call.run { [context] () async throws(NeedletailError) in
            try await self.answer(request, context)
        }
    }

    private func answer(
        _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        do {
            guard request.operation.isChat || request.operation.isAboutResponse else {
                return try await self.operate(request, context)
            }
            try self.capabilities.check(request)
            let call = try await self.call(for: request, context: context)
            if let reply = call.answer { return reply }
            return try await self.ask(call, request, context)
        } catch {
            var error = error
            if error.provider == nil { error.provider = self.id }
            if error.reason == nil, let reason = RefusalReason.of(error) { error.reason = reason }
            throw error
        }
    }

    /// Sends a call and reads what comes back up to the commit.
    private func ask(
        _ call: UpstreamCall,
        _ request: InferenceRequest,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        // Another dialect's headers mean nothing to this upstream.
        let forwarded = call.isPassthrough ? context.request.forwardedHeaders : [:]
        let begin = self.time.now()
        let response: TransportResponse
        var bytes = ByteBuffer()
        let isStream = request.isStreaming && request.operation == .chat
        do {
            response = try await self.send(
                request, call.dialect, call.body, forwarded: forwarded, timeouts: self.timeouts(context),
                deadline: context.deadline, progress: context.call)
            if !isStream { bytes = try await response.body.collect(upTo: self.options.maximumReplySize) }
        } catch {
            context.request.countWait(self.time.now().duration(since: begin))
            throw error
        }
        context.request.countWait(self.time.now().duration(since: begin))
        if isStream { return try await self.stream(response, call, request, context) }
        return try self.whole(bytes, response.headers, call, request, context)
    }

    /// How long to wait for a request: the provider's limits, and what is learnt, and the client's own for silence where
    /// that is shorter.
    func timeouts(_ context: RequestContext) -> Timeouts {
        var timeouts = self.options.timeouts
        if let limit = context.firstTokenLimit { timeouts.firstToken = min(timeouts.firstToken, limit) }
        guard let read = context.request.readTimeout else { return timeouts }
        timeouts.firstToken = min(timeouts.firstToken, read)
        timeouts.idle = min(timeouts.idle, read)
        return timeouts
    }

    /// Sends a request with the next key.
    ///
    /// - Throws: What an error reply means.
    func send(
        _ request: InferenceRequest,
        _ dialect: DialectID,
        _ body: ByteBuffer,
        forwarded: HTTPFields,
        timeouts: Timeouts,
        deadline: Instant?,
        progress: CallProgress? = nil
    ) async throws(NeedletailError) -> TransportResponse {
        guard !self.closed.load(ordering: .relaxed) else {
            throw NeedletailError(.unavailable, "The provider '\(self.id)' has been closed.", provider: self.id)
        }
        let key = self.credentials.pick(now: self.time.now())
        var message = try self.message(
            request, dialect, body, key: key, forwarded: forwarded, timeouts: timeouts, deadline: deadline,
            progress: progress)
        if let authorizer = self.options.authorizer { try await authorizer.authorize(&message) }
        progress?.markSent()
        let response = try await self.transport.send(message)
        guard response.status >= 200, response.status < 300 else {
            let error = await self.failure(response, dialect, key: key)
            if error.code == .credentialRejected { self.options.authorizer?.wasRefused(message) }
            throw error
        }
        self.credentials.wasTaken(key)
        return response
    }

    /// Never inlined: it would lie in the frame that waits for the provider.
    @inline(never)
    private func message(
        _ request: InferenceRequest,
        _ dialect: DialectID,
        _ body: ByteBuffer,
        key: Int,
        forwarded: HTTPFields,
        timeouts: Timeouts,
        deadline: Instant?,
        progress: CallProgress?
    ) throws(NeedletailError) -> TransportRequest {
        guard let endpoint = self.endpoints.first(where: { $0.dialect == dialect }),
            let path = endpoint.path(
                for: request.operation, model: request.model, isStreaming: request.isStreaming)
        else {
            throw NeedletailError(
                .unsupported,
                "The provider has no operation '\(request.operation.rawValue)' in the dialect '\(dialect.rawValue)'.")
        }
        var headers = endpoint.headers[key]
        for field in forwarded { headers[field.name] = field.value }
        if let progress {
            if let trace = progress.traceparent {
                headers[.traceparent] = trace
                if let state = progress.tracestate { headers[.tracestate] = state }
            }
            for field in progress.traceFields { headers[field.name] = field.value }
        }
        // What has no body has a query in its place.
        let isQuery = request.operation.isAboutResponse
        return TransportRequest(
            method: Self.method(of: request.operation),
            path: isQuery && body.readableBytes > 0 ? path + "?" + String(buffer: body) : path,
            headers: headers,
            body: isQuery ? ByteBuffer() : body,
            timeouts: timeouts,
            deadline: deadline
        )
    }

    private static func method(of operation: NeedletailCore.Operation) -> HTTPRequest.Method {
        switch operation {
        case .listModels, .retrieveResponse, .listInputItems: .get
        case .deleteResponse: .delete
        default: .post
        }
    }

    /// Reads an error reply, and lets a refused or limited key rest.
    private func failure(_ response: TransportResponse, _ dialect: DialectID, key: Int) async -> NeedletailError {
        let body = await response.body.prefix(Self.maximumFailureSize)
        var error = dialect.dialect.decodeFailure(status: response.status, headers: response.headers, body: body)
        // The other form of the header, a date, needs a wall clock, which a dialect has not.
        if error.retryAfter == nil {
            let now = self.time.wallSeconds()
            error.retryAfter = RetryAfter.delay(response.headers, now: now)
            if error.retryAfter == nil, error.code == .rateLimited || error.code == .overloaded {
                error.retryAfter =
                    RateLimitHeaders.delay(response.headers, now: now)
                    ?? (try? JSONDocument(body).root).flatMap { RetryProse.delay(in: $0) }
            }
        }
        if error.disposition.retry == .otherCredential || error.code == .rateLimited {
            let now = self.time.now()
            error.hasOtherCredential = self.credentials.rest(
                key, for: error.retryAfter, isRefused: error.code != .rateLimited, now: now)
        }
        return error
    }
}
