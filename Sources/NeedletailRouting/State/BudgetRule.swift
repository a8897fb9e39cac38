/// What may be spent: by whom, where, and in which time.
public struct BudgetRule: Sendable {
    /// What calls are told apart by.
    public enum Dimension: String, Sendable, Hashable, CaseIterable {
        /// The client's key.
        case key
        /// The key's tenant.
        case tenant
        /// The team within the tenant.
        case team
        /// A word that the request is counted under. A request may have several, and counts for each.
        case tag
        /// The client's end user, as the request names it.
        case user
        /// Who is called.
        case provider
        /// The model, in the provider's words.
        case model
    }

    /// What is counted.
    public enum Unit: String, Sendable, Hashable {
        /// Pico-dollars.
        case money
        /// Input and output tokens.
        case tokens
    }

    /// What becomes of a request that the budget does not cover.
    public enum Exhaustion: Sendable, Hashable, CustomStringConvertible {
        /// It is refused.
        case refuse
        /// The group of this name answers.
        case downgrade(String)
        /// It waits for the next stretch of time, if that comes within so long.
        case queue(Duration)

        /// For people: `refuse`, `downgrade: GROUP`, `queue: SECONDS s`.
        public var description: String {
            switch self {
            case .refuse: "refuse"
            case .downgrade(let group): "downgrade: \(group)"
            case .queue(let most): "queue: \(most.components.seconds) s"
            }
        }
    }

    /// The name, for people.
    public var name: String
    /// What it is counted under in the store, whatever its name becomes. Default the name.
    public var account: String
    /// Which calls count: all that fit each of these globs.
    public var scope: [(dimension: Dimension, glob: ModelGlob)]
    /// What has a budget of its own each; `nil` for one together.
    public var each: Dimension?
    /// What keys are counted under where ``each`` is the key, by name, where that is another: one that is given another name
    /// goes on with what it has spent, and one that takes a name over has spent nothing. Where it is something else, these
    /// are not read but to tell that a subject is none. Default none.
    public var accounts: [String: String] = [:]
    /// What is counted.
    public var unit: Unit
    /// The most.
    public var limit: Int128
    /// In which time.
    public var window: BudgetWindow
    /// Thousandths of the limit at which the operator is told, in order.
    public var warnings: [Int]
    /// What becomes of a request that it does not cover.
    public var exhaustion: Exhaustion
    /// Whether a request gets as much output as what is left buys, in the place of a refusal.
    public var clamps: Bool

    /// Creates a rule.
    public init(
        name: String,
        account: String? = nil,
        scope: [(dimension: Dimension, glob: ModelGlob)] = [],
        each: Dimension? = nil,
        unit: Unit = .money,
        limit: Int128,
        window: BudgetWindow,
        warnings: [Int] = [800],
        exhaustion: Exhaustion = .refuse,
        clamps: Bool = false
    ) {
        self.name = name
        self.account = account ?? name
        self.scope = scope
        self.each = each
        self.unit = unit
        self.limit = max(0, limit)
        self.window = window
        self.warnings = warnings
        self.exhaustion = exhaustion
        self.clamps = clamps
    }

    /// What the store grants at a time: small, since after a crash a block counts as spent, and large enough that the store
    /// is seldom asked.
    public var block: Int128 { max(1, self.limit / 64) }

    private static let everybody = [""]

    /// The one key whose calls count; `nil` if those of others may.
    var onlyKey: String? {
        self.scope.first { $0.dimension == .key && $0.glob.isLiteral }?.glob.pattern
    }

    /// Whom a call counts for: the values of ``each``, one empty text without; none if the call is none of this budget's.
    package func subjects(of call: BudgetedCall) -> [String] {
        var tags = call.tags[...]
        for (dimension, glob) in self.scope {
            if dimension == .tag {
                tags = tags.filter { glob.matches($0) }[...]
                guard !tags.isEmpty else { return [] }
            } else {
                guard let value = call[dimension], glob.matches(value) else { return [] }
            }
        }
        switch self.each {
        case nil: return Self.everybody
        case .tag: return Array(tags)
        case .key: return call.key.map { [self.accounts[$0] ?? $0] } ?? []
        case .some(let each): return call[each].map { [$0] } ?? []
        }
    }

    /// Whether what one has counted goes on counting for the other.
    func counts(like other: Self) -> Bool {
        self.account == other.account && self.unit == other.unit && self.each == other.each
            && self.window.period == other.window.period && self.window.isRolling == other.window.isRolling
    }

    /// What people call whom a count is for: a key by its name, not by its account.
    func name(of subject: String) -> String {
        guard self.each == .key else { return subject }
        return self.accounts.first { $0.value == subject }?.key ?? subject
    }

    /// The counter's name in the store.
    package func counter(_ subject: String) -> String {
        subject.isEmpty ? self.account : "\(self.account)/\(subject)"
    }
}

/// What budgets know of a call.
public struct BudgetedCall: Sendable, Hashable {
    /// The client's key.
    public var key: String?
    /// The key's tenant.
    public var tenant: String?
    /// The team within the tenant.
    public var team: String?
    /// What the request is counted under; each is there once.
    public var tags: [String]
    /// The client's end user.
    public var user: String?
    /// Who is called.
    public var provider: String
    /// The model, in the provider's words.
    public var model: String

    /// Creates a call.
    public init(
        key: String? = nil, tenant: String? = nil, team: String? = nil, tags: [String] = [], user: String? = nil,
        provider: String, model: String
    ) {
        self.key = key
        self.tenant = tenant
        self.team = team
        self.tags = tags
        self.user = user
        self.provider = provider
        self.model = model
    }

    /// The one value of a dimension; of tags, which are several, none.
    fileprivate subscript(_ dimension: BudgetRule.Dimension) -> String? {
        switch dimension {
        case .key: self.key
        case .tenant: self.tenant
        case .team: self.team
        case .tag: nil
        case .user: self.user
        case .provider: self.provider
        case .model: self.model
        }
    }
}
