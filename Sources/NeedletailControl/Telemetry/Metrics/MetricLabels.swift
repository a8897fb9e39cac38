/// The labels of a series, as they are written: `provider="main",model="gpt-4o"`.
struct MetricLabels: Hashable, Sendable {
    /// The text between the braces.
    let text: String
    /// The pairs it was made of.
    let pairs: [Pair]

    /// A label.
    struct Pair: Hashable, Sendable {
        var name: String
        var value: String
    }

    /// No label.
    static let none = Self([:])

    /// Values longer than this are cut: they may be a client's.
    private static let longestValue = 200

    init(_ labels: KeyValuePairs<String, String>) {
        self.init(labels.map { Pair(name: $0.key, value: $0.value) })
    }

    init(_ pairs: [Pair]) {
        self.pairs = pairs.map { Pair(name: $0.name, value: String($0.value.prefix(Self.longestValue))) }
        self.text = self.pairs.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
    }

    /// As the [text format](https://prometheus.io/docs/instrumenting/exposition_formats/) asks.
    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C || $0 < 0x20 }) else { return value }
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            case _ where scalar.value < 0x20: text += " "
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
