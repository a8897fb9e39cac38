import NIOCore
import NeedletailCore
import Testing

@Suite("JSON writer")
struct JSONWriterTests {
    @Test("puts commas and quotes in their places")
    func structure() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("a")
        writer.beginArray()
        writer.int(-1)
        writer.bool(true)
        writer.null()
        writer.beginObject()
        writer.endObject()
        writer.endArray()
        writer.member("s", "x")
        writer.member("none", nil as String?)
        writer.member("n", Int.min)
        writer.member("f", false)
        writer.member("r", JSONText(unchecked: "1.50"))
        writer.key("odd \"key\"")
        writer.int(UInt64.max)
        writer.endObject()
        let expected =
            #"{"a":[-1,true,null,{}],"s":"x","n":-9223372036854775808,"f":false,"r":1.50,"#
            + #""odd \"key\"":18446744073709551615}"#
        #expect(String(buffer: writer.bytes) == expected)
    }

    @Test(
        "whole numbers are written digit by digit",
        arguments: [0, 9, 10, 99, 100, 4_294_967_295, 4_294_967_296, -1, .max, .min] as [Int])
    func numbers(_ number: Int) {
        var writer = JSONWriter()
        writer.int(number)
        #expect(String(buffer: writer.bytes) == String(number))
    }

    @Test("what is appended to a buffer with room is not copied")
    func append() throws {
        var out = ByteBuffer()
        out.reserveCapacity(4096)
        func place() -> UInt { unsafe out.withVeryUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
        let before = place()
        for _ in 0..<8 {
            JSONWriter.append(to: &out, isOneLine: true) { $0.string("x") }
            try JSONWriter.append(to: &out) { json throws(NeedletailError) in json.int(1) }
            out.writeStaticString("\n")
        }
        #expect(place() == before)
        #expect(String(buffer: out) == String(repeating: "\"x\"1\n", count: 8))
        #expect(throws: NeedletailError.self) {
            try JSONWriter.append(to: &out) { json throws(NeedletailError) in
                json.int(2)
                throw NeedletailError(.internalFailure, "")
            }
        }
        #expect(out.readableBytes == 41)
    }

    @Test("a value as it was spelled comes on one line where that is asked for")
    func lines() {
        var writer = JSONWriter()
        writer.raw(JSONText(unchecked: "[\n]"))
        #expect(String(buffer: writer.bytes) == "[\n]")
        writer = JSONWriter()
        writer.isOneLine = true
        writer.raw(JSONText(unchecked: "{\r\n  \"a\": [1,\n2]\n}"))
        #expect(String(buffer: writer.bytes) == "{    \"a\": [1, 2] }")
    }

    @Test("escapes each byte that must be escaped, at any place, and no other", arguments: 0..<40)
    func escaping(_ place: Int) throws {
        let before = String(repeating: "a", count: place)
        for value in UInt8(0)..<0x80 {
            let text = before + String(Unicode.Scalar(value)) + "é"
            var writer = JSONWriter()
            writer.string(text)
            let written = String(buffer: writer.bytes)
            let isEscaped = value < 0x20 || value == 0x22 || value == 0x5C
            #expect(written.contains("\\") == isEscaped)
            #expect(try JSONDocument(writer.bytes).root.string.map { Array($0.utf8) } == Array(text.utf8))
        }
    }

    @Test("spells escapes as every parser knows them")
    func spelling() {
        var writer = JSONWriter()
        writer.string("\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}\u{2028}")
        #expect(String(buffer: writer.bytes) == #""\"\\/\b\f\n\r\t\u0000\u001f"# + "\u{7F}\u{2028}\"")
    }

    @Test("appends to a buffer and keeps what is in it, also when it fails")
    func appending() throws {
        var out = ByteBuffer(string: "data: ")
        try JSONWriter.append(to: &out) { writer in writer.string("é") }
        #expect(String(buffer: out) == #"data: "é""#)
        #expect(throws: NeedletailError.self) {
            try JSONWriter.append(to: &out) { (writer: inout JSONWriter) throws(NeedletailError) in
                throw NeedletailError(.invalidRequest, "no")
            }
        }
        #expect(String(buffer: out) == #"data: "é""#)
    }

    @Test("checks text that is said to be JSON")
    func text() throws {
        #expect(try JSONText(" [1, 2.0] ").description == "[1, 2.0]")
        #expect(throws: JSONError.self) { try JSONText("[1") }
        #expect(JSONText(string: "a\"").description == #""a\"""#)
        #expect(JSONText(-5).description == "-5")
    }
}
