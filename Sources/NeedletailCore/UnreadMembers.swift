/// Names the members of a stream's events that its decoder does not read, so that no translation loses them in silence.
///
/// Off unless somebody asks, and then one pass over the keys of an event. A name is told once.
public struct UnreadMembers: Sendable {
    /// As many names as a line of the log shows; a lying server cannot make the list grow.
    public static let usualLimit = 32

    /// The names, in the words of the dialect that is read: `choices.delta.foo`.
    public private(set) var losses: [Loss] = []
    private var room: Int

    /// Creates a list that notes nothing.
    public init() { self.room = 0 }

    /// Creates a list of at most `limit` names.
    public init(limit: Int) { self.room = limit }

    /// Whether anything more is noted.
    public var isOpen: Bool { self.room > 0 }

    /// Notes the members of `object` that are not `known` and say something: neither `null` nor empty.
    ///
    /// - Parameter path: Where the object is, without indices; empty for an event itself.
    public mutating func look(at object: JSONView, known: [StaticString], path: @autoclosure () -> String) {
        guard self.isOpen else { return }
        object.forEachMember(except: known) { self.add(path(), $0.key) }
    }

    /// Notes fields that a reader of whole values has kept because it knows no place for them.
    public mutating func add(_ fields: [Extension]) {
        for field in fields where !field.isRead { self.add(field.path) }
    }

    /// Notes a field by its name.
    public mutating func add(_ name: String) {
        guard self.isOpen, !self.losses.contains(where: { $0.field == name }) else { return }
        self.losses.append(Loss(name, "no dialect has such a member"))
        self.room -= 1
    }

    private mutating func add(_ path: String, _ key: String) { self.add(path.isEmpty ? key : "\(path).\(key)") }
}
