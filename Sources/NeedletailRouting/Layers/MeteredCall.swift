import NeedletailCore
import Synchronization

/// One call upstream, from what is held for it to what it cost. Settled exactly once: by ``failed(_:)`` if it threw, else by
/// ``ended(_:)`` at the end of its reply.
final class MeteredCall: Sendable {
    private let price: Price?
    private let held: MeteringLayer.Held
    private let budgets: BudgetKeeper?
    private let context: RequestContext
    private let time: TimeSource
    /// Output tokens that were seen to come, of which the provider may not have told.
    private let seenOutput = Atomic<Int>(0)

    init(
        price: Price?, held: MeteringLayer.Held, budgets: BudgetKeeper?, context: RequestContext, time: TimeSource
    ) {
        self.price = price
        self.held = held
        self.budgets = budgets
        self.context = context
        self.time = time
    }

    private var bound: CallBound { self.held.bound }

    /// The call answered, and that is over.
    func ended(_ outcome: Outcome) {
        var bound = self.bound
        bound.outputTokens = max(bound.outputTokens, self.seenOutput.load(ordering: .relaxed))
        let cost = self.price.flatMap { bound.cost($0, outcome, at: self.time.wallSeconds()) }
        var tokens = outcome.usage?.totalTokens ?? bound.tokens
        if case .finished = outcome.end {} else { tokens = max(tokens, bound.tokens) }
        self.settle(cost, tokens: tokens)
    }

    /// The call failed before it answered.
    func failed(_ error: NeedletailError) {
        guard CallBound.mayBeBilled(error, wasSent: self.context.call?.wasSent ?? true) else {
            return self.settle(Cost(.zero), tokens: 0)
        }
        self.ended(Outcome(.failed(error)))
    }

    /// Whether what a stream has told so far is more than was held for it.
    func isOutrun(by usage: Usage) -> Bool {
        let cost = self.price?.cost(of: usage, at: self.time.wallSeconds())?.amount
        if let hold = self.held.hold {
            if hold.state.countsTokens, usage.totalTokens > Int(clamping: hold.tokens) { return true }
            if let cost, hold.money > 0, cost.picodollars > hold.money { return true }
        }
        guard let cost, let reserved = self.held.reserved else { return false }
        return cost > reserved
    }

    /// Whether a stream of so many bytes of text is longer than any that keeps its bound.
    ///
    /// Ordinary text has three to five bytes a token. At ``bytesPerToken`` no text of so few tokens is taken for more.
    func isOutrun(byText bytes: Int) -> Bool {
        guard bytes > self.bound.outputTokens * Self.bytesPerToken + Self.slack else { return false }
        self.seenOutput.store(bytes / Self.usualBytesPerToken, ordering: .relaxed)
        return true
    }

    /// From how many bytes on, framing included, a stream's text is looked at: most events hold one token in 200 to 400
    /// bytes, so that no stream that keeps its bound comes so far.
    var suspiciousSize: Int { self.bound.outputTokens * 512 + 4_096 }

    /// Whether a stream whose text cannot be read has so many bytes that nothing else can explain it.
    func isOutrun(byBytes bytes: Int) -> Bool {
        guard bytes > self.suspiciousSize * 2 else { return false }
        self.seenOutput.store(bytes / Self.bytesPerToken, ordering: .relaxed)
        return true
    }

    static let bytesPerToken = 16
    private static let slack = 256
    /// As for input, see ``CallBound``.
    private static let usualBytesPerToken = 3

    /// - Parameter cost: `nil` where no price is known; then all that was held counts as spent.
    private func settle(_ cost: Cost?, tokens: Int) {
        var isOverHold = false
        if let hold = self.held.hold, let budgets = self.budgets {
            isOverHold = budgets.settle(hold, money: cost?.amount.picodollars ?? hold.money, tokens: Int128(tokens))
        }
        if let reserved = self.held.reserved { self.context.request.cost.release(reserved) }
        self.context.call?.cost.add(cost, isOverHold: isOverHold)
        self.context.request.cost.add(cost, isOverHold: isOverHold)
    }
}
