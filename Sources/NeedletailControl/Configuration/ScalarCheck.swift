import NeedletailCore

/// Judges single values.
struct ScalarCheck {
    let types: [String]

    /// What is wrong with a value and what to write, or `nil` when it is right.
    ///
    /// A value is quoted as it stands in the file, never with its variables expanded.
    func problem(_ scalar: ConfigurationNode.Scalar, _ kind: SchemaKind) -> (problem: String, remedy: String?)? {
        let text = scalar.text
        let shown = scalar.raw.count > 60 ? "\(scalar.raw.prefix(60))…" : scalar.raw
        let isNumeric = Double(text) != nil
        switch kind {
        case .string, .secret, .header:
            if text.isEmpty { return ("is empty", nil) }
            let isWord = text == "true" || text == "false"
            if isWord, !scalar.isQuoted { return ("is a boolean", "put it in quotes if it is a text") }
            if case .string = kind { return nil }
            let isPrintable = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            return isPrintable ? nil : ("holds a line break or control character", nil)
        case .name:
            return Self.isName(text) ? nil : ("'\(shown)' is no name", nil)
        case .boolean:
            return scalar.isTyped && (text == "true" || text == "false") ? nil : ("'\(shown)' is not a boolean", nil)
        case .integer(let range):
            guard scalar.isTyped else { return ("'\(shown)' is a string", "write the number without quotes") }
            guard let value = Int(text) else { return ("'\(shown)' is not a whole number", nil) }
            return range.contains(value) ? nil : ("\(shown) is out of range", nil)
        case .number(let range):
            guard scalar.isTyped else { return ("'\(shown)' is a string", "write the number without quotes") }
            guard let value = Double(text), value.isFinite else { return ("'\(shown)' is not a number", nil) }
            return range.contains(value) ? nil : ("\(shown) is out of range", nil)
        case .duration(let allowsZero):
            if let value = DurationText.parse(text) {
                return value > .zero || allowsZero ? nil : ("must be longer than nothing", nil)
            }
            guard isNumeric, !text.hasPrefix("-"), !scalar.isExpanded else {
                return ("'\(shown)' is not a duration", nil)
            }
            return ("\(shown) has no unit", "write \(shown)s for seconds or \(shown)ms for milliseconds")
        case .hedgeDelay: return HedgeDelayText.parse(text) != nil ? nil : ("'\(shown)' is neither", nil)
        case .size: return SizeText.parse(text) != nil ? nil : ("'\(shown)' is not a size", nil)
        case .money: return Money(text) != nil ? nil : ("'\(shown)' is not an amount of dollars", nil)
        case .address: return ListenAddress(text) != nil ? nil : ("'\(shown)' is not an address to listen on", nil)
        case .url: return Self.url(text, shown)
        case .word(let words, _):
            guard !words.contains(text) else { return nil }
            return ("has no value '\(shown)'", Self.suggestion(text, words) ?? kind.example)
        case .providerType: return self.type(text, shown)
        default: return ("is a single value", nil)
        }
    }

    private func type(_ text: String, _ shown: String) -> (problem: String, remedy: String?)? {
        guard !self.types.contains(text) else { return nil }
        let nearest = Self.suggestion(text, self.types).map { "\($0) " } ?? ""
        return (
            "is wrong: this version has no provider type '\(shown)'",
            "\(nearest)it has: \(self.types.joined(separator: ", "))"
        )
    }

    private static func suggestion(_ text: String, _ words: [String]) -> String? {
        NearestNames.nearestNames(to: text, among: words, limit: 1).first.map { "did you mean '\($0)'?" }
    }

    private static func url(_ text: String, _ shown: String) -> (problem: String, remedy: String?)? {
        do {
            _ = try HTTPURL.parse(text)
            return nil
        } catch {
            // A URL with a user may hold a password: it is not shown.
            switch error {
            case .user:
                return ("holds a user or password", "leave it out of the URL; keys go into `api_key` or `headers`")
            case .query: return ("has a query or fragment", "end the URL with its path")
            case .scheme: return text.contains("@") ? ("is not a URL", nil) : ("'\(shown)' is not a URL", nil)
            case .host, .character: return text.contains("@") ? ("is not a URL", nil) : ("'\(shown)' is not a URL", nil)
            }
        }
    }

    /// Whether `text` can name a provider or key.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128
            && text.utf8.allSatisfy { byte in
                (45...46).contains(byte) || byte == 95 || (48...57).contains(byte) || (65...90).contains(byte)
                    || (97...122).contains(byte)
            }
    }
}
