import NeedletailCore

/// What a client sees of a stream that may have to go on elsewhere. Pure: events in, events out.
///
/// - Text goes out as it comes, and is remembered, since the next part must go on from it.
/// - Tool calls, and whatever comes after the first of them, wait until the answer has ended: a client acts on calls only
///   then, and what it has not seen can be begun anew.
/// - Of the parts after the first come neither a second beginning nor what repeats the earlier text, and no reasoning once
///   there is text.
struct ContinuationState {
    /// The most text that is remembered; a longer answer is not continued. 1 MiB, some 250,000 tokens.
    static let maximumText = 1 << 20
    /// The most that waits, in bytes; calls beyond it are let go as they come, and no longer begun anew. 4 MiB.
    static let maximumHeld = 4 << 20

    /// How an answer goes on after text: from there, with a whole answer that begins with it, or not.
    private let rescue: MidStreamPolicy.Rescue
    /// Whether an answer may begin anew after reasoning.
    private let repeatsReasoning: Bool
    private var part = 0
    /// The text that the client has.
    private(set) var text = ""
    private var textSize = 0
    private var hasReasoning = false
    private var overlap = OverlapFilter(after: "")
    /// What a part must begin with that is a whole answer of its own.
    private var repetition = RepeatedText("")
    private var held: [ChatEvent] = []
    private var heldSize = 0
    /// Whether calls wait.
    private var isHolding = false
    private var hasStarted = false
    /// Whether something has been seen that cannot be continued.
    private var isFinal = false
    /// Whether the answer has ended.
    private(set) var isFinished = false
    /// Of the parts before this one.
    private var spent: Usage?
    /// Of this part.
    private var usage: Usage?

    /// - Parameter rescue: `.restart` for an answer that does not go on after text.
    init(_ rescue: MidStreamPolicy.Rescue, repeatsReasoning: Bool) {
        self.rescue = rescue
        self.repeatsReasoning = repeatsReasoning
    }

    /// The tokens of all parts, as far as they were told.
    var total: Usage? {
        guard let spent = self.spent else { return self.usage }
        return self.usage.map { spent.adding($0) } ?? spent
    }

    /// Whether the client has been shown text or reasoning.
    var hasShown: Bool { !self.text.isEmpty || self.hasReasoning }

    /// Whether another part may follow where this one broke.
    var mayContinue: Bool {
        guard !self.isFinal, !self.isFinished else { return false }
        if !self.text.isEmpty { return self.rescue == .continue || self.rescue == .repeat }
        return !self.hasReasoning || self.repeatsReasoning
    }

    /// What the next part is asked to go on from; `nil` where it is to answer anew.
    var continuation: Continuation? {
        self.rescue == .continue && !self.text.isEmpty ? Continuation(text: self.text) : nil
    }

    /// Whether the current part is another answer than the one that the client has begun to see: nothing of it is shown.
    var hasDeparted: Bool { self.repetition.isBroken }

    /// Begins the next part: what waited was of the broken one and goes.
    ///
    /// - Parameter told: The tokens of the broken part, as far as its provider told them.
    /// - Returns: What comes before the next part.
    mutating func beginPart(after told: Usage?) -> [ChatEvent] {
        self.part += 1
        self.usage = told ?? self.usage
        self.spent = self.total
        self.usage = nil
        self.held = []
        self.heldSize = 0
        self.isHolding = false
        if self.rescue == .repeat {
            self.repetition = RepeatedText(self.text)
        } else {
            self.overlap = OverlapFilter(after: self.text)
        }
        // The reasoning that broke off and the one that follows are two.
        return self.hasReasoning && self.text.isEmpty ? [.blockEnded(choice: 0)] : []
    }

    /// Takes the events of the current part and appends what the client is to see of them.
    mutating func take(_ events: [ChatEvent], into out: inout [ChatEvent]) {
        for event in events { self.take(event, into: &out) }
    }

    private mutating func take(_ event: ChatEvent, into out: inout [ChatEvent]) {
        guard !self.isOther(event) else { return }
        switch event {
        case .started:
            guard !self.hasStarted else { return }
            self.hasStarted = true
            out.append(event)
        case .usage(let usage):
            self.usage = usage
            if let total = self.total { out.append(.usage(total)) }
        case .finished(_, _, let choice):
            self.finishText(into: &out)
            self.letGo(into: &out)
            if choice == 0 { self.isFinished = true } else { self.isFinal = true }
            out.append(event)
        case .text(let text, let choice):
            guard choice == 0 else { return self.pass(event, into: &out) }
            if self.isHolding { return self.hold(event, size: text.utf8.count, into: &out) }
            self.say(self.overlap.take(self.repetition.take(text)), into: &out)
        case .toolCallStarted(_, _, _, _, let choice):
            guard choice == 0, !self.isFinal else { return self.pass(event, into: &out) }
            self.finishText(into: &out)
            self.isHolding = true
            self.hold(event, size: 256, into: &out)
        case .toolCallArguments(_, let fragment, _):
            self.isHolding ? self.hold(event, size: fragment.utf8.count + 64, into: &out) : out.append(event)
        case .reasoning(let text, _), .reasoningSignature(let text, _), .redactedReasoning(let text, _):
            guard self.part == 0 || self.text.isEmpty else { return }
            if self.isHolding { return self.hold(event, size: text.utf8.count + 64, into: &out) }
            if self.part == 0 || !text.isEmpty { self.hasReasoning = true }
            out.append(event)
        case .citation, .blockEnded:
            if self.isHolding { return self.hold(event, size: 1024, into: &out) }
            // The end of a block that this part repeats is not the end of what the client has.
            guard self.overlap.isOpen, self.repetition.isWhole else { return }
            out.append(event)
        case .refusal, .opaque, .audio, .image, .logprobs: self.pass(event, into: &out)
        }
    }

    /// Whether an event is of another answer than the one that the client has begun to see, which may be told by its coming
    /// before all that the client has.
    private mutating func isOther(_ event: ChatEvent) -> Bool {
        guard !self.repetition.isWhole else { return false }
        switch event {
        case .started, .usage, .text(_, choice: 0), .reasoning, .reasoningSignature, .redactedReasoning, .citation,
            .blockEnded:
            break
        default: self.repetition.fail()
        }
        return self.hasDeparted
    }

    /// The events of the last part are over, and the answer is whole.
    mutating func end(into out: inout [ChatEvent]) {
        guard self.repetition.isWhole else { return self.repetition.fail() }
        self.finishText(into: &out)
        self.letGo(into: &out)
    }

    /// Lets through what has no place in a continued answer, with all that waits before it.
    private mutating func pass(_ event: ChatEvent, into out: inout [ChatEvent]) {
        self.finishText(into: &out)
        self.letGo(into: &out)
        self.isFinal = true
        out.append(event)
    }

    private mutating func say(_ text: String, into out: inout [ChatEvent]) {
        guard !text.isEmpty else { return }
        self.textSize += text.utf8.count
        if self.textSize > Self.maximumText {
            self.isFinal = true
            self.text = ""
        } else if self.rescue != .restart {
            self.text += text
        } else if self.text.isEmpty {
            self.text = text
        }
        out.append(.text(text, choice: 0))
    }

    private mutating func finishText(into out: inout [ChatEvent]) {
        self.say(self.overlap.finish(), into: &out)
    }

    private mutating func hold(_ event: ChatEvent, size: Int, into out: inout [ChatEvent]) {
        self.held.append(event)
        self.heldSize += size
        guard self.heldSize > Self.maximumHeld else { return }
        self.isFinal = true
        self.letGo(into: &out)
    }

    private mutating func letGo(into out: inout [ChatEvent]) {
        guard self.isHolding else { return }
        for event in self.held {
            if case .text(let text, _) = event { self.say(text, into: &out) } else { out.append(event) }
        }
        self.held = []
        self.heldSize = 0
        self.isHolding = false
    }
}
