import NIOCore
import NeedletailCore
import Testing

@Suite("JSON splice")
struct JSONSpliceTests {
    private static func apply(_ text: String, _ edits: [(Range<Int>, String)]) -> String {
        var splice = JSONSplice()
        for (range, replacement) in edits { splice.replace(range, with: ByteBuffer(string: replacement)) }
        return String(buffer: splice.applied(to: ByteBuffer(string: text)))
    }

    @Test("edits what it is told and leaves the rest")
    func edits() {
        #expect(Self.apply("0123456789", []) == "0123456789")
        #expect(Self.apply("0123456789", [(2..<4, "ab")]) == "01ab456789")
        #expect(Self.apply("0123456789", [(8..<10, ""), (0..<1, "start")]) == "start1234567")
        #expect(Self.apply("0123456789", [(3..<3, "x")]) == "012x3456789")
        #expect(Self.apply("0123456789", [(10..<10, "end")]) == "0123456789end")
        #expect(Self.apply("0123456789", [(0..<10, "all")]) == "all")
        #expect(Self.apply("", [(0..<0, "x")]) == "x")
    }

    @Test("insertions at one place keep their order and come before a replacement there")
    func order() {
        #expect(Self.apply("abc", [(1..<2, "R"), (1..<1, "1"), (1..<1, "2")]) == "a12Rc")
        #expect(Self.apply("abc", [(0..<1, "R"), (1..<1, "I"), (1..<2, "S")]) == "RISc")
    }

    @Test("leaves out an edit that overlaps an earlier one or lies outside")
    func overlaps() {
        #expect(Self.apply("abcdef", [(1..<4, "X"), (2..<3, "Y")]) == "aXef")
        #expect(Self.apply("abcdef", [(1..<4, "X"), (1..<5, "Y")]) == "aXef")
        #expect(Self.apply("abcdef", [(1..<4, "X"), (3..<3, "Y"), (4..<4, "Z")]) == "aXZef")
        #expect(Self.apply("abcdef", [(5..<9, "X"), (7..<7, "Y"), (-1..<2, "Z")]) == "abcdef")
    }

    @Test("counts from the reader index, and copies nothing when there is nothing to do")
    func readerIndex() {
        var text = ByteBuffer(string: "--abc")
        text.moveReaderIndex(forwardBy: 2)
        var splice = JSONSplice()
        #expect(splice.isEmpty && splice.applied(to: text) == ByteBuffer(string: "abc"))
        splice.replace(0..<1, with: ByteBuffer(string: "A"))
        #expect(!splice.isEmpty && String(buffer: splice.applied(to: text)) == "Abc")
    }

    @Test("values and members are left out with the commas that they need no more", arguments: 0..<16)
    func removes(chosen: Int) throws {
        let out = (0..<4).filter { chosen & (1 << $0) != 0 }
        let list = ByteBuffer(string: " [ 1 ,{\"a\":2},  \"x\",4]")
        let values = try JSONDocument(list).root.elements.map { ($0.range, $0.text) }
        var splice = JSONSplice()
        splice.remove(out, from: values.map(\.0))
        let rest = try JSONDocument(splice.applied(to: list)).root.elements.map(\.text)
        #expect(rest == values.indices.filter { !out.contains($0) }.map { values[$0].1 })
        let object = ByteBuffer(string: "{\"a\" : 1, \"b\":[2],\"c\":\"x\" ,\"d\":4}")
        let members = try JSONDocument(object).root.members.map { ($0.range, $0.key) }
        var other = JSONSplice()
        other.remove(out, from: members.map(\.0))
        let kept = try JSONDocument(other.applied(to: object)).root.members.map(\.key)
        #expect(kept == members.indices.filter { !out.contains($0) }.map { members[$0].1 })
    }
}
