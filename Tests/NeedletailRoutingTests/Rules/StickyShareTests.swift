import HTTPTypes
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Sticky shares")
struct StickyShareTests {
    @Test("a share is met, whatever the seed", arguments: 0..<10 as Range<UInt64>, [0.01, 0.1, 0.5])
    func share(_ seed: UInt64, _ fraction: Double) {
        let draw = StickyShare(.key, name: "rule", seed: seed)
        let count = 20_000
        let hits = (0..<count).count { draw.unit(ruleRequest(), ruleInfo(key: "key-\($0)")) < fraction }
        // Five standard deviations: fails by chance once in 1.7 million.
        let deviation = (Double(count) * fraction * (1 - fraction)).squareRoot()
        #expect(abs(Double(hits) - Double(count) * fraction) < 5 * deviation, "seed \(seed)")
    }

    @Test("two draws of one key know nothing of each other")
    func independence() {
        let (one, two) = (StickyShare(.key, name: "one"), StickyShare(.key, name: "two"))
        let (a, b) = (StickyShare(.key, name: "one", seed: 1), StickyShare(.key, name: "one", seed: 2))
        func both(_ first: StickyShare, _ second: StickyShare) -> Int {
            (0..<20_000).count { number in
                let info = ruleInfo(key: "k\(number)")
                return first.unit(ruleRequest(), info) < 0.5 && second.unit(ruleRequest(), info) < 0.5
            }
        }
        #expect((4_700...5_300).contains(both(one, two)))
        #expect((4_700...5_300).contains(both(a, b)))
    }

    @Test("the draw is the same on every machine")
    func stable() {
        #expect(StickyShare(.key, name: "rule").unit(ruleRequest(), ruleInfo(key: "dev")) == 0.8560234054331635)
    }

    /// Two turns of one conversation in a dialect, and the first of another.
    struct Turns: Sendable {
        var dialect: DialectID
        var bodies: [String]
        var other: String
    }

    @Test(
        "all turns of a conversation draw the same, and another conversation draws for itself",
        arguments: [
            Turns(
                dialect: .openAIChat,
                bodies: [
                    #"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"one é"}]}"#,
                    #"{"messages":[{"role":"system","content":"t"},{"content":"one \u00e9","role":"user"},{"role":"assistant","content":"x"}],"stream":true}"#,
                ], other: #"{"messages":[{"role":"user","content":"two"}]}"#),
            Turns(
                dialect: .anthropicMessages,
                bodies: [
                    #"{"messages":[{"role":"user","content":[{"type":"text","text":"one","cache_control":{"type":"ephemeral"}}]}]}"#,
                    #"{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"one"}]},{"role":"assistant","content":"a"}]}"#,
                ], other: #"{"messages":[{"role":"user","content":"two"}]}"#),
            Turns(
                dialect: .gemini,
                bodies: [
                    #"{"contents":[{"parts":[{"text":"one"}]}]}"#,
                    #"{"contents":[{"role":"user","parts":[{"text":"one"}]},{"role":"model","parts":[]}]}"#,
                ], other: #"{"contents":[{"parts":[{"text":"two"}]}]}"#),
            Turns(
                dialect: .openAIResponses,
                bodies: [#"{"input":"one"}"#, #"{"input":[{"role":"user","content":"one"}]}"#],
                other: #"{"input":"two"}"#),
        ])
    func conversation(_ turns: Turns) throws {
        let draw = StickyShare(.conversation, name: "rule")
        let units = turns.bodies.map {
            draw.unit(ruleRequest(dialect: turns.dialect, body: $0), ruleInfo("\($0.count)"))
        }
        #expect(Set(units).count == 1)
        #expect(draw.unit(ruleRequest(dialect: turns.dialect, body: turns.other), ruleInfo()) != units[0])
        var chat = ChatRequest(model: "m", messages: [ChatMessage(.system, "s"), ChatMessage(.user, "one")])
        chat.isStreaming = true
        let typed = InferenceRequest(operation: .chat, model: "m", body: .model(chat), replyDialect: nil)
        #expect(draw.unit(typed, ruleInfo()) == units[0] || turns.dialect == .openAIChat)
    }

    @Test("what is lacking falls back: key and header to the conversation, a conversation to the request")
    func fallback() {
        let name = HTTPField.Name.userAgent
        let conversation = StickyShare(.conversation, name: "r").unit(ruleRequest(), ruleInfo("1"))
        for basis in [StickyBasis.key, .header(name)] {
            #expect(StickyShare(basis, name: "r").unit(ruleRequest(), ruleInfo("2")) == conversation)
            let has = StickyShare(basis, name: "r").unit(ruleRequest(), ruleInfo(key: "k", headers: [name: "v"]))
            #expect(has != conversation)
        }
        let empty = ruleRequest(body: "{}")
        #expect(
            StickyShare(.conversation, name: "r").unit(empty, ruleInfo("1"))
                != StickyShare(.conversation, name: "r").unit(empty, ruleInfo("2")))
        for broken in ["", "[", #"{"messages":"#, #"{"messages":[1,{}]}"#, #"{"messages":{}}"#] {
            #expect((0..<1).contains(StickyShare(.conversation, name: "r").unit(ruleRequest(body: broken), ruleInfo())))
        }
    }
}
