import NIOCore
import NeedletailCore

/// Watches a stream that passes through unchanged.
struct GeminiStreamTap: StreamTap {
    private(set) var usage: Usage?
    private(set) var decoded: JSONView?
    /// The candidates seen, as bits; those beyond 63 share the last one.
    private var seen: UInt64 = 0
    private var ended: UInt64 = 0
    private var isBlocked = false

    /// Whether every candidate that began has given a reason, or the prompt was blocked.
    var isComplete: Bool { self.isBlocked || (self.seen != 0 && self.seen == self.ended) }
    /// Never: the bytes end, and nothing marks it.
    var isTerminated: Bool { false }

    mutating func observe(name: ByteBuffer, data: ByteBuffer) throws(NeedletailError) -> TapVerdict {
        guard data.readableBytes > 0, !OpenAIChatStreamTap.isEndMarker(data) else { return .forward }
        let root = try Self.root(data)
        var position = 0
        for candidate in (root.present("candidates") ?? root).elements {
            let bit = UInt64(1) << UInt64(min(max(0, candidate.present("index")?.int ?? position), 63))
            self.seen |= bit
            let reason = GeminiField.value(candidate, "finishReason", "finish_reason")
            if GeminiFinishReason.word(reason) != nil { self.ended |= bit }
            position += 1
        }
        if let feedback = GeminiField.value(root, "promptFeedback", "prompt_feedback"),
            GeminiBlock.reason(feedback) != nil
        {
            self.isBlocked = true
        }
        let counters = GeminiField.value(root, "usageMetadata", "usage_metadata")
        if let usage = counters.flatMap(GeminiUsage.read) { self.usage = usage }
        guard Gemini.holdsState(root) else { return .forward }
        self.decoded = root
        return .state
    }

    /// Nothing: streams have no end marker.
    func writeEnd(into out: inout ByteBuffer) {}

    /// The object of an event that is a chunk and no error.
    static func root(_ data: ByteBuffer) throws(NeedletailError) -> JSONView {
        let root: JSONView
        do {
            root = try JSONDocument(data).root
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds an event that is not JSON.", cause: error,
                mayHaveBeenProcessed: true)
        }
        if let failure = Gemini.failure(inside: root) { throw failure }
        guard root.kind == .array || Gemini.isReply(root) else {
            throw NeedletailError(
                .malformedReply, "The provider's stream holds an event that is no chunk.", mayHaveBeenProcessed: true)
        }
        return root
    }
}
