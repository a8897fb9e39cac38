public import NIOCore
public import NeedletailCore

/// Watches a stream that passes through. One scan per event, nothing built for an ordinary chunk.
struct OpenAIChatStreamTap: StreamTap {
    private(set) var usage: Usage?
    private(set) var isTerminated = false
    private var seen: UInt64 = 0
    private var ended: UInt64 = 0

    /// Whether the end marker was seen, or every choice that began has ended.
    var isComplete: Bool { self.isTerminated || (self.seen != 0 && self.seen == self.ended) }

    mutating func observe(name: ByteBuffer, data: ByteBuffer) throws(NeedletailError) -> TapVerdict {
        if Self.isEndMarker(data) {
            self.isTerminated = true
            return .forward
        }
        guard data.readableBytes > 0 else { return .forward }
        let survey: OpenAIChatSurvey
        do throws(JSONError) {
            survey = try OpenAIChatSurvey(data.readableBytesUInt8Span)
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds an event that is no JSON object.", cause: error,
                mayHaveBeenProcessed: true)
        }
        let isErrorEvent = Self.isErrorName(name)
        if survey.hasError || isErrorEvent { try self.throwFailure(data, isErrorEvent: isErrorEvent) }
        self.seen |= survey.seen
        self.ended |= survey.ended
        let verdict = survey.mayHoldState ? TapVerdict.state : .forward
        guard survey.usage != nil || survey.groq != nil || survey.hasChoiceUsage else { return verdict }
        guard let usage = survey.readUsage(in: data) else { return verdict }
        self.usage = usage
        return survey.hasChoices && !survey.hasChoice && survey.usage != nil ? .usageOnly : verdict
    }

    func writeEnd(into out: inout ByteBuffer) { out.writeStaticString("data: [DONE]\n\n") }

    private func throwFailure(_ data: ByteBuffer, isErrorEvent: Bool) throws(NeedletailError) {
        guard let document = try? JSONDocument(data) else { return }
        if let failure = OpenAIChat.failure(inside: document.root, isErrorEvent: isErrorEvent) { throw failure }
    }

    /// Whether the event's name says that it is an error, as Groq's does.
    static func isErrorName(_ name: ByteBuffer) -> Bool {
        name.readableBytes == 5 && OpenAIChatMembers.equals(name.readableBytesUInt8Span, 0..<5, "error")
    }

    /// Whether the data is `[DONE]`, with or without white space around it.
    static func isEndMarker(_ data: ByteBuffer) -> Bool {
        guard data.readableBytes >= 6, data.readableBytes <= 16 else { return false }
        let bytes = data.readableBytesUInt8Span
        let start = JSONScanner.skipWhitespace(bytes, 0)
        guard start + 6 <= bytes.count, OpenAIChatMembers.equals(bytes, start..<(start + 6), "[DONE]") else {
            return false
        }
        return JSONScanner.skipWhitespace(bytes, start + 6) == bytes.count
    }
}

extension OpenAIChat {
    /// Reads what a passthrough must know of a whole reply: that it is JSON with choices, no error, and its usage.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? {
        try self.inspectReply(body) { _ in }
    }

    static func inspectReply(_ body: ByteBuffer, state: (String) -> Void) throws(NeedletailError) -> Usage? {
        let survey: OpenAIChatSurvey
        do throws(JSONError) {
            survey = try OpenAIChatSurvey(body.readableBytesUInt8Span)
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is no JSON object.", cause: error)
        }
        if survey.hasError || survey.hasChoiceError, let root = try? JSONDocument(body).root,
            let failure = self.failure(inside: root) ?? root.present("choices").flatMap(self.failure(inChoices:))
        {
            throw failure
        }
        guard survey.hasChoices else {
            // Errors also come without an `error` key: `{"message": …}`, `{"detail": …}`.
            throw NeedletailError(.malformedReply, "The provider's reply has no choices.")
        }
        if survey.mayHoldState, let document = try? JSONDocument(body) {
            self.readState(inReply: document.root, state)
        }
        return survey.readUsage(in: body)
    }
}
