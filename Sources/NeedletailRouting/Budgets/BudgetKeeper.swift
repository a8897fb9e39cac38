public import Logging
public import NeedletailCore
import Synchronization

/// Keeps the budgets: holds what a call may cost before it is made, and settles it after.
///
/// Most calls take a lock and no more. When a block is used up the authority is asked for the next, on its own thread, while
/// the call waits; while the authority cannot be asked, calls that the blocks at hand do not cover are refused with 503.
public final class BudgetKeeper: Sendable {
    /// Runs work that blocks, one at a time; throws if that is no longer possible.
    public typealias Executor = @Sendable (@escaping @Sendable () -> Void) async throws -> Void

    /// What is held for one call, to be settled exactly once.
    ///
    /// A class: Swift 6.3 jumps astray when an asynchronous function that throws a typed error returns 128-bit integers.
    public final class Hold: Sendable {
        let state: BudgetState.Hold
        /// The most that the call was thought to cost.
        public let money: Int128
        /// The most tokens.
        public let tokens: Int128

        init(state: BudgetState.Hold, money: Int128, tokens: Int128) {
            self.state = state
            self.money = money
            self.tokens = tokens
        }
    }

    private let state: Mutex<BudgetState>
    /// How often each budget was warned of, by its name.
    private let warned = Mutex<[String: Int]>([:])
    private let active: Atomic<Bool>
    private let authority: any BudgetAuthority
    private let executor: Executor
    private let time: TimeSource
    private let logger: Logger

    /// Creates a keeper.
    ///
    /// - Parameters:
    ///   - executor: Runs the authority's work; default at once, for authorities that do not block.
    ///   - time: For the calendar.
    ///   - logger: Where warnings go.
    public init(
        _ rules: [BudgetRule],
        authority: any BudgetAuthority,
        executor: @escaping Executor = { work in work() },
        time: TimeSource,
        logger: Logger
    ) {
        self.state = Mutex(BudgetState(rules))
        self.active = Atomic(!rules.isEmpty)
        self.authority = authority
        self.executor = executor
        self.time = time
        self.logger = logger
    }

    /// The rules.
    public var rules: [BudgetRule] { self.state.withLock { $0.rules } }

    /// Whether there is any budget.
    public var isActive: Bool { self.active.load(ordering: .relaxed) }

    /// Lets other rules hold, see ``BudgetState/replace(_:)``.
    public func replace(_ rules: [BudgetRule]) {
        self.state.withLock { $0.replace(rules) }
        self.active.store(!rules.isEmpty, ordering: .relaxed)
        // Those of keys come and go.
        let names = Set(rules.map(\.name))
        self.warned.withLock { warned in warned = warned.filter { names.contains($0.key) } }
    }

    /// Whether any budget counts money for a call.
    public func countsMoney(_ call: BudgetedCall) -> Bool { self.state.withLock { $0.countsMoney(call) } }

    /// Holds the most that a call can cost in every budget of its chain.
    ///
    /// - Throws: `.budgetExceeded` if one of them is spent, `.unavailable` if the store cannot say.
    public func hold(_ call: BudgetedCall, money: Int128, tokens: Int128) async throws(NeedletailError) -> Hold {
        while true {
            let now = self.time.wallSeconds()
            let decision = self.state.withLock { $0.hold(call, money: money, tokens: tokens, now: now) }
            switch decision {
            case .held(let hold): return Hold(state: hold, money: money, tokens: tokens)
            case .refused(let refusal): throw refusal.error
            case .short:
                if let failure = await self.refill(call, money: money, tokens: tokens) { throw failure }
            }
        }
    }

    /// Gets the blocks that a call lacks. Work runs one after another, so what an earlier one got is seen by the next.
    ///
    /// - Returns: Why it cannot have them.
    private func refill(_ call: BudgetedCall, money: Int128, tokens: Int128) async -> NeedletailError? {
        let outcome = Mutex<NeedletailError?>(nil)
        do {
            try await self.executor {
                let failure = self.refillNow(call, money: money, tokens: tokens)
                outcome.withLock { $0 = failure }
            }
        } catch {
            return NeedletailError(.unavailable, "Budgets cannot be judged: the store is closed.", cause: error)
        }
        return outcome.withLock { $0 }
    }

    private func refillNow(_ call: BudgetedCall, money: Int128, tokens: Int128) -> NeedletailError? {
        let now = self.time.wallSeconds()
        let shortage: BudgetState.Shortage? = self.state.withLock { state in
            guard case .short(let shortage) = state.lack(call, money: money, tokens: tokens, now: now) else {
                return nil
            }
            return shortage
        }
        guard let shortage else { return nil }
        do throws(NeedletailError) {
            switch try self.authority.grant(shortage.requests) {
            case .granted(let blocks):
                for warning in self.state.withLock({ $0.granted(shortage, blocks, now: now) }) { self.tell(warning) }
                return nil
            case .refused(let index, let left):
                return self.state.withLock { $0.refused(shortage, at: index, left: left, now: now) }?.error
            }
        } catch {
            return NeedletailError(
                .unavailable, "Budgets cannot be judged, so this request is not sent: the store does not answer.",
                cause: error)
        }
    }

    /// How often each budget was warned of since the start, in order of their names.
    public var warnings: [(budget: String, count: Int)] {
        self.warned.withLock { $0.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    private func tell(_ warning: BudgetWarning) {
        self.warned.withLock { $0[warning.budget, default: 0] += 1 }
        self.logger.warning(
            "A budget is nearly spent.",
            metadata: [
                "budget": "\(warning.budget)", "subject": "\(warning.subject)", "used": "\(warning.used)",
                "limit": "\(warning.limit)",
            ])
    }

    /// Ends a hold with what the call cost.
    ///
    /// - Returns: Whether that was more than was held.
    public func settle(_ hold: Hold, money: Int128, tokens: Int128) -> Bool {
        let now = self.time.wallSeconds()
        return self.state.withLock { $0.settle(hold.state, money: money, tokens: tokens, now: now) }.isOverHold
    }

    /// Takes what is to be booked.
    ///
    /// - Parameter isClosing: Gives all unused blocks back.
    public func takeChanges(isClosing: Bool = false) -> [BudgetChange] {
        let now = self.time.wallSeconds()
        return self.state.withLock { $0.takeChanges(now: now, isClosing: isClosing) }
    }

    /// Puts back what could not be booked.
    public func putBack(_ changes: [BudgetChange]) {
        self.state.withLock { $0.putBack(changes) }
    }

    /// What is held, free and not yet booked of a counter.
    public func outstanding(_ counter: String) -> (held: Int128, free: Int128, waiting: Int128) {
        self.state.withLock { $0.outstanding(counter) }
    }
}
