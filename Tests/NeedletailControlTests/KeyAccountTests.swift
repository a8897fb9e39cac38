import GRDB
import NeedletailCore
import NeedletailRouting
import NeedletailStore
import NeedletailTesting
import Testing

@testable import NeedletailControl

/// What keys of an earlier version have spent, which counted under their names.
@Suite("Accounts of stored keys")
struct KeyAccountTests {
    private static func key(_ id: String, _ name: String, _ account: String, created: Int64) -> StoredKey {
        var limits = KeyLimits()
        limits.budget = KeyLimits.Budget(limit: Money(picodollars: 100), period: "total", warnings: [], clamps: false)
        return StoredKey(
            id: id, name: name, account: account, prefix: "nt-", hash: KeySecret.hash(id), limits: limits,
            created: created)
    }

    @Test("what they have spent of budgets that each key has is copied to their accounts, once")
    func subjects() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/n.db"
        do {
            let store = try SQLiteStore(path: path)
            try store.save([
                Self.key("k1", "a", "a#k1", created: 1), Self.key("k2", "a%", "a%#k2", created: 2),
                // Rotated, and made as `x`.
                Self.key("k3", "b", "x#k0", created: 3), Self.key("k4", "b", "x#k0", created: 4),
            ])
            let counters = ["each/a", "each/aa", "each/a%", "each/b", "t/each/a", "a", "key a"]
            try store.book(
                counters.enumerated().map {
                    BudgetChange(slot: BudgetSlot(counter: $1, start: 3), spent: Int128($0 + 1), leased: 2)
                })
        }
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            try database.execute(
                sql: "DELETE FROM grdb_migrations WHERE identifier = 'keys: accounts in budgets of each key'")
            #expect(database.changesCount == 1)
        }
        try queue.close()
        for _ in 0..<2 {
            let balances = try SQLiteStore(path: path).balances()
            #expect(
                balances.map { "\($0.slot.counter) \($0.spent) \($0.leased)" }.filter { $0.contains("#") }.sorted()
                    == [
                        "each/a#k1 1 2", "each/a%#k2 3 2", "each/x#k0 4 2", "t/each/a#k1 5 2",
                    ].sorted())
            #expect(balances.count == 11)
        }
    }

    @Test("they are copied to accounts that no key of the configuration can have, once")
    func migration() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/n.db"
        let counters = [
            "key a", "key a daily_budget", "key ab", "key b", "key c#k9", "each/a", "key gone", "key a%", "key a_x",
        ]
        do {
            let store = try SQLiteStore(path: path)
            try store.save([
                Self.key("k2", "a", "", created: 2), Self.key("k1", "a", "", created: 1),
                // Made as `b`, now called `n`; made as `c` while another counted as `c`.
                Self.key("k3", "n", "b", created: 3), Self.key("k9", "c", "c#k9", created: 4),
            ])
            try store.book(
                counters.enumerated().map { number, counter in
                    BudgetChange(
                        slot: BudgetSlot(counter: counter, start: 0), spent: Int128(number + 1), leased: 0)
                })
        }
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            try database.execute(sql: "UPDATE api_key SET account = NULL WHERE account = ''")
            try database.execute(
                sql: "DELETE FROM grdb_migrations WHERE identifier = 'keys: accounts of their own'")
            #expect(database.changesCount == 1)
        }
        try queue.close()
        for _ in 0..<2 {
            let store = try SQLiteStore(path: path)
            let accounts = try store.keys().map { "\($0.id) \($0.account)" }.sorted()
            #expect(accounts == ["k1 a#k1", "k2 a#k1", "k3 b#k3", "k9 c#k9"])
            let expected = [
                "key a#k1", "key a#k1 daily_budget", "key ab", "key b#k3", "key c#k9", "each/a", "key gone", "key a%",
                "key a_x",
            ]
            // What had been counted stays, for a key of the configuration that has the name.
            let stayed = ["key a": 1, "key a daily_budget": 2, "key b": 4].mapValues { Int128($0) }
            let balances = try store.balances()
            #expect(
                Dictionary(uniqueKeysWithValues: balances.map { ($0.slot.counter, $0.spent) })
                    == Dictionary(uniqueKeysWithValues: zip(expected, (1...9).map { Int128($0) }))
                    .merging(stayed) { new, _ in new })
            #expect(
                try store.keys().budgets.map { "\($0.name) = \($0.account)" }
                    == ["key a = key a#k1", "key c = key c#k9", "key n = key b#k3"])
        }
    }
}
