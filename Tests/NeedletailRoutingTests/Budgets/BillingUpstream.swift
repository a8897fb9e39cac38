import NIOCore
import NeedletailCore
import Synchronization

/// An upstream that bills, in a simulation: it fails with and without a bill, answers whole and in streams, breaks, hangs,
/// and writes down what it really billed. It keeps the limit on output that it is told.
final class BillingUpstream: Provider {
    /// What was billed for one call.
    struct Bill: Sendable {
        var at: Int64
        var key: String
        var tags: [String]
        var provider: String
        var usage: Usage
    }

    let id: ProviderID
    let bills = Mutex<[Bill]>([])
    private let random: RandomSource
    private let time: TimeSource

    init(_ id: ProviderID, random: RandomSource, time: TimeSource) {
        self.id = id
        self.random = random
        self.time = time
    }

    private func pick(_ count: UInt64) -> Int { Int(self.random.next() % count) }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        context.call?.markSent()
        // Written down before anything else happens: whatever becomes of the gateway, it is billed.
        let most = request.maxOutputTokens ?? 0
        var usage = Usage(
            inputTokens: self.pick(UInt64(request.estimatedInputTokens * 3) + 1),
            outputTokens: self.pick(UInt64(most) + 1))
        let fate = self.pick(10)
        // A status costs nothing.
        if fate == 0 {
            try await self.pause()
            throw NeedletailError(.upstreamFailed, "500", upstream: .init(status: 500))
        }
        let bill = Bill(
            at: self.time.wallSeconds(), key: context.request.keyName ?? "", tags: context.request.tags,
            provider: self.id.rawValue, usage: usage)
        self.bills.withLock { $0.append(bill) }
        try await self.pause()
        switch fate {
        case 1: throw NeedletailError(.timedOut, "lost", mayHaveBeenProcessed: true)
        case 2..<6:
            // One in four tells nothing.
            let told = self.pick(4) == 0 ? nil : usage
            return InferenceReply(
                provider: self.id, model: request.model,
                body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: "{}")), told))
        default:
            let ending = StreamEnding()
            if self.pick(4) == 0 {
                // What an Anthropic stream tells first.
                usage.outputTokens = min(1, usage.outputTokens)
            }
            let reader = Chunks(self, count: self.pick(5), breaks: fate == 6, usage: bill.usage, ending: ending)
            if self.pick(2) == 0 { ending.setUsage(usage) }
            return InferenceReply(
                provider: self.id, model: request.model,
                body: .stream(ReplyStream(dialect: .openAIChat, ending: ending, reader: reader)))
        }
    }

    fileprivate func pause() async throws(NeedletailError) {
        let milliseconds = [0, 1, 20, 400, 70_000][self.pick(5)]
        guard milliseconds > 0 else { return }
        do { try await self.time.sleep(self.time.now().advanced(by: .milliseconds(milliseconds))) } catch {
            throw NeedletailError(.cancelled, "The client left.")
        }
    }

    private final class Chunks: ReplyReader {
        private let upstream: BillingUpstream
        private var left: Int
        private let breaks: Bool
        private let usage: Usage
        private let ending: StreamEnding

        init(_ upstream: BillingUpstream, count: Int, breaks: Bool, usage: Usage, ending: StreamEnding) {
            self.upstream = upstream
            self.left = count
            self.breaks = breaks
            self.usage = usage
            self.ending = ending
        }

        func next() async throws(NeedletailError) -> ByteBuffer? {
            try await self.upstream.pause()
            guard self.left > 0 else {
                if self.breaks { throw NeedletailError(.unreachable, "broken") }
                self.ending.setUsage(self.usage)
                return nil
            }
            self.left -= 1
            return ByteBuffer(string: "data: {}\n\n")
        }
    }
}
