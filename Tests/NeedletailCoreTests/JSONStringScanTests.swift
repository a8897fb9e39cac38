import NeedletailCore
import Testing

/// The string scanner looks at many bytes at once; here it is held against a reading of one byte after another.
@Suite("JSON strings, scanned")
struct JSONStringScanTests {
    /// What a scan says.
    private enum Verdict: Equatable {
        case string(end: Int, hasEscapes: Bool)
        case fault(JSONError)
    }

    private static func scanned(_ units: [UInt8], _ start: Int) -> Verdict {
        do throws(JSONError) {
            let string = try JSONScanner.string(units.span, start)
            return .string(end: string.end, hasEscapes: string.hasEscapes)
        } catch {
            return .fault(error)
        }
    }

    /// RFC 8259, section 7, read literally.
    private static func read(_ units: [UInt8], _ start: Int) -> Verdict {
        var index = start + 1
        var hasEscapes = false
        while index < units.count {
            switch units[index] {
            case UInt8(ascii: "\""): return .string(end: index + 1, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                guard index + 1 < units.count else { return .fault(JSONError(.unexpectedEnd, at: index)) }
                guard units[index + 1] == UInt8(ascii: "u") else {
                    guard #""\/bfnrt"#.utf8.contains(units[index + 1]) else {
                        return .fault(JSONError(.invalidEscape, at: index))
                    }
                    index += 2
                    continue
                }
                guard index + 6 <= units.count else { return .fault(JSONError(.unexpectedEnd, at: index)) }
                guard units[(index + 2)..<(index + 6)].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
                    return .fault(JSONError(.invalidEscape, at: index))
                }
                index += 6
            case 0..<0x20: return .fault(JSONError(.controlCharacter, at: index))
            case 0x20..<0x80: index += 1
            default:
                let length = (2...4).first {
                    index + $0 <= units.count && String(validating: units[index..<(index + $0)], as: UTF8.self) != nil
                }
                guard let length else { return .fault(JSONError(.invalidUTF8, at: index)) }
                index += length
            }
        }
        return .fault(JSONError(.unexpectedEnd, at: index))
    }

    private static let common = ["\\n", "\\\"", "\\\\", "n", "x", "plain text, longer than a vector"]
    private static let rare = [
        "\\t", "\\r", "\\b", "\\f", "\\/", "\\u00e9", "\\uD83e", "é", "档", "🪡", "\u{7F}", "/", "u", "\"", "\\",
        "\\x", "\\u12", "\\N", "\u{1}", "\n", "\\é", "\\\n",
    ]
    private static let malformed: [[UInt8]] = [[0x80], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF]]

    @Test("says the same as a reading byte by byte", arguments: UInt64(0)..<40)
    func random(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var whole = 0
        var faulty = 0
        for _ in 0..<500 {
            // What stands before the string must not matter.
            var units = [UInt8](repeating: UInt8(ascii: "\\"), count: Int.random(in: 0..<3, using: &generator))
            let start = units.count
            units.append(UInt8(ascii: "\""))
            let rarity = Int.random(in: 4...200, using: &generator)
            for _ in 0..<Int.random(in: 0..<60, using: &generator) {
                switch Int.random(in: 0..<rarity, using: &generator) {
                case 0: units += Self.malformed.randomElement(using: &generator) ?? []
                case 1, 2: units += Array((Self.rare.randomElement(using: &generator) ?? "").utf8)
                default: units += Array((Self.common.randomElement(using: &generator) ?? "").utf8)
                }
            }
            if Int.random(in: 0..<4, using: &generator) > 0 { units.append(UInt8(ascii: "\"")) }
            let after = UInt8(ascii: [",", "\"", "\\"].randomElement(using: &generator) ?? ",")
            units += Array(repeating: after, count: Int.random(in: 0..<20, using: &generator))
            let expected = Self.read(units, start)
            if case .string = expected { whole += 1 } else { faulty += 1 }
            #expect(
                Self.scanned(units, start) == expected,
                "seed \(seed): \(String(decoding: units, as: UTF8.self)) \(units)")
        }
        #expect(whole > 50 && faulty > 50, "seed \(seed): \(whole) \(faulty)")
    }

    @Test(
        "takes an escape at any place",
        arguments: [
            "\\n", "\\\"", "\\\\", "\\\\n", "\\\\\\\"", "\\n\\n", "\\\"n", "\\t", "\\u0041", "\\", "\\\\\"", "\\q",
        ])
    func places(_ escape: String) {
        for before in 0..<200 {
            for opening in ["", "\\n"] {
                let text = "\"" + opening + String(repeating: "n", count: before) + escape
                for ending in ["", "\"", "n\"", String(repeating: "-", count: 40) + "\"", "\\\\\"   "] {
                    let units = Array((text + ending).utf8)
                    #expect(Self.scanned(units, 0) == Self.read(units, 0), "\(text + ending)")
                }
            }
        }
    }
}
