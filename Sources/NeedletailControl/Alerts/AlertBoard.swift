import NeedletailCore

/// Every rule about everything that it watches. Pure, and bounded whatever names clients think up.
struct AlertBoard: Sendable {
    /// What a rule has found of one thing.
    struct Reading: Sendable {
        var subject: String
        /// `nil` where nothing can be said.
        var value: Double?
    }

    /// What a state belongs to.
    struct Place: Sendable, Hashable {
        var rule: String
        var subject: String
    }

    /// What is shown of an alert that is on, or about to be.
    struct Active: Sendable {
        var rule: AlertRule
        var subject: String
        var value: Double?
        var isFiring: Bool
        var since: Instant
    }

    /// More things than this are not watched by one rule.
    static let mostSubjects = 500
    /// How many events are remembered.
    static let remembered = 200

    private(set) var rules: [AlertRule]
    private var states: [Place: AlertState] = [:]
    private(set) var events: [AlertEvent] = []
    private var count = 0
    /// What begins the ids of its events.
    private let prefix: String

    /// - Parameter prefix: Different for every process.
    init(_ rules: [AlertRule], prefix: String) {
        self.rules = rules
        self.prefix = prefix
    }

    /// Judges by one rule.
    ///
    /// - Returns: What has changed.
    mutating func judge(
        _ rule: AlertRule, _ readings: [Reading], now: Instant, wallNanoseconds: Int64
    ) -> [AlertEvent] {
        var values: [String: Double?] = [:]
        // The same ones at each look, in whatever order they come.
        let isMany = readings.count > Self.mostSubjects
        let watched = isMany ? readings.sorted { $0.subject < $1.subject }[..<Self.mostSubjects] : readings[...]
        for reading in watched { values.updateValue(reading.value, forKey: reading.subject) }
        for place in self.states.keys where place.rule == rule.name && values[place.subject] == nil {
            values.updateValue(nil, forKey: place.subject)
        }
        var found: [AlertEvent] = []
        for (subject, value) in values.sorted(by: { $0.key < $1.key }) {
            let place = Place(rule: rule.name, subject: subject)
            var state = self.states[place] ?? AlertState()
            if let change = state.observe(value, rule, now: now) {
                found.append(self.event(change, rule, subject, state.value, wallNanoseconds))
            }
            self.states[place] = state.isQuiet ? nil : state
        }
        return found
    }

    /// Lets other rules hold: one that says the same goes on, any other begins anew.
    ///
    /// - Returns: What is over because nobody watches it any more.
    mutating func replace(_ rules: [AlertRule], wallNanoseconds: Int64) -> [AlertEvent] {
        let known = Set(rules)
        var over: [AlertEvent] = []
        for rule in self.rules where !known.contains(rule) {
            for (place, state) in self.states where place.rule == rule.name {
                self.states[place] = nil
                guard case .firing = state.phase else { continue }
                over.append(self.event(.resolved, rule, place.subject, state.value, wallNanoseconds))
            }
        }
        self.rules = rules
        return over
    }

    private mutating func event(
        _ change: AlertState.Change, _ rule: AlertRule, _ subject: String, _ value: Double?, _ wallNanoseconds: Int64
    ) -> AlertEvent {
        self.count += 1
        let event = AlertEvent(
            id: "\(self.prefix)_\(self.count)", isResolved: change == .resolved, rule: rule, subject: subject,
            value: value, wallNanoseconds: wallNanoseconds)
        self.events.append(event)
        if self.events.count > Self.remembered { self.events.removeFirst() }
        return event
    }

    /// What is on or about to be, the gravest first.
    var active: [Active] {
        let rules = Dictionary(self.rules.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        return self.states.compactMap { place, state in
            guard let rule = rules[place.rule] else { return nil }
            switch state.phase {
            case .quiet: return nil
            case .pending(let since):
                return Active(rule: rule, subject: place.subject, value: state.value, isFiring: false, since: since)
            case .firing(let since):
                return Active(rule: rule, subject: place.subject, value: state.value, isFiring: true, since: since)
            }
        }.sorted { left, right in
            if left.isFiring != right.isFiring { return left.isFiring }
            if left.rule.severity != right.rule.severity { return left.rule.severity > right.rule.severity }
            return (left.rule.name, left.subject) < (right.rule.name, right.subject)
        }
    }
}
