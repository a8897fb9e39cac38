import NeedletailCore

/// Values of keys that the schema has already judged: what is wrong has been reported and reads as absent.
extension ConfigurationNode {
    func text(_ key: String) -> String? {
        guard let text = self[key]?.scalar?.text, !text.isEmpty else { return nil }
        return text
    }

    func bool(_ key: String) -> Bool? {
        switch self.text(key) {
        case "true": true
        case "false": false
        default: nil
        }
    }

    func int(_ key: String) -> Int? { self.text(key).flatMap { Int($0) } }
    func double(_ key: String) -> Double? { self.text(key).flatMap { Double($0) } }
    func duration(_ key: String) -> Duration? { self.text(key).flatMap { DurationText.parse($0) } }
    func money(_ key: String) -> Money? { self.text(key).flatMap { Money($0) } }
    /// A fraction in millionths, cut after the sixth place.
    func millionths(_ key: String) -> Int64? { self.money(key).map { Int64(clamping: $0.picodollars / 1_000_000) } }
    func url(_ key: String) -> HTTPURL? { self.text(key).flatMap { HTTPURL($0) } }

    /// The texts of a list.
    func texts(_ key: String) -> [String]? {
        guard let node = self[key], case .sequence(let elements) = node.content else { return nil }
        return elements.compactMap { $0.scalar?.text }
    }

    /// The texts of a list, or one text.
    func oneOrMore(_ key: String) -> [String] {
        self.texts(key) ?? self.text(key).map { [$0] } ?? []
    }

    /// Whether the item is switched on, which it is unless it says otherwise.
    var isEnabled: Bool { self.bool("enabled") ?? true }
}

/// Puts a value in its place where there is one.
func assign<Value>(_ value: Value?, to place: inout Value) {
    if let value { place = value }
}
