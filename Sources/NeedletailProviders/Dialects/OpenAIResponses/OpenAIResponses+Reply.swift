public import NIOCore
public import NeedletailCore

extension OpenAIResponses {
    /// Reads an upstream's whole reply.
    ///
    /// - Throws: `.malformedReply`, or what a failed response or an error inside a 200 means.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        let root = try Self.replyRoot(body)
        guard let output = root.present("output"), output.kind == .array else {
            throw NeedletailError(.malformedReply, "The provider's reply has no output.")
        }
        var reply = ChatResponse(
            id: root.present("id")?.string ?? "",
            model: root.present("model")?.string ?? "",
            usage: Self.usage(in: root)
        )
        reply.source = .openAIResponses
        var choice = ChatChoice()
        var logprobs: [JSONText] = []
        for (position, item) in output.elements.enumerated() {
            guard let content = OpenAIResponsesItem.read(item, position: position, replyID: reply.id) else {
                throw NeedletailError(.malformedReply, "The provider's reply has an item without a type.")
            }
            choice.content += content.parts
            logprobs += content.logprobs
            for extra in content.extensions where !reply.extensions.contains(extra) { reply.extensions.append(extra) }
        }
        if !logprobs.isEmpty { choice.logprobs = OpenAIResponsesItem.chatLogprobs(logprobs) }
        choice.stopReason = Self.stopReason(
            root,
            hasCalls: choice.content.contains { if case .toolCall = $0 { true } else { false } },
            hasRefusal: choice.content.contains { if case .refusal = $0 { true } else { false } })
        reply.choices = [choice]
        Self.envelope(root, into: &reply)
        return reply
    }

    /// A time in seconds since 1970, with or without a fraction; `nil` for what is none.
    static func seconds(_ view: JSONView) -> Int64? { view.double.flatMap { Int64(exactly: $0.rounded(.down)) } }

    private static func envelope(_ root: JSONView, into reply: inout ChatResponse) {
        for member in root.members where !member.value.isNull {
            switch member.key {
            case "id", "model", "output", "usage", "object", "status", "error", "incomplete_details", "completed_at",
                "output_text":
                break
            case "created_at": reply.created = Self.seconds(member.value)
            case "service_tier": reply.serviceTier = OpenAIChat.nonEmpty(member.value)
            case "tool_usage":
                let isRead = Self.isRead(toolUsage: member.value)
                reply.extensions.append(Extension("tool_usage", member.value.text, isRead: isRead))
            case let key:
                if OpenAIResponsesRequestDecoder.echoed.contains(where: { member.hasKey($0) }) {
                    reply.echo.append(Extension(key, member.value.text))
                } else if !Self.isEmpty(member.value) {
                    reply.extensions.append(Extension(key, member.value.text))
                }
            }
        }
    }

    private static func isEmpty(_ value: JSONView) -> Bool {
        guard value.kind == .array else { return false }
        var elements = value.elements
        return elements.next() == nil
    }

    /// Whether counts of tools say no more than how often the web was searched.
    static func isRead(toolUsage view: JSONView) -> Bool {
        view.members.allSatisfy { tool in
            guard tool.hasKey("web_search") else { return tool.value.countsNothing }
            return tool.value.members.allSatisfy { $0.hasKey("num_requests") || $0.value.countsNothing }
        }
    }

    /// The usage, with the searches that the provider counts beside it.
    static func usage(in response: JSONView) -> Usage? {
        var usage = OpenAIResponsesUsage.read(response.present("usage"))
        if let searches = response.present("tool_usage")?.present("web_search")?.present("num_requests")?.int,
            searches > 0
        {
            usage?.webSearches = searches
        }
        usage?.setServiceTier(of: response)
        return usage
    }

    /// Why a response ended.
    static func stopReason(_ response: JSONView, hasCalls: Bool, hasRefusal: Bool) -> StopReason {
        let status = response.present("status")?.string ?? ""
        switch status {
        case "incomplete", "in_progress", "queued", "cancelled": break
        default:
            if hasCalls { return .toolCalls }
            return hasRefusal ? .refusal : .endTurn
        }
        switch response.present("incomplete_details")?.present("reason")?.string {
        case "max_output_tokens", "max_tokens": return .maxTokens
        case "content_filter": return .contentFilter
        case let reason?: return .other(reason)
        // A reply that was cut off and does not say why has most likely met its limit.
        case nil: return status == "incomplete" ? .maxTokens : .other(status)
        }
    }

    /// Reads what a passthrough must know of a whole reply: that it is a response, no error, and its usage.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? {
        try Self.inspectReply(body) { _ in }
    }

    static func inspectReply(_ body: ByteBuffer, state: (String) -> Void) throws(NeedletailError) -> Usage? {
        let root = try Self.replyRoot(body)
        Self.readState(inReply: root, state)
        guard root.present("output") != nil || root.present("status") != nil else {
            throw NeedletailError(.malformedReply, "The provider's reply has no output.")
        }
        return Self.usage(in: root)
    }

    /// The object of a reply that is no error.
    private static func replyRoot(_ body: ByteBuffer) throws(NeedletailError) -> JSONView {
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(body).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is not JSON.", cause: error)
        }
        if let failure = Self.failure(inside: root) { throw failure }
        guard root.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's reply is no JSON object.")
        }
        return root
    }
}
