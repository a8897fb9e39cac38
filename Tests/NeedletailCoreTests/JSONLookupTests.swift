import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@Suite("Keys of a JSON object")
struct JSONLookupTests {
    /// Names of every length around the four bytes that are compared first, and some that begin and end alike.
    private static let names: [StaticString] = [
        "", "a", "ab", "abc", "abcd", "abce", "abcde", "abcdf", "abcdefgh", "abcdefgi", "abcdefghijkl", "abcdefghijkm",
        "abcdefghijklmnopqrstuv", "zbcd", "é", "éé", "index", "error",
    ]

    private static func view(_ text: String) throws -> JSONView { try JSONDocument(ByteBuffer(string: text)).root }

    @Test("a value is found under its key and under no other, wherever it stands", arguments: 0..<names.count)
    func each(_ wanted: Int) throws {
        let name = Self.names[wanted]
        let members = Self.names.enumerated().map { "\"\($0.element)\":\($0.offset)" }
        for shift in members.indices {
            let turned = Array(members[shift...] + members[..<shift])
            #expect(try Self.view("{\(turned.joined(separator: ","))}")[name]?.int == wanted)
            let others = turned.filter { $0 != members[wanted] }
            #expect(try Self.view("{\(others.joined(separator: ", "))}")[name] == nil)
        }
        // The shortest text that there is around a key.
        #expect(try Self.view("{\"\(name)\":1}")[name]?.int == 1)
    }

    @Test("a key that is spelled with escapes is the same key, and of several the last one counts")
    func escaped() throws {
        let view = try Self.view(#"{"\u0061bcde":1,"abcdf":2,"abcdf":3,"abcd\u0066":null,"a\\b":4}"#)
        #expect(view["abcde"]?.int == 1)
        #expect(view["abcdf"]?.isNull == true && view.present("abcdf") == nil)
        #expect(view[#"a\b"#]?.int == 4 && view[#"a\\b"#] == nil)
    }

    @Test("names of what is not read are those that are not known and say something")
    func unread() throws {
        let view = try Self.view(#"{"abcd":1,"abcde":1,"abcdf":1,"abc\u0065":1,"new":1,"null":null,"empty":"","é":1}"#)
        var unread = UnreadMembers(limit: 9)
        unread.look(at: view, known: ["abcd", "abce", "abcdf", "é"], path: "p")
        #expect(unread.losses.map(\.field) == ["p.abcde", "p.new"])
    }

    @Test("a word is compared with its escapes resolved")
    func words() throws {
        let view = try Self.view(#"{"a":"response.output_text.delta","b":"text\u005fdelta","c":1,"d":""}"#)
        let first = try #require(view["a"]?.word)
        #expect(first == "response.output_text.delta" && !(first == "response.output_text.deltb"))
        #expect(!(first == "response.output_text.delta.") && !(first == ""))
        #expect(first.hasPrefix("response.") && !first.hasPrefix("responses") && first.hasSuffix(".delta"))
        #expect(!first.hasSuffix("xresponse.output_text.delta") && first.contains(UInt8(ascii: "_")))
        let second = try #require(view["b"]?.word)
        let isDelta =
            switch second {
            case "text_stop": false
            case "text_delta": true
            default: false
            }
        #expect(isDelta && second.string == "text_delta")
        #expect(view["c"]?.word == nil)
        #expect(try #require(view["d"]?.word) == "")
    }

    @Test("scalars are counted as Unicode has them")
    func scalars() {
        for text in ["", "a", "é", "e\u{301}", "😀x", "日本語", String(repeating: "ñ", count: 40)] {
            #expect(text.scalarCount == text.unicodeScalars.count)
        }
    }
}
