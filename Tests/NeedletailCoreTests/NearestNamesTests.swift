import NeedletailCore
import Testing

@Suite("Nearest names")
struct NearestNamesTests {
    @Test(
        "Edits are counted, swapped neighbours as one",
        arguments: [
            ("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("abc", "ABC", 0), ("ca", "ac", 1),
            ("kitten", "sitting", 3),
            ("openia", "openai", 1), ("abcd", "acbd", 1), ("a", "b", 1), ("héllo", "hello", 1),
        ])
    func distance(left: String, right: String, expected: Int) {
        #expect(NearestNames.distance(left, right) == expected)
        #expect(NearestNames.distance(right, left) == expected)
    }

    @Test(
        "What was meant comes first, and nothing far-fetched comes at all",
        arguments: [
            ("openia", ["openai", "anthropic", "vllm"], ["openai"]),
            ("gpt-4o-mni", ["gpt-4o-mini", "gpt-4o", "claude"], ["gpt-4o-mini", "gpt-4o"]),
            ("zzz", ["openai", "mock"], []), ("", ["a"], []), ("mock", [], []),
            ("ab", ["ac", "aa", "ad"], ["aa", "ac"]),
        ])
    func nearest(name: String, candidates: [String], expected: [String]) {
        #expect(NearestNames.nearestNames(to: name, among: candidates, limit: 2) == expected)
    }

    @Test("A name of a megabyte costs little")
    func long() {
        let long = String(repeating: "x", count: 1 << 20)
        #expect(NearestNames.nearestNames(to: long, among: ["openai"]).isEmpty)
    }
}
