/// What a part of a form says that it is (`name` of its `content-disposition`, RFC 7578, section 4.2), read as loosely as
/// servers read it: quoted or not, in any case, with any space around.
struct PartName {
    /// The name; empty where none is said.
    let text: String

    /// - Parameter header: The part's header lines.
    init(header: String) {
        self.text = header.split(whereSeparator: \.isNewline).lazy.compactMap { Self.name(in: $0) }.first ?? ""
    }

    private static func name(in line: Substring) -> String? {
        guard let colon = line.firstIndex(of: ":"),
            Self.trimmed(line[..<colon]).lowercased() == "content-disposition"
        else { return nil }
        var rest = line[line.index(after: colon)...]
        while let parameter = Self.next(&rest) {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, Self.trimmed(pair[0]).lowercased() == "name" else { continue }
            return Self.unquoted(Self.trimmed(pair[1]))
        }
        return nil
    }

    /// What stands before the next semicolon that no quotes are around; `nil` at the end.
    private static func next(_ rest: inout Substring) -> Substring? {
        guard !rest.isEmpty else { return nil }
        var (isQuoted, isEscaped) = (false, false)
        let end = rest.firstIndex { letter in
            defer { isEscaped = isQuoted && letter == "\\" && !isEscaped }
            if letter == "\"", !isEscaped { isQuoted.toggle() }
            return letter == ";" && !isQuoted
        }
        defer { rest = end.map { rest[rest.index(after: $0)...] } ?? "" }
        return rest[..<(end ?? rest.endIndex)]
    }

    private static func unquoted(_ value: Substring) -> String {
        guard value.count >= 2, value.first == "\"", value.last == "\"" else { return String(value) }
        var text = ""
        var isEscaped = false
        for letter in value.dropFirst().dropLast() {
            if letter == "\\", !isEscaped {
                isEscaped = true
                continue
            }
            isEscaped = false
            text.append(letter)
        }
        return text
    }

    static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
