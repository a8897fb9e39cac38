/// A random JSON value, and its text with random white space and escapes.
indirect enum RandomJSON: Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case double(String)
    case string(String)
    case array([RandomJSON])
    case object([(String, RandomJSON)])

    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.string(let left), .string(let right)): Array(left.unicodeScalars) == Array(right.unicodeScalars)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
        default: false
        }
    }

    static func random(_ generator: inout SeededGenerator, depth: Int = 0) -> Self {
        switch Int.random(in: 0..<(depth > 5 ? 5 : 8), using: &generator) {
        case 0: .null
        case 1: .bool(.random(using: &generator))
        case 2:
            .int(
                Bool.random(using: &generator)
                    ? .random(in: -99...99, using: &generator) : Int(truncatingIfNeeded: generator.next()))
        case 3: .double(Self.number(&generator))
        case 4: .string(Self.string(&generator))
        case 5, 6:
            .object(
                (0..<Int.random(in: 0..<6, using: &generator)).map { index in
                    ("\(index)" + Self.string(&generator), Self.random(&generator, depth: depth + 1))
                })
        default:
            .array(
                (0..<Int.random(in: 0..<6, using: &generator)).map { _ in Self.random(&generator, depth: depth + 1) })
        }
    }

    private static func number(_ generator: inout SeededGenerator) -> String {
        let whole = Int.random(in: -999...999, using: &generator)
        let fraction = Int.random(in: 0...99999, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: return "\(whole).\(fraction)"
        case 1: return "\(whole)e\(Int.random(in: -9...9, using: &generator))"
        default: return "\(whole).\(fraction)E+\(Int.random(in: 0...9, using: &generator))"
        }
    }

    static func string(_ generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<40, using: &generator) {
            switch Int.random(in: 0..<12, using: &generator) {
            case 0: text.unicodeScalars.append(Unicode.Scalar(UInt8.random(in: 0..<0x20, using: &generator)))
            case 1: text += ["\"", "\\", "/", "\u{7F}"].randomElement(using: &generator) ?? ""
            case 2:
                let value = UInt32.random(in: 0x80...0x10FFFF, using: &generator)
                text.unicodeScalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
            case 3: text += ["é", "档", "🪡", "\u{2028}"].randomElement(using: &generator) ?? ""
            default: text.unicodeScalars.append(Unicode.Scalar(UInt8.random(in: 0x20..<0x7F, using: &generator)))
            }
        }
        return text
    }

    /// The value as JSON in one of its many spellings.
    func spelled(_ generator: inout SeededGenerator) -> String {
        func space() -> String { ["", "", "", " ", "\n", "\t \r\n"].randomElement(using: &generator) ?? "" }
        switch self {
        case .null: return "null"
        case .bool(let bool): return bool ? "true" : "false"
        case .int(let int): return "\(int)"
        case .double(let text): return text
        case .string(let text): return Self.quoted(text, &generator)
        case .array(let elements):
            let texts = elements.map { space() + $0.spelled(&generator) + space() }
            return "[" + (texts.isEmpty ? space() : texts.joined(separator: ",")) + "]"
        case .object(let members):
            let texts = members.map {
                space() + Self.quoted($0.0, &generator) + space() + ":" + space() + $0.1.spelled(&generator) + space()
            }
            return "{" + (texts.isEmpty ? space() : texts.joined(separator: ",")) + "}"
        }
    }

    private static func quoted(_ text: String, _ generator: inout SeededGenerator) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || Int.random(in: 0..<10, using: &generator) == 0 {
                for unit in String(scalar).utf16 {
                    let hex = String(unit, radix: 16, uppercase: .random(using: &generator))
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                }
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
