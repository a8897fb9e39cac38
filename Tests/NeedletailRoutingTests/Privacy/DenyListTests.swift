import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import NeedletailTesting
import Testing

struct DenyListTests {
    private func answer(
        _ text: String, _ list: DenyList, counts: GuardCounts = GuardCounts()
    ) async throws -> NeedletailError? {
        var json = JSONWriter()
        json.string(text)
        let body = #"{"model":"m","messages":[{"role":"user","content":TEXT}]}"#
            .replacing("TEXT", with: String(buffer: json.bytes))
        let request = try RequestPeek.read(ByteBuffer(string: body), dialect: .openAIChat, operation: .chat)
        let scripted = ScriptedProvider("p")
        do throws(NeedletailError) {
            _ = try await DenyLayer(scripted, lists: [list], counts: counts).respond(to: request, context: .testing())
            return nil
        } catch {
            #expect(scripted.callCount == 0)
            return error
        }
    }

    @Test(
        "words and phrases are found whatever their case and what stands between them",
        arguments: [
            ("falcon", "the FALCON flies", true), ("falcon", "falconry", false), ("falcon", "falcon-9", true),
            ("project x", "Project\n X.", true), ("project x", "project y x", false), ("secret*", "secretly", true),
            ("*key", "monkey", true), ("*key", "keys", false), ("project *", "project apollo", true),
            ("project *", "a project", false), ("* apollo", "project apollo", true), ("straße", "STRASSE", false),
            ("straße", "Straße", true), ("größe", "GRÖSSE GRÖßE", true), ("*机密*", "这是机密文件", true),
            ("机密", "这是机密文件", false),
            ("falcon", "data: the falcon flies", true), ("falcon", "data:text/plain;base64,no, falcon", true),
            ("falcon", "data:,falcon", true), ("falcon", "data:image/png;base64,iVBORw/falcon+==", false),
            ("user_id", "user_id=3", true), ("c", "c++", true), ("falcon", "fal\u{0}con", false),
        ])
    func words(_ word: String, _ text: String, _ isFound: Bool) async throws {
        let error = try await self.answer(text, DenyList(name: "list", words: [word]))
        #expect((error != nil) == isFound)
    }

    @Test("a client is told the list's name and not what was found; a list that logs lets it pass")
    func refusal() async throws {
        let counts = GuardCounts()
        let error = try #require(
            try await self.answer("the falcon", DenyList(name: "projects", words: ["falcon"]), counts: counts))
        #expect(error.code == .invalidRequest)
        #expect(error.message.contains("projects") && !error.message.contains("falcon"))
        #expect(
            try await self.answer("falcon", DenyList(name: "l", words: ["falcon"], action: .log), counts: counts) == nil
        )
        #expect(counts.snapshot().values.reduce(0, +) == 2)
    }

    @Test("what holds no word is no phrase", arguments: ["", " ", "*", "-", "* *"])
    func noPhrase(_ text: String) {
        #expect(!DenyList.isPhrase(text))
    }

    @Test("a long list costs no more for each word of the text")
    func manyWords() async throws {
        let list = DenyList(name: "l", words: (0..<5_000).map { "word\($0)" })
        #expect(try await self.answer(String(repeating: "nothing here ", count: 2_000), list) == nil)
        #expect(try await self.answer("x word4999 y", list) != nil)
    }
}
