import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders

/// One inference request's way back to the client. An object, for the reason of ``EdgeRequest``.
final class Exchange: Sendable {
    let info: RequestInfo
    let route: InferenceRoute
    let responder: EdgeResponder
    let phase: ServingPhase
    /// When the request was whole.
    let begin: Instant
    let time: TimeSource

    init(
        info: RequestInfo, route: InferenceRoute, responder: EdgeResponder, phase: ServingPhase, begin: Instant,
        time: TimeSource
    ) {
        self.info = info
        self.route = route
        self.responder = responder
        self.phase = phase
        self.begin = begin
        self.time = time
    }

    private var dialect: DialectID { self.route.dialect }

    /// Sends a whole reply, or a stream's head.
    ///
    /// - Returns: The stream that is to follow.
    func open(_ reply: InferenceReply) -> ReplyStream? {
        var headers = self.headers(for: reply)
        switch reply.body {
        case .complete(let body, _):
            headers.append(reply.contentType.map { HTTPField(name: .contentType, value: $0) } ?? Self.json)
            if let cost = self.info.cost.value {
                headers.append(HTTPField(name: .needletailCost, value: cost.amount.decimal(leastPlaces: 6)))
            }
            headers.append(HTTPField(name: .needletailOverhead, value: self.overhead))
            self.responder.send(EdgeResponse(status: 200, headers: headers, body: body.bytes))
            return nil
        case .stream(let stream):
            headers.append(reply.contentType.map { HTTPField(name: .contentType, value: $0) } ?? self.streamType)
            headers.append(Self.noCache)
            self.responder.start(status: 200, headers: headers)
            return stream
        }
    }

    /// Sends an error instead of a reply.
    func refuse(_ error: NeedletailError) {
        let error = self.reason(of: error)
        var answer = FailureReply.make(error, dialect: self.dialect, requestID: self.info.id)
        if let report = self.info.limitReport {
            LimitFields.append(report, self.dialect, now: self.time.wallSeconds(), to: &answer.headers)
        }
        if let decision = self.decision { answer.headers.append(decision) }
        if self.route.isArray { answer.body = JSONArrayStream.array(of: answer.body) }
        self.responder.send(answer)
    }

    /// Passes chunks on, each as it comes. A stream that breaks ends with the dialect's error event, and then the body
    /// properly: the client has been told all there is to tell.
    func deliver(_ stream: ReplyStream) async {
        var chunks = stream.makeAsyncIterator()
        let array = self.route.isArray ? JSONArrayStream() : nil
        // What an error event of Responses goes on from: the first piece tells the response's id, the last one the number
        // of its event. A chunk that is kept costs its connection another buffer to read into.
        var (first, sent) = (ByteBuffer(), ByteBuffer())
        let keeps = self.dialect == .openAIResponses
        do throws(NeedletailError) {
            while let chunk = try await chunks.next() {
                if keeps { if first.readableBytes == 0 { first = chunk } else { sent = chunk } }
                try await self.responder.write(try array?.rewrite(chunk) ?? chunk)
            }
            if let end = array?.end() { try await self.responder.write(end) }
            self.responder.finish()
        } catch {
            first.writeImmutableBuffer(sent)
            await self.breakOff(error, after: first, array)
        }
    }

    /// Ends a stream that broke after `sent`. Never inlined: every stream would keep room for it.
    @inline(never)
    private func breakOff(_ error: NeedletailError, after sent: ByteBuffer, _ array: JSONArrayStream?) async {
        let error = self.reason(of: error)
        // Of those who cancel nobody is left to tell. Sound and pictures have no place for an error; what is cut must
        // look cut.
        guard error.code != .cancelled, self.route.operation.isChat else { return self.responder.reset() }
        var last = ByteBuffer()
        self.dialect.dialect.encodeStreamFailure(error, requestID: self.info.id, after: sent, into: &last)
        do throws(NeedletailError) {
            if let array {
                last = try array.rewrite(last)
                last.writeImmutableBuffer(array.end())
            }
            try await self.responder.write(last)
        } catch {
            return self.responder.reset()
        }
        self.responder.finish()
    }

    /// What to tell of `error`: a request is cancelled because its client has gone, or because the server does not wait
    /// any longer.
    private func reason(of error: NeedletailError) -> NeedletailError {
        guard error.code == .cancelled, self.phase.isEnding else { return error }
        return NeedletailError(.unavailable, "The gateway is shutting down.", cause: error)
    }

    /// The milliseconds that the gateway itself took so far, with three decimals.
    private var overhead: String {
        let spent = self.time.now().duration(since: self.begin) - self.info.timeWaited
        let microseconds = max(0, spent.wholeNanoseconds / 1_000)
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000)
        return String(whole) + (rest < 10 ? ".00" : rest < 100 ? ".0" : ".") + String(rest)
    }

    private func headers(for reply: borrowing InferenceReply) -> HTTPFields {
        var headers = HTTPFields()
        headers.reserveCapacity(11)
        headers.setRequestID(self.info.id, dialect: self.dialect)
        headers.append(HTTPField(name: .needletailProvider, value: reply.provider.rawValue))
        headers.append(HTTPField(name: .needletailModel, value: reply.model))
        headers.append(
            self.info.attempts == 1
                ? Self.oneAttempt : HTTPField(name: .needletailAttempts, value: String(self.info.attempts)))
        if !reply.losses.isEmpty || !reply.possibleLosses.isEmpty {
            var losses = reply.losses
            losses.add(reply.possibleLosses)
            // What was lost of the answer first: the list is cut where it is long.
            let content = losses.ofContent
            let bookkeeping = content.count == losses.count ? [] : losses.ofBookkeeping
            headers.append(HTTPField(name: .needletailLossy, value: Self.list(content + bookkeeping)))
            if !content.isEmpty, !bookkeeping.isEmpty {
                headers.append(HTTPField(name: .needletailLossyContent, value: Self.list(content)))
            }
        }
        if let decision = self.decision { headers.append(decision) }
        if let effect = reply.budgetEffect { Self.append(effect, to: &headers) }
        switch reply.cacheStatus {
        case nil: break
        case .hit(let age):
            headers.append(HTTPField(name: .needletailCache, value: "hit"))
            headers.append(HTTPField(name: .age, value: String(age)))
        case .miss: headers.append(Self.cacheMiss)
        case .bypass: headers.append(Self.cacheBypass)
        }
        guard let report = self.info.limitReport else {
            for field in reply.headers where !Self.isOurs(field.name) { headers.append(field) }
            return headers
        }
        // A client is told of its own limits; those of our account at the provider are none of its business then.
        for field in reply.headers where !Self.isOurs(field.name) && !LimitFields.isOne(field.name) {
            headers.append(field)
        }
        LimitFields.append(report, self.dialect, now: self.time.wallSeconds(), to: &headers)
        return headers
    }

    /// What was decided about the request, where its client asked to be told; the request log has the whole story.
    private var decision: HTTPField? {
        guard self.info.isExplained, let decision = self.info.decision else { return nil }
        return HTTPField(name: .needletailDecision, value: decision.summary)
    }

    /// Tells that a budget gave less than was asked for.
    private static func append(_ effect: BudgetEffect, to headers: inout HTTPFields) {
        if let limit = effect.maximumOutput {
            headers.append(HTTPField(name: .needletailMaximumTokens, value: String(limit)))
        }
        if let budget = effect.downgradedBy {
            headers.append(HTTPField(name: .needletailDowngraded, value: budget))
        }
    }

    /// The fields, as many as fit a header of moderate size. Their names may be a client's: whatever could mean
    /// something in a header becomes `_`.
    private static func list(_ fields: [String]) -> String {
        var list = ""
        for field in fields {
            guard list.utf8.count + field.utf8.count < 1024 else {
                list += ",..."
                break
            }
            if !list.isEmpty { list += "," }
            for scalar in field.unicodeScalars { list.unicodeScalars.append(Self.isPlain(scalar) ? scalar : "_") }
        }
        return list
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "A"..."Z", "a"..."z", "0"..."9", ".", "_", "-": true
        default: false
        }
    }

    /// Whether a header is made here or frames the message, so that an upstream's must not pass.
    private static func isOurs(_ name: HTTPField.Name) -> Bool {
        switch name {
        case .contentType, .contentLength, .contentEncoding, .transferEncoding, .connection, .date, .xRequestID,
            .requestID, .cacheControl:
            true
        default: false
        }
    }

    private var streamType: HTTPField {
        guard !self.route.isArray else { return Self.json }
        let framing = self.dialect.dialect.framing
        return framing == .serverSentEvents
            ? Self.eventStream : HTTPField(name: .contentType, value: framing.contentType)
    }

    private static let json = HTTPField(name: .contentType, value: "application/json")
    private static let eventStream = HTTPField(name: .contentType, value: StreamFraming.serverSentEvents.contentType)
    private static let noCache = HTTPField(name: .cacheControl, value: "no-cache")
    private static let cacheMiss = HTTPField(name: .needletailCache, value: "miss")
    private static let cacheBypass = HTTPField(name: .needletailCache, value: "bypass")
    private static let oneAttempt = HTTPField(name: .needletailAttempts, value: "1")
}

extension HTTPFields {
    /// Adds the request's id, for Anthropic's and Amazon's SDKs also where they look for it.
    mutating func setRequestID(_ id: String, dialect: DialectID) {
        self.append(HTTPField(name: .xRequestID, value: id))
        if dialect == .anthropicMessages { self.append(HTTPField(name: .requestID, value: id)) }
        if dialect == .bedrockConverse { self.append(HTTPField(name: .amazonRequestID, value: id)) }
    }
}
