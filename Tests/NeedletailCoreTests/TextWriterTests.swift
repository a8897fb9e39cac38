import NIOCore
import Testing

@testable import NeedletailCore

@Suite("Text of pieces")
struct TextWriterTests {
    private enum Refused: Error { case it }

    @Test("Pieces stand one behind the other, whatever room the buffer has", arguments: [0, 1, 15, 16, 64, 4096])
    func pieces(_ capacity: Int) {
        var buffer = ByteBufferAllocator().buffer(capacity: capacity)
        buffer.writeString("before ")
        let long = String(repeating: "ü", count: 100)
        buffer.writeText { text in
            text.write("static")
            text.write("")
            text.write(long)
            text.write(UInt8(ascii: " "))
            text.write(decimal: 0)
            text.write(decimal: 1_234_567_890)
        }
        #expect(String(buffer: buffer) == "before static\(long) 01234567890")
    }

    @Test("Bytes that a slice shares stay as they were")
    func shared() {
        let original = ByteBuffer(string: "abcdef")
        var slice = original
        slice.moveWriterIndex(to: 3)
        slice.writeText { $0.write("XYZ") }
        #expect(String(buffer: slice) == "abcXYZ")
        #expect(String(buffer: original) == "abcdef")
    }

    @Test("What is refused leaves the buffer as it was")
    func refused() {
        var buffer = ByteBuffer(string: "kept")
        #expect(throws: Refused.it) {
            try buffer.writeText { (text) throws(Refused) in
                text.write("lost")
                throw .it
            }
        }
        #expect(String(buffer: buffer) == "kept")
    }

    @Test(
        "Names are compared with letters in any case, bit 6 of nothing else",
        arguments: [
            ("Content-Length", "content-length", true), ("content-lengt", "content-length", false),
            ("HOST", "host", true), ("h\u{4F}st", "host", true), ("@", "`", false), ("[", "{", false),
        ])
    func names(_ text: String, _ lower: String, _ isSame: Bool) {
        #expect(FieldText.equals(text, lower: lower) == isSame)
    }

    @Test(
        "Control characters but the tab are found",
        arguments: [
            ("", false), ("plain \t text ü", false), ("a\rb", true), ("\u{0}", true), ("end\u{7F}", true),
            ("\u{1F}", true),
        ])
    func controls(_ text: String, _ expected: Bool) {
        #expect(FieldText.hasControl(text) == expected)
    }
}
