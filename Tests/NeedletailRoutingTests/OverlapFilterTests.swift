import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("What a continued text repeats")
struct OverlapFilterTests {
    struct Case: CustomTestStringConvertible {
        var before: String
        var after: String
        var new: String
        var testDescription: String { "'\(self.before)' + '\(self.after)'" }
    }

    static let cases = [
        Case(before: "alpha beta", after: " gamma", new: " gamma"),
        Case(before: "alpha beta", after: "alpha beta gamma", new: " gamma"),
        Case(before: "alpha beta", after: "beta gamma", new: " gamma"),
        Case(before: "alpha beta", after: "alpha beta", new: ""),
        Case(before: "alpha beta", after: "alpha", new: "alpha"),
        Case(before: "a", after: "apple", new: "pple"),
        Case(before: "very", after: "", new: ""),
        // Said twice, and rightly.
        Case(before: "it is very", after: " very good", new: " very good"),
        Case(before: "he said ha", after: "ha!", new: "ha!"),
        Case(before: "one two\n", after: "\n\nthree", new: "\nthree"),
        Case(before: "alpha beta ", after: " gamma", new: "gamma"),
        Case(before: "alpha beta ", after: "gamma", new: "gamma"),
        Case(before: "grüße aus Zürich ☃", after: "Zürich ☃ und mehr", new: " und mehr"),
        Case(before: "aaaaaaaaaaaaaaaa", after: "aaaaaaaaaaaaaaaab", new: "b"),
        Case(before: "the lazy dog and the lazy dog", after: "the lazy dog runs", new: " runs"),
        Case(before: "", after: "alpha", new: "alpha"),
        Case(before: "same", after: "different", new: "different"),
    ]

    @Test("repetitions go, and nothing else, however the text is cut", arguments: Self.cases)
    func repeated(example: Case) {
        for size in 1...max(1, example.after.count) {
            var filter = OverlapFilter(after: example.before)
            var out = ""
            var rest = Substring(example.after)
            while !rest.isEmpty {
                out += filter.take(String(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            out += filter.finish()
            #expect(out == example.new, "in pieces of \(size)")
        }
    }

    @Test(
        "a text that begins anew gives the whole text, wherever it broke and however it is cut",
        arguments: 0..<200 as Range<UInt64>)
    func whole(seed: UInt64) {
        var random = RandomSource.Generator(.seeded(seed))
        let words = ["a", "bb", "the", "é", "stream", "☃", " ", "\n", "over"]
        let text = (0..<Int.random(in: 1...60, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
            .joined(separator: Bool.random(using: &random) ? " " : "")
        let end = text.index(text.startIndex, offsetBy: Int.random(in: 0...text.count, using: &random))
        var filter = OverlapFilter(after: String(text[..<end]))
        var out = String(text[..<end])
        var rest = Substring(text)
        while !rest.isEmpty {
            let size = Int.random(in: 1...5, using: &random)
            out += filter.take(String(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        out += filter.finish()
        #expect(out == text, "seed \(seed)")
    }

    @Test("an end of a long text is found as far back as the filter reaches")
    func reach() {
        let before = String(repeating: "0123456789 ", count: 5_000) + "the end of it"
        var filter = OverlapFilter(after: before)
        #expect(filter.take("the end of it all") + filter.finish() == " all")
    }
}
