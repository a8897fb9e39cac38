import NIOCore
import NeedletailCore

/// Writes a client's stream: pieces of content with a start and an end, then calls, one after the other.
struct CohereStreamEncoder: StreamEncoder {
    private enum Kind { case text, thinking }

    private let options: StreamEncoderOptions
    private var report: LossReport
    private var replyID: String
    private var hasStarted = false
    private var open: Kind?
    /// How many pieces of content were begun.
    private var count = 0
    private var calls = SerialCalls()
    private var citations = 0
    /// The text of the part in progress, and how many scalars were sent before it: citations count them.
    private var part = ""
    private var before = 0
    private var usage: Usage?
    private var stop: StopReason?
    private var isFinished = false

    var losses: [Loss] { self.report.losses }

    init(_ options: StreamEncoderOptions) {
        self.options = options
        self.report = LossReport(options.source)
        self.replyID = options.replyID
    }

    private var isOwn: Bool { self.options.source == .cohereChat }

    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        switch copy event {
        case .started(let start):
            if !start.id.isEmpty { self.replyID = start.id }
            if start.systemFingerprint != nil { self.report.lose(.systemFingerprint, Self.unsaid) }
            if start.serviceTier != nil { self.report.lose(.replyServiceTier, Self.unsaid) }
            self.start(into: &out)
        case .text(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.part += text
            self.content(.text, text, into: &out)
        case .refusal(let text, let choice):
            self.report.lose(.replyRefusal, Self.unsaid)
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.content(.text, text, into: &out)
        case .reasoning(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.content(.thinking, text, into: &out)
        case .logprobs(let logprobs, let choice):
            guard self.isFirst(choice) else { return }
            for piece in CohereLogprobs.pieces(logprobs) { self.content(.text, "", logprobs: piece, into: &out) }
        case .citation(let citation, let dialect, let choice):
            guard self.isFirst(choice) else { return }
            self.citation(citation, dialect, into: &out)
        case .blockEnded(let choice):
            guard self.isFirst(choice) else { return }
            self.before += self.part.unicodeScalars.count
            self.part = ""
        case .toolCallStarted(let index, let id, let name, let isCustom, let choice):
            guard self.isFirst(choice) else { return }
            self.closeContent(into: &out)
            self.write(
                self.calls.start(index, ToolCall(id: id, name: name, arguments: "", isCustom: isCustom)), into: &out)
        case .toolCallArguments(let index, let fragment, let choice):
            guard self.isFirst(choice), !fragment.isEmpty else { return }
            if let steps = self.calls.extend(index, fragment) {
                self.write(steps, into: &out)
            } else {
                self.report.lose(.replyToolArguments, "There were more than can wait.")
            }
        case .finished(let reason, let sequence, let choice):
            guard self.isFirst(choice), self.stop == nil else { return }
            self.stop = reason
            if sequence != nil { self.report.lose(.stopSequence, Self.unsaid) }
        case .usage(let usage):
            self.usage = usage
            for field in ModelField.allCases where usage.says(field) && !CohereChat.replyFields.contains(field) {
                self.report.lose(field, Self.unsaid)
            }
            if !self.isOwn { self.report.loseCounters(of: usage) }
        case .reasoningSignature, .redactedReasoning, .opaque, .audio, .image:
            if let field = event.field { self.report.lose(field, Self.unsaid) }
        }
    }

    mutating func finish(into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        self.start(into: &out)
        self.closeContent(into: &out)
        self.write(self.calls.end(), into: &out)
        self.isFinished = true
        let (word, isLossy) = CohereFinishReason.word(self.stop, hasCalls: self.calls.count > 0, isOwn: self.isOwn)
        if isLossy { self.report.lose(.stopReason, "Cohere has no such finish_reason.") }
        CohereStreamWriter.messageEnd(word, self.usage, isOwn: self.isOwn, into: &out)
    }

    private static let unsaid = "Cohere's replies have no such field."

    private mutating func isFirst(_ choice: Int) -> Bool {
        guard choice != 0 else { return true }
        self.report.lose(.replyChoices, "This dialect has one reply; the first was kept.")
        return false
    }

    private mutating func start(into out: inout ByteBuffer) {
        guard !self.hasStarted else { return }
        self.hasStarted = true
        CohereStreamWriter.start(id: self.replyID, into: &out)
    }

    private mutating func content(
        _ kind: Kind, _ text: String, logprobs: JSONText? = nil, into out: inout ByteBuffer
    ) {
        self.start(into: &out)
        let type: StaticString = kind == .text ? "text" : "thinking"
        if self.open != kind {
            self.closeContent(into: &out)
            CohereStreamWriter.contentStart(type, index: self.count, into: &out)
            self.count += 1
            self.open = kind
        }
        CohereStreamWriter.content(type, text, logprobs: logprobs, index: self.count - 1, into: &out)
    }

    private mutating func closeContent(into out: inout ByteBuffer) {
        guard self.open != nil else { return }
        self.open = nil
        CohereStreamWriter.end("content-end", index: self.count - 1, into: &out)
    }

    private mutating func citation(_ citation: JSONText, _ dialect: DialectID, into out: inout ByteBuffer) {
        guard let view = try? citation.view(),
            let converted = CohereCitation.convert(view, dialect, text: self.part, start: self.before)
        else {
            self.report.lose(.replyCitations, "A citation that has no counterpart.")
            return
        }
        self.start(into: &out)
        CohereStreamWriter.citation(converted, index: self.citations, into: &out)
        self.citations += 1
    }

    private func write(_ steps: [SerialCalls.Step], into out: inout ByteBuffer) {
        for step in steps {
            switch step {
            case .start(let number, let call): CohereStreamWriter.callStart(call, index: number, into: &out)
            case .fragment(let number, let text): CohereStreamWriter.arguments(text, index: number, into: &out)
            case .end(let number): CohereStreamWriter.end("tool-call-end", index: number, into: &out)
            }
        }
    }
}
