public import NIOCore
public import NeedletailCore

/// The one look at a client's body that routing, limits and passthrough need: a single scan that also checks that the
/// body is JSON. Nothing is decoded.
public enum RequestPeek {
    /// Reads the facts of `body`.
    ///
    /// - Parameters:
    ///   - model: The model's name, for dialects that have it in the path.
    ///   - isStreaming: Whether the reply is to be streamed, for dialects that have it in the path.
    /// - Throws: `.invalidRequest` if the body is no JSON object, the model is missing or no string, `stream` is no
    ///   boolean, a limit on tokens is no positive whole number, the content is missing or of the wrong type, or a key
    ///   that a passthrough edits stands twice.
    public static func read(
        _ body: ByteBuffer,
        dialect: DialectID,
        operation: NeedletailCore.Operation,
        model: String? = nil,
        isStreaming: Bool? = nil
    ) throws(NeedletailError) -> InferenceRequest {
        let shape = dialect.requestShape(operation)
        var fields = RequestPeekFields(shape)
        try fields.read(body.readableBytesUInt8Span)
        guard let name = model ?? fields.model else { throw Self.missing("model") }
        if model != nil {
            guard dialect.hasModelInPath else {
                let body = fields.model == name ? body : Self.writing(name, into: body, fields.landmarks)
                return try Self.read(body, dialect: dialect, operation: operation, isStreaming: isStreaming)
            }
            fields.landmarks.model = nil
        }
        let isContentInside = operation == .countTokens && fields.hasCountedRequest
        guard fields.content != nil || shape.isContentOptional || isContentInside else {
            throw Self.missing("\(shape.contentKey)")
        }
        if let content = fields.content {
            // Elsewhere an `id` says nothing of who issued it: items have one, and Google's calls, of which another's want
            // a word.
            let hasIDs = content.hasIDs && (dialect == .openAIResponses || dialect == .gemini)
            fields.landmarks.mayHoldState = content.mayHoldState || hasIDs
        }
        if isContentInside { fields.landmarks.mayHoldState = true }
        if shape.requiresMaxTokens, operation == .chat, fields.maxTokens == nil { throw Self.missing("max_tokens") }
        var request = InferenceRequest(
            operation: operation,
            model: name,
            isStreaming: isStreaming ?? fields.isStreaming ?? shape.streamsByDefault,
            maxOutputTokens: fields.maxOutputTokens,
            estimatedInputTokens: fields.estimatedInputTokens(bodySize: body.readableBytes),
            features: fields.features,
            body: .wire(WireBody(dialect: dialect, bytes: body), fields.landmarks),
            replyDialect: dialect
        )
        request.choices = fields.answers
        request.searches = fields.searches
        request.images = fields.content?.images ?? 0
        request.user = fields.user
        return request
    }

    /// The body with another model: a path that names one, as Azure's do, is what the client means.
    private static func writing(_ model: String, into body: ByteBuffer, _ landmarks: BodyLandmarks) -> ByteBuffer {
        var splice = JSONSplice()
        let name = JSONText(string: model).bytes
        if let range = landmarks.model {
            splice.replace(range, with: name)
        } else {
            let isEmpty = (try? JSONDocument(body))?.root.members.contains { _ in true } != true
            var member = ByteBuffer(string: isEmpty ? #""model":"# : #","model":"#)
            member.writeImmutableBuffer(name)
            splice.replace(landmarks.end..<landmarks.end, with: member)
        }
        return splice.applied(to: body)
    }

    /// Reads the facts of a form with files.
    ///
    /// - Parameter model: The model's name in a path that has one, as Azure's do; a form without it is given it, since
    ///   other upstreams read it there.
    /// - Throws: `.invalidRequest` if it is no form, or neither it nor the path names a model.
    public static func readForm(
        _ body: ByteBuffer,
        contentType: String,
        dialect: DialectID,
        operation: NeedletailCore.Operation,
        model: String? = nil
    ) throws(NeedletailError) -> InferenceRequest {
        let form = try MultipartForm(body, contentType: contentType)
        guard let name = model ?? form.model.map({ MultipartForm.text(body, $0) }), !name.isEmpty else {
            throw Self.missing("model")
        }
        guard name.utf8.count <= RequestPeekFields.maximumModelLength else {
            throw RequestPeekFields.invalid(
                "model", "must not be longer than \(RequestPeekFields.maximumModelLength) bytes")
        }
        var place = form.model
        var body = body
        if place == nil {
            guard name.utf8.allSatisfy({ $0 >= 0x20 }) else {
                throw RequestPeekFields.invalid("model", "must not hold control characters")
            }
            (body, place) = form.naming(name, in: body)
        }
        var request = InferenceRequest(
            operation: operation,
            model: name,
            isStreaming: form.isStreaming,
            estimatedInputTokens: RequestPeekFields.estimatedInputTokens(formSize: body.readableBytes),
            body: .wire(WireBody(dialect: dialect, bytes: body), BodyLandmarks(model: place)),
            replyDialect: dialect
        )
        request.choices = form.choices
        return request
    }

    private static func missing(_ name: String) -> NeedletailError {
        NeedletailError(.invalidRequest, "\(name): Field required", parameter: name)
    }
}
