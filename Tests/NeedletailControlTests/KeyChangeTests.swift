import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailStore
import NeedletailTesting
import Testing

@testable import NeedletailControl
@testable import NeedletailRouting

@Suite("Changes of stored keys")
struct KeyChangeTests {
    private let folder: TemporaryFolder
    private let store: SQLiteStore
    private let time = JumpingTime()
    private let tool: KeyTool
    private let ring: KeyRing

    init() throws {
        self.folder = try TemporaryFolder()
        self.store = try SQLiteStore(path: self.folder.path + "/n.db")
        self.tool = KeyTool(self.store, time: self.time.source, random: .seeded(3))
        self.ring = try KeyRing(self.store, time: self.time.source)
    }

    private static func json(_ text: String) throws -> JSONView { try JSONDocument(ByteBuffer(string: text)).root }

    private func change(_ key: String, _ patch: String, taken: [String] = []) throws {
        try self.tool.change(key, KeyPatch(try Self.json(patch)), taken: taken, groups: ["cheap"])
        try self.ring.refresh(isForced: true)
    }

    private static let everything = """
        {"limits":{"rpm":60,"rph":600,"tpm":1000,"concurrency":3,"burst":5,"daily_budget":"1.50","cost_per_request":0.25},
        "budget":{"limit":5.000000000001,"per":"day","warn":[0.5,0.125],"clamp":true}}
        """

    @Test("limits and a budget are kept, whole, and follow a key that is rotated")
    func kept() throws {
        let limits = try KeyLimits(changes: try Self.json(Self.everything))
        #expect(limits.rpm == 60 && limits.burst == 5 && limits.dailyBudget == Money("1.5"))
        #expect(limits.budget?.warnings == [125, 500] && limits.budget?.limit == Money("5.000000000001"))
        _ = try self.tool.create("dev", limits: limits)
        _ = try self.tool.rotate("dev", overlap: 60)
        #expect(try self.store.keys().map(\.limits) == [limits, limits])
        try self.ring.refresh(isForced: true)
        #expect(self.ring.limits.scopes.map(\.policy) == [limits.policy])
        #expect(
            self.ring.known.budgets.map(\.name) == ["key dev", "key dev daily_budget", "key dev cost_per_request"])
        let shown = try Self.json(KeyTable.json(try self.store.keys()))
        #expect(shown.elements.map { KeyLimits($0) } == [limits, limits])
        let line = KeyTable.lines(try self.store.keys(), now: 0).first
        #expect(line?.contains("rpm 60") == true && line?.contains("budget 5.000000000001 per day") == true)
    }

    @Test("a patch changes what it names and leaves the rest; null takes away")
    func merge() throws {
        let grant = try KeyGrant(
            tenant: "blue", team: "red", tags: ["a"], metadata: ["x": "1", "y": "2"], models: ["gpt-*"],
            providers: ["p"], surfaces: ["gemini"], networks: ["10.0.0.0/8"])
        let (_, secret) = try self.tool.create(
            "dev", grant: grant, limits: try KeyLimits(changes: try Self.json(Self.everything)), lifetime: 100)
        try self.change(
            "dev",
            #"{"team":null,"tags":["b"],"metadata":{"x":null,"z":"3"},"models":null,"surfaces":["openai","cohere"],"limits":{"rpm":10,"burst":null},"budget":{"limit":"9"},"expires_in":null}"#
        )
        let key = try #require(try self.store.keys().first)
        var expected = grant
        expected.team = nil
        expected.tags = ["b"]
        expected.metadata = ["y": "2", "z": "3"]
        expected.models = nil
        expected.surfaces = [.openai, .cohere]
        #expect(key.grant == expected && key.expires == nil)
        #expect(key.limits.rpm == 10 && key.limits.burst == nil && key.limits.tpm == 1000)
        #expect(
            key.limits.budget
                == .init(limit: try #require(Money("9")), period: "day", warnings: [125, 500], clamps: true))
        #expect(self.ring.find(secret.exposed)?.grant == expected)
        try self.change("dev", #"{"limits":null,"budget":null,"enabled":false}"#)
        #expect(try self.store.keys().first?.limits == KeyLimits())
        #expect(self.ring.limits.scopes.isEmpty && self.ring.known.budgets.isEmpty)
        #expect(self.ring.find(secret.exposed) == nil)
        try self.change("dev", #"{"enabled":true,"expires_in":10}"#)
        #expect(self.ring.find(secret.exposed) != nil)
        self.time.advance(by: .seconds(10))
        #expect(self.ring.find(secret.exposed) == nil)
    }

    @Test("who goes first, and what comes when a budget is spent, are kept, shown and changed")
    func exhaustion() throws {
        let text = #"{"priority":"high","budget":{"limit":1,"per":"day","on_exhausted":{"downgrade":"cheap"}}}"#
        let (_, secret) = try self.tool.create("dev", limits: try KeyLimits(changes: try Self.json(text)))
        try self.ring.refresh(isForced: true)
        #expect(self.ring.find(secret.exposed)?.priority == .high)
        #expect(self.ring.known.budgets.map(\.exhaustion) == [.downgrade("cheap")])
        let shown = KeyTable.json(try self.store.keys())
        #expect(shown.contains(#""priority":"high""#) && shown.contains(#""on_exhausted":{"downgrade":"cheap"}"#))
        let line = try #require(KeyTable.lines(try self.store.keys(), now: 0).first)
        #expect(line.contains("priority high") && line.contains("then cheap"))
        // What is said of it replaces what was.
        try self.change("dev", #"{"budget":{"on_exhausted":{"queue":"1500ms"}}}"#)
        #expect(self.ring.known.budgets.map(\.exhaustion) == [.queue(.milliseconds(1_500))])
        try self.change("dev", #"{"budget":{"limit":2}}"#)
        #expect(self.ring.known.budgets.map(\.exhaustion) == [.queue(.milliseconds(1_500))])
        try self.change("dev", #"{"budget":{"on_exhausted":"queue"}}"#)
        #expect(self.ring.known.budgets.map(\.exhaustion) == [.queue(.seconds(60))])
        try self.change("dev", #"{"budget":{"on_exhausted":"refuse"},"priority":null}"#)
        #expect(self.ring.known.budgets.map(\.exhaustion) == [.refuse])
        #expect(self.ring.find(secret.exposed)?.priority == .normal)
    }

    @Test("the words that clients may add are kept and changed")
    func clientTags() throws {
        let (_, secret) = try self.tool.create("dev", grant: try KeyGrant(clientTags: ["night*"]))
        try self.ring.refresh(isForced: true)
        #expect(self.ring.find(secret.exposed)?.grant.clientTags == ["night*"])
        try self.change("dev", #"{"client_tags":[]}"#)
        #expect(self.ring.find(secret.exposed)?.grant.clientTags == [])
        try self.change("dev", #"{"client_tags":null}"#)
        #expect(self.ring.find(secret.exposed)?.grant.clientTags == nil)
    }

    @Test("what a key has spent goes on counting under another name, and no other key's does")
    func accounts() throws {
        func accounts() -> [String] {
            self.ring.known.budgets.map { "\($0.name) = \($0.account)" }.sorted()
        }
        let limits = try KeyLimits(changes: try Self.json(#"{"budget":{"limit":1},"limits":{"daily_budget":1}}"#))
        let (first, _) = try self.tool.create("a", limits: limits)
        #expect(first.account == "a#\(first.id)")
        let own = "key a#\(first.id)"
        try self.change("a", #"{"name":"b"}"#)
        #expect(accounts() == ["key b = \(own)", "key b daily_budget = \(own) daily_budget"])
        _ = try self.tool.rotate("b", overlap: 0)
        self.time.advance(by: .seconds(1))
        try self.change("b", #"{"name":"c"}"#)
        #expect(accounts().first == "key c = \(own)")
        // The name is free, its count is not.
        let (other, _) = try self.tool.create("a", limits: limits)
        try self.ring.refresh(isForced: true)
        #expect(accounts().first == "key a = key a#\(other.id)" && other.id != first.id)
        try self.tool.delete("a")
        try self.change("c", #"{"name":"a"}"#)
        #expect(accounts() == ["key a = \(own)", "key a daily_budget = \(own) daily_budget"])
    }

    @Test(
        "what a key has used of its rates stays used under another name, also for calls that run; a new key's is whole")
    func renamedLimits() throws {
        let limits = try KeyLimits(changes: try Self.json(#"{"limits":{"rpm":3,"concurrency":2}}"#))
        _ = try self.tool.create("a", limits: limits)
        try self.ring.refresh(isForced: true)
        func gate(_ name: String) throws -> AdmissionGate {
            try #require(self.ring.limits.gate(name, within: nil))
        }
        let now = self.time.source.now()
        let permit = try gate("a").admit(RequestSize(input: 1, output: 1), now: now).get()
        try self.change("a", #"{"name":"b"}"#)
        #expect(self.ring.limits.gate("a", within: nil) == nil)
        let scope = try #require(try gate("b").limits.first)
        #expect(scope.name == "key b" && scope.headroom(now: now).running == 1)
        #expect(scope.headroom(now: now).requests?.remaining == 2)
        permit.settle(.neutral, used: 1, now: now, random: nil)
        #expect(scope.headroom(now: now).running == 0)
        _ = try self.tool.create("a", limits: limits)
        _ = try self.tool.rotate("b", overlap: 0)
        try self.ring.refresh(isForced: true)
        #expect(try gate("a").limits.first?.headroom(now: now).requests?.remaining == 3)
        #expect(try gate("b").limits.first?.headroom(now: now).requests?.remaining == 2)
    }

    @Test("people call a count as its key is called now, and forget it by that name")
    func names() throws {
        let limits = try KeyLimits(changes: try Self.json(#"{"budget":{"limit":1}}"#))
        let (key, _) = try self.tool.create("a", limits: limits)
        try self.change("a", #"{"name":"b"}"#)
        let each = BudgetRule(name: "each", each: .key, limit: 10, window: BudgetWindow(.total))
        let rules = self.ring.known.budgets + self.ring.known.counted(in: [each], except: ["c"])
        // The last as an earlier version counted.
        let counters = ["key \(key.account)", "key a", "each/\(key.account)", "each/c", "each/b"]
        try self.store.book(counters.map { BudgetChange(slot: BudgetSlot(counter: $0, start: 0), spent: 5, leased: 0) })
        let balances = try self.store.balances()
        let table = BudgetTable(balances, rules, now: 0).json
        #expect(table.contains(#""budget":"key b""#) && table.contains(#""budget":"each/b""#) && !table.contains("#"))
        #expect(
            ["key b", "each/b", "key a", "each/c", "each/d"].map { BudgetTable.counter(named: $0, rules, balances) }
                == ["key \(key.account)", "each/\(key.account)", "key a", "each/c", nil])
        #expect(table.ranges(of: "each/b").count == 1, "\(table)")
    }

    @Test("a budget that is spent stays spent when its key has another name, also for a call that runs meanwhile")
    func renamedBudget() throws {
        let limits = try KeyLimits(changes: try Self.json(#"{"budget":{"limit":"0.000000001"}}"#))
        let (key, _) = try self.tool.create("a", limits: limits)
        try self.ring.refresh(isForced: true)
        var state = BudgetState(self.ring.known.budgets)
        func hold(_ key: String, _ money: Int128) throws -> BudgetState.Hold? {
            let call = BudgetedCall(key: key, provider: "p", model: "m")
            while true {
                switch state.hold(call, money: money, tokens: 0, now: 1) {
                case .held(let hold): return hold
                case .refused: return nil
                case .short(let shortage):
                    switch try self.store.grant(shortage.requests) {
                    case .granted(let blocks): _ = state.granted(shortage, blocks, now: 1)
                    case .refused(let index, let left):
                        _ = state.refused(shortage, at: index, left: left, now: 1)
                        return nil
                    }
                }
            }
        }
        let first = try #require(try hold("a", 600))
        try self.change("a", #"{"name":"b"}"#)
        state.replace(self.ring.known.budgets)
        #expect(try hold("b", 600) == nil)
        _ = state.settle(first, money: 600, tokens: 0, now: 1)
        #expect(try hold("b", 401) == nil)
        try self.store.book(state.takeChanges(now: 1, isClosing: true))
        #expect(
            try self.store.balances().map { "\($0.slot.counter) \($0.spent) \($0.leased)" } == [
                "key \(key.account) 600 0"
            ])
        #expect(try hold("b", 400) != nil)
    }

    @Test(
        "a budget of each key goes on with the key that is given another name, and not with the one that takes its name over"
    )
    func renamedEach() throws {
        let each = BudgetRule(name: "each", each: .key, limit: 1_000, window: BudgetWindow(.total))
        func counter(_ name: String, except configured: Set<String> = []) -> [String] {
            let rules = self.ring.known.counted(in: [each], except: configured)
            let call = BudgetedCall(key: name, provider: "p", model: "m")
            return rules.flatMap { rule in rule.subjects(of: call).map { rule.counter($0) } }
        }
        let (key, _) = try self.tool.create("a")
        try self.ring.refresh(isForced: true)
        #expect(counter("a") == ["each/\(key.account)"])
        #expect(counter("a", except: ["a"]) == ["each/a"])
        try self.change("a", #"{"name":"b"}"#)
        let (other, _) = try self.tool.create("a")
        try self.ring.refresh(isForced: true)
        #expect(counter("b") == ["each/\(key.account)"])
        #expect(counter("a") == ["each/\(other.account)"] && other.account != key.account)
        #expect(counter("of the configuration") == ["each/of the configuration"])
    }

    @Test("a budget of each tenant shows no copy of a key's count")
    func copies() throws {
        let (key, _) = try self.tool.create("a")
        try self.ring.refresh(isForced: true)
        let rules = self.ring.known.counted(
            in: [BudgetRule(name: "tenants", each: .tenant, limit: 10, window: BudgetWindow(.total))], except: ["a"])
        let balances = ["tenants/a", "tenants/\(key.account)", "tenants/b#c"].map {
            BudgetBalance(slot: BudgetSlot(counter: $0, start: 0), spent: 1, leased: 0)
        }
        let table = BudgetTable(balances, rules, now: 0).json
        #expect(table.contains(#""tenants/a""#) && table.contains(#""tenants/b#c""#) && !table.contains(key.account))
    }

    @Test("what a key opens belongs to its name; whether it is on, and that it is gone, to the one with the id")
    func ids() throws {
        let (old, first) = try self.tool.create("dev")
        let (new, second) = try self.tool.rotate("dev", overlap: 60)
        try self.change(old.id, #"{"models":["m"],"limits":{"rpm":1},"enabled":false,"name":"renamed"}"#)
        let keys = try self.store.keys()
        #expect(keys.map(\.name) == ["renamed", "renamed"] && keys.allSatisfy { $0.grant.models == ["m"] })
        #expect(self.ring.limits.scopes.map(\.name) == ["key renamed"])
        #expect(self.ring.find(first.exposed) == nil && self.ring.find(second.exposed)?.name == "renamed")
        try self.tool.delete(new.id)
        #expect(try self.store.keys().map(\.id) == [old.id])
        try self.tool.delete("renamed")
        try self.ring.refresh(isForced: true)
        #expect(
            try self.store.keys().isEmpty && self.ring.find(second.exposed) == nil && self.ring.limits.scopes.isEmpty)
        #expect(throws: NeedletailError.self) { try self.tool.delete("renamed") }
        #expect(!self.ring.isEmpty, "to delete the last key lets nobody in")
        #expect(try KeyRing(self.store, time: self.time.source).isEmpty)
    }

    @Test(
        "a change that cannot be meant is refused with what to write, and changes nothing",
        arguments: [
            (#"{"limits":{"rpm":0}}"#, "from 1"), (#"{"limits":{"concurency":1}}"#, "did you mean 'concurrency'"),
            (#"{"limits":{"rpm":"5"}}"#, "without quotes"), (#"{"limits":{"burst":5}}"#, "rate"),
            (#"{"limits":{"daily_budget":-1}}"#, "daily_budget"), (#"{"budget":{"per":"day"}}"#, "limit"),
            (#"{"budget":{"limit":1,"per":"decade"}}"#, "per"),
            (#"{"budget":{"limit":1,"on_exhausted":"queue"}}"#, "no next stretch"),
            (#"{"budget":{"limit":1,"on_exhausted":"perhaps"}}"#, "on_exhausted"),
            (#"{"budget":{"limit":1,"on_exhausted":{"downgrade":"chep"}}}"#, "did you mean 'cheap'"),
            (#"{"budget":{"limit":1,"per":"day","on_exhausted":{"downgrade":"cheap","queue":"1s"}}}"#, "both"),
            (#"{"priority":"urgent"}"#, "low, normal or high"), (#"{"client_tags":"x"}"#, "list of texts"),
            (#"{"name":"other"}"#, "There is a key 'other'"), (#"{"name":"file"}"#, "The configuration has"),
            (#"{"name":"no name"}"#, "no name"), (#"{"name":null}"#, "no name"), (#"{"models":[1]}"#, "list of texts"),
            (#"{"networks":["10.0.0.0/40"]}"#, "no network"), (#"{"metadata":{"a":1}}"#, "object of texts"),
        ])
    func faults(_ patch: String, _ text: String) throws {
        let before = [try self.tool.create("dev").0, try self.tool.create("other").0]
        do {
            try self.change("dev", patch, taken: ["file"])
            Issue.record("it was taken")
        } catch let error as NeedletailError {
            #expect(error.code == .invalidRequest && error.message.contains(text), "\(error.message)")
        }
        #expect(try self.store.keys() == before)
    }
}
