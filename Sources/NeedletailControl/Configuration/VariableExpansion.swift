/// Expands `${NAME}` and `${NAME:-default}` in a text. `$${` stands for `${`.
struct VariableExpansion {
    /// Why a text cannot be expanded.
    enum Failure: Error, Equatable {
        case unset(String)
        case unfinished
        case badName(String)
    }

    let environment: [String: String]

    /// The text with every variable replaced; the second value says whether there was one.
    func expand(_ text: String) throws(Failure) -> (text: String, changed: Bool) {
        guard text.contains("${") else { return (text, false) }
        var out = ""
        var rest = text[...]
        var changed = false
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                out += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else { throw .unfinished }
                out += try self.value(of: rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
                rest = rest[rest.index(after: end)...]
                changed = true
            } else {
                out += "$"
                rest = rest.dropFirst()
            }
        }
        out += rest
        return (out, changed)
    }

    private func value(of inner: Substring) throws(Failure) -> String {
        var name = inner
        var fallback: Substring?
        if let colon = inner.firstIndex(of: ":") {
            name = inner[..<colon]
            let after = inner[inner.index(after: colon)...]
            guard after.hasPrefix("-") else { throw .badName(String(inner)) }
            fallback = after.dropFirst()
        }
        guard Self.isName(name) else { throw .badName(String(inner)) }
        if let value = self.environment[String(name)], !value.isEmpty || fallback == nil { return value }
        guard let fallback else { throw .unset(String(name)) }
        return String(fallback)
    }

    /// Whether `name` can be the name of an environment variable.
    static func isName(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            byte == 95 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
    }
}
