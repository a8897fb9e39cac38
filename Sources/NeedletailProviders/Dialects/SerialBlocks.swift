import NIOCore
import NeedletailCore

/// Puts the events of a stream in an order in which no call of a tool is interrupted, for dialects that send one block
/// after the other.
///
/// A call stays open until its arguments are one whole JSON object, or a decoder says that the block ended; what comes
/// for others until then waits, in order, within ``maximumWaiting`` bytes.
struct SerialBlocks {
    /// The most that may wait: what a whole reply may be.
    static let maximumWaiting = 16 << 20

    /// The call whose arguments are not whole.
    private var open: Int?
    private var arguments = JSONObjectProgress()
    private var isCustom = false
    private var waiting: [ChatEvent] = []
    private var waitingSize = 0
    /// Whether something had to be left out, because more would have waited than may.
    private(set) var hasOverflown = false

    /// Takes the next event and appends those that may be sent now.
    mutating func take(_ event: ChatEvent, into ready: inout [ChatEvent]) {
        switch event {
        case .started, .usage, .finished, .logprobs: ready.append(event)
        case .toolCallStarted(let index, _, _, let isCustom, _):
            guard self.open == nil else { return self.wait(event) }
            self.open = index
            self.arguments = JSONObjectProgress()
            self.isCustom = isCustom
            ready.append(event)
        case .toolCallArguments(let index, let fragment, _):
            guard let open = self.open else {
                // White space behind a whole object belongs to nobody.
                if !fragment.allSatisfy(\.isWhitespace) { self.hasOverflown = true }
                return
            }
            guard open == index else { return self.wait(event) }
            ready.append(event)
            guard !self.isCustom else { return }
            self.arguments.take(fragment)
            if self.arguments.isComplete { self.close(into: &ready) }
        case .blockEnded:
            ready.append(event)
            self.close(into: &ready)
        case .text, .citation, .refusal, .reasoning, .reasoningSignature, .redactedReasoning, .opaque, .audio,
            .image:
            if self.open == nil { ready.append(event) } else { self.wait(event) }
        }
    }

    /// Appends all that waits, the rest of one call after the other.
    mutating func finish(into ready: inout [ChatEvent]) {
        while self.open != nil || !self.waiting.isEmpty { self.close(into: &ready) }
    }

    private mutating func close(into ready: inout [ChatEvent]) {
        self.open = nil
        let events = self.waiting
        self.waiting = []
        self.waitingSize = 0
        for event in events { self.take(event, into: &ready) }
    }

    private mutating func wait(_ event: ChatEvent) {
        let size = Self.size(event)
        guard self.waitingSize + size <= Self.maximumWaiting else {
            self.hasOverflown = true
            return
        }
        self.waitingSize += size
        self.waiting.append(event)
    }

    private static func size(_ event: ChatEvent) -> Int {
        switch event {
        case .text(let text, _), .refusal(let text, _), .reasoning(let text, _), .reasoningSignature(let text, _),
            .redactedReasoning(let text, _), .toolCallArguments(_, let text, _):
            text.utf8.count
        case .citation(let json, _, _), .audio(let json, _), .logprobs(let json, _): json.bytes.readableBytes
        case .opaque(let part, _): part.json.bytes.readableBytes
        case .image(let part, _): part.source.size
        case .started, .toolCallStarted, .blockEnded, .finished, .usage: 64
        }
    }
}

extension MediaSource {
    /// The bytes of what it says.
    var size: Int {
        switch self {
        case .base64(_, let text), .url(let text), .fileID(let text), .text(let text): text.utf8.count
        }
    }
}

extension ChatEvent {
    /// The choice that the event belongs to; `nil` for what concerns the reply as a whole.
    var choice: Int? {
        switch self {
        case .started, .usage: nil
        case .text(_, let choice), .citation(_, _, let choice), .refusal(_, let choice), .reasoning(_, let choice),
            .reasoningSignature(_, let choice), .redactedReasoning(_, let choice),
            .toolCallStarted(_, _, _, _, let choice), .toolCallArguments(_, _, let choice), .blockEnded(let choice),
            .opaque(_, let choice), .audio(_, let choice), .image(_, let choice), .logprobs(_, let choice),
            .finished(_, _, let choice):
            choice
        }
    }
}
