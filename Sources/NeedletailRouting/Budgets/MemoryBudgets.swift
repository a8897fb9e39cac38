public import NeedletailCore
import Synchronization

/// An authority that forgets when the process ends: for a gateway without a store, and for the simulator.
public final class MemoryBudgets: BudgetAuthority {
    private struct Balance {
        var spent: Int128 = 0
        var leased: Int128 = 0
    }

    private let balances = Mutex<[String: [Int64: Balance]]>([:])

    /// Creates an authority that has granted nothing.
    public init() {}

    /// See ``BudgetAuthority/grant(_:)``.
    public func grant(_ requests: [BudgetGrantRequest]) throws(NeedletailError) -> BudgetGrant {
        self.balances.withLock { balances in
            var blocks: [BudgetBlock] = []
            for (index, request) in requests.enumerated() {
                var left = request.limit
                for (start, balance) in balances[request.slot.counter] ?? [:] where start >= request.since {
                    left -= balance.spent + balance.leased
                }
                guard left >= request.least else { return .refused(index: index, left: max(0, left)) }
                let amount = min(left, max(request.least, request.preferred))
                blocks.append(BudgetBlock(amount: amount, left: left - amount))
            }
            for (request, block) in zip(requests, blocks) {
                // Slots that no longer count are of no use to anybody here.
                balances[request.slot.counter] = balances[request.slot.counter]?.filter { start, balance in
                    start >= request.since || balance.leased > 0
                }
                balances[request.slot.counter, default: [:]][request.slot.start, default: Balance()].leased +=
                    block.amount
            }
            return .granted(blocks)
        }
    }

    /// See ``BudgetAuthority/book(_:)``.
    public func book(_ changes: [BudgetChange]) throws(NeedletailError) {
        self.balances.withLock { balances in
            for change in changes {
                var balance = balances[change.slot.counter]?[change.slot.start] ?? Balance()
                balance.spent += change.spent
                balance.leased = max(0, balance.leased + change.leased)
                balances[change.slot.counter, default: [:]][change.slot.start] = balance
            }
        }
    }

    /// Forgets all counts of a counter.
    public func reset(counter: String) {
        self.balances.withLock { $0[counter] = nil }
    }

    /// Every count, in order.
    public func all() -> [BudgetBalance] {
        self.balances.withLock { balances in
            balances.flatMap { counter, slots in
                slots.map {
                    BudgetBalance(
                        slot: BudgetSlot(counter: counter, start: $0), spent: $1.spent, leased: $1.leased)
                }
            }
        }.sorted { ($0.slot.counter, $0.slot.start) < ($1.slot.counter, $1.slot.start) }
    }
}
