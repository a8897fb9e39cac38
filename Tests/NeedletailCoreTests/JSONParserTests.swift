import NIOCore
import Testing

@testable import NeedletailCore

@Suite("JSON parser and view")
struct JSONParserTests {
    @Test("reads all kinds of values, in order and as spelled")
    func kinds() throws {
        let text = #" {"s":"a\u00e9\n","n":-0.10e+05,"t":true,"f":false,"z":null,"a":[1,[],{}],"s":"last"} "#
        let root = try JSONDocument(ByteBuffer(string: text)).root
        #expect(root.kind == .object)
        #expect(root.members.map(\.key) == ["s", "n", "t", "f", "z", "a", "s"])
        #expect(root["s"]?.string == "last")
        #expect(root.members.map(\.value).first?.string == "aé\n")
        #expect(root["n"]?.number?.description == "-0.10e+05")
        #expect(root["n"]?.double == -10_000 && root["n"]?.int == -10_000)
        #expect(root["t"]?.bool == true && root["f"]?.bool == false && root["z"]?.isNull == true)
        #expect(root.present("z") == nil && root["none"] == nil)
        #expect(root["a"]?.elements.map(\.kind) == [.number, .array, .object])
        #expect(root["a"]?.text.description == "[1,[],{}]")
        #expect(root["a"]?["x"] == nil && root["s"]?.elements.map(\.kind) == [])
    }

    @Test("finds a key whatever its spelling")
    func escapedKeys() throws {
        let root = try JSONDocument(ByteBuffer(string: #"{"a":1,"\u0061":2}"#)).root
        #expect(root["a"]?.int == 2)
    }

    @Test(
        "keeps numbers that no machine type holds",
        arguments: ["123456789012345678901234567890", "0.1000000000000000055511151231257827", "1e99999", "-0", "-0.0"]
    )
    func oddNumbers(_ spelled: String) throws {
        let view = try JSONDocument(ByteBuffer(string: spelled)).root
        #expect(view.number?.description == spelled)
    }

    @Test(
        "resolves escapes, a lone surrogate to U+FFFD",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\ud83e\uDEA1""#, "🪡"), (#""\ud83e""#, "\u{FFFD}"),
            (#""\udea1x""#, "\u{FFFD}x"), (#""\ud83e\n""#, "\u{FFFD}\n"), (#""\ud83e\u0041""#, "\u{FFFD}A"),
            (#""\ud83e\ud83e\udea1""#, "\u{FFFD}🪡"), (#""\u0000""#, "\0"),
            (#""a long plain part before é\u00e9 and after""#, "a long plain part before éé and after"),
        ]
    )
    func escapes(_ text: String, _ expected: String) throws {
        let found = try JSONDocument(ByteBuffer(string: text)).root.string
        #expect(found.map { Array($0.utf8) } == Array(expected.utf8))
    }

    @Test("refuses every prefix and says an offset inside it")
    func prefixes() throws {
        let text = #"{"key":[1.5e3,"é\u00e9🪡 and sixteen plain bytes",true,null,{"a":{}}],"b":[]}"#
        let units = Array(text.utf8)
        _ = try JSONDocument(ByteBuffer(bytes: units))
        for length in 0..<units.count {
            let error = #expect(throws: JSONError.self, "\(length)") {
                try JSONDocument(ByteBuffer(bytes: units[..<length]))
            }
            #expect((0...length).contains(error?.offset ?? -1))
        }
    }

    @Test(
        "says what is wrong and where",
        arguments: [
            ("", JSONError(.empty, at: 0)), (" \n", JSONError(.empty, at: 2)),
            ("[1,]", JSONError(.unexpectedByte, at: 3)),
            ("{\"a\" 1}", JSONError(.unexpectedByte, at: 5)), ("1 2", JSONError(.trailingBytes, at: 2)),
            ("[1}", JSONError(.unexpectedByte, at: 2)), ("{\"a\":1]", JSONError(.unexpectedByte, at: 6)),
            ("\"\\x\"", JSONError(.invalidEscape, at: 1)), ("\"\\u12g4\"", JSONError(.invalidEscape, at: 1)),
            ("\"a\tb\"", JSONError(.controlCharacter, at: 2)), ("01", JSONError(.trailingBytes, at: 1)),
            ("-", JSONError(.invalidNumber, at: 0)), ("[1.]", JSONError(.invalidNumber, at: 1)),
            ("tru", JSONError(.unexpectedByte, at: 0)), ("{,}", JSONError(.unexpectedByte, at: 1)),
        ]
    )
    func errors(_ text: String, _ expected: JSONError) {
        let error = #expect(throws: JSONError.self) { try JSONDocument(ByteBuffer(string: text)) }
        #expect(error == expected)
    }

    @Test("agrees with the standard library on which byte sequences are UTF-8, wherever they stand")
    func utf8() {
        // All two-byte and the edges of longer sequences, at the end of the text and before more of it.
        let edges: [UInt8] = [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
        for first in UInt8(0x80)...0xFF {
            for second in edges {
                for third in edges {
                    for tail: [UInt8] in [[], [0x80], [0xBF, 0x41]] {
                        let units = ([first, second, third] + tail).filter { $0 != 0 }
                        let isValid = String(validating: units, as: UTF8.self) != nil
                        for padding in [0, 20] {
                            let text = [0x22] + units + [UInt8](repeating: 0x41, count: padding) + [0x22]
                            let accepts = (try? JSONDocument(ByteBuffer(bytes: text))) != nil
                            #expect(accepts == isValid, "\(units)")
                        }
                    }
                }
            }
        }
    }

    @Test("finds a special byte at any place of a long string", arguments: 0..<180)
    func places(_ place: Int) throws {
        for (unit, reason): (UInt8, JSONError.Reason) in [
            (0x1F, .controlCharacter), (0x00, .controlCharacter), (0x80, .invalidUTF8), (0xFF, .invalidUTF8),
        ] {
            var text = [UInt8](repeating: 0x7F, count: 182)
            text[0] = 0x22
            text[181] = 0x22
            text[place + 1] = unit
            let error = #expect(throws: JSONError.self) { try JSONDocument(ByteBuffer(bytes: text)) }
            #expect(error == JSONError(reason, at: place + 1))
        }
        let text = "\"" + String(repeating: "a", count: place) + "\""
        #expect(try JSONDocument(ByteBuffer(string: text)).root.range == 0..<(place + 2))
    }

    @Test("bounds the depth", arguments: ["[", #"{"a":"#])
    func depth(_ opener: String) throws {
        func text(_ depth: Int) -> ByteBuffer {
            let closer = opener == "[" ? "]" : "}"
            return ByteBuffer(
                string: String(repeating: opener, count: depth) + "1" + String(repeating: closer, count: depth))
        }
        var view = try JSONDocument(text(JSONScanner.maximumDepth)).root
        var depth = 0
        while let inner = view.elements.first(where: { _ in true }) ?? view["a"] { (view, depth) = (inner, depth + 1) }
        #expect(depth == JSONScanner.maximumDepth && view.int == 1)
        let error = #expect(throws: JSONError.self) { try JSONDocument(text(JSONScanner.maximumDepth + 1)) }
        #expect(error?.reason == .tooDeep)
        let open = ByteBuffer(string: String(repeating: opener, count: 200_000))
        #expect(throws: JSONError.self) { try JSONDocument(open) }
    }

    @Test("closes mixed nesting across the 64 levels of a word")
    func mixedNesting() throws {
        var generator = SeededGenerator(seed: 7)
        for depth in [1, 63, 64, 65, 127, 128, 129, 300] {
            var text = "0"
            var broken = "0"
            for level in 0..<depth {
                let isObject = Bool.random(using: &generator)
                text = isObject ? "{\"k\":\(text),\"l\":[]}" : "[\(text),{}]"
                let flips = level == depth / 2
                broken = isObject ? "{\"k\":\(broken)\(flips ? "]" : "}")" : "[\(broken)\(flips ? "}" : "]")"
            }
            #expect(throws: Never.self, "\(depth)") { try JSONDocument(ByteBuffer(string: text)) }
            #expect(throws: JSONError.self, "\(depth)") { try JSONDocument(ByteBuffer(string: broken)) }
        }
    }

    @Test("takes a 5 MB string, and 200,000 members, in linear time")
    func large() throws {
        let plain = String(repeating: "0123456789abcdef\\n", count: 300_000)
        let view = try JSONDocument(ByteBuffer(string: "\"\(plain)\"")).root
        #expect(view.string?.utf8.count == 300_000 * 17)
        let members = (0..<200_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let root = try JSONDocument(ByteBuffer(string: "{\(members)}")).root
        #expect(root["k199999"]?.int == 199_999)
        #expect(root.members.reduce(0) { count, _ in count + 1 } == 200_000)
    }

    @Test("reads a document that does not start at the buffer's first byte")
    func readerIndex() throws {
        var bytes = ByteBuffer(string: #"xx{"a":"b\n","c":[1]}"#)
        bytes.moveReaderIndex(forwardBy: 2)
        let root = try JSONDocument(bytes).root
        #expect(root["a"]?.string == "b\n" && root["c"]?.text.description == "[1]")
        #expect(root["c"]?.range == 15..<18)
    }
}
