/// Changes made while the gateway runs, on top of what the file says: at most one per provider or group.
///
/// An overlay is applied to the tree of the file before the tree is checked, so that a change passes the same checks as
/// a file does and every fault of it is found.
struct ConfigurationOverlay: Sendable {
    /// What can be changed.
    enum Section: String, CaseIterable, Sendable {
        case providers
        case models
        /// The group for names that nobody else knows; it has no name of its own.
        case `default`
    }

    /// One thing that can be changed.
    struct Subject: Hashable, Comparable, Sendable, CustomStringConvertible {
        var section: Section
        var name: String

        static func < (left: Self, right: Self) -> Bool { left.description < right.description }

        /// `providers/main`, `default`.
        var description: String {
            self.section == .default ? self.section.rawValue : "\(self.section.rawValue)/\(self.name)"
        }
    }

    /// What becomes of it.
    enum Effect: Sendable {
        /// It is this, whatever the file says.
        case replaced(ConfigurationNode)
        /// It is what the file says, with these members put over it.
        case merged(ConfigurationNode)
        /// It is not there.
        case removed

        /// The word for it.
        var name: String {
            switch self {
            case .replaced: "replaced"
            case .merged: "changed"
            case .removed: "removed"
            }
        }
    }

    /// A change.
    struct Change: Sendable {
        var effect: Effect
        /// The admin key's name.
        var author: String
        /// When, in seconds since 1970.
        var time: Int64
    }

    /// How many subjects may be changed: beyond it the file is the place.
    static let capacity = 1000

    private(set) var changes: [Subject: Change] = [:]

    /// What is changed, in order.
    var subjects: [Subject] { self.changes.keys.sorted() }

    /// Puts a change in the place of earlier ones of its subject.
    mutating func set(_ effect: Effect, of subject: Subject, by author: String, at time: Int64) {
        self.changes[subject] = Change(effect: effect, author: author, time: time)
    }

    /// Puts members over what the file, or an earlier change, says.
    mutating func merge(_ patch: ConfigurationNode, into subject: Subject, by author: String, at time: Int64) {
        let effect: Effect =
            switch self.changes[subject]?.effect {
            case .replaced(let node): .replaced(node.merging(patch))
            // Members to be taken out of the file's must stay in the patch.
            case .merged(let node): .merged(node.merging(patch, keepsNulls: true))
            case .removed, nil: .merged(patch)
            }
        self.set(effect, of: subject, by: author, at: time)
    }

    /// Returns a subject to what the file says.
    mutating func revert(_ subject: Subject) {
        self.changes[subject] = nil
    }

    /// Whether a provider is changed.
    var changesProviders: Bool { self.changes.keys.contains { $0.section == .providers } }

    /// The tree with all changes.
    func applied(to root: ConfigurationNode) -> ConfigurationNode {
        var root = root
        for subject in self.subjects {
            guard let change = self.changes[subject] else { continue }
            root = Self.apply(change.effect, to: subject, in: root)
        }
        return root
    }

    private static func apply(
        _ effect: Effect, to subject: Subject, in root: ConfigurationNode
    ) -> ConfigurationNode {
        let section = subject.section == .default ? root : root[subject.section.rawValue] ?? .emptyMapping
        let key = subject.section == .default ? subject.section.rawValue : subject.name
        let changed =
            switch effect {
            case .replaced(let node): section.setting(key, to: node)
            case .merged(let patch): section.setting(key, to: (section[key] ?? .emptyMapping).merging(patch))
            case .removed: section.setting(key, to: nil)
            }
        return subject.section == .default ? changed : root.setting(subject.section.rawValue, to: changed)
    }

    /// The overlay for another tree: a change to what is not there any more, or a removal of it, goes with it.
    func fitted(to root: ConfigurationNode) -> (overlay: Self, dropped: [Subject]) {
        var fitted = self
        let dropped = self.subjects.filter { subject in
            switch self.changes[subject]?.effect {
            case .merged, .removed: root.subject(subject) == nil
            case .replaced, nil: false
            }
        }
        for subject in dropped { fitted.revert(subject) }
        return (fitted, dropped)
    }
}

extension ConfigurationNode {
    /// What a tree says of a subject.
    func subject(_ subject: ConfigurationOverlay.Subject) -> ConfigurationNode? {
        subject.section == .default
            ? self[subject.section.rawValue] : self[subject.section.rawValue]?[subject.name]
    }
}
