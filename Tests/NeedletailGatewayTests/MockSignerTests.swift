import NIOCore
import Testing

@testable import NeedletailGateway

/// The mock refuses what it has not signed, as real providers do.
@Suite("What the mock signs")
struct MockSignerTests {
    private func status(_ path: String, _ body: String) -> Int {
        MockEngine().reply(to: MockRequest(path: path, body: ByteBuffer(string: body))).status
    }

    @Test("A signature is its signer's and its text's alone")
    func signs() {
        let signature = MockSigner.claude.sign("t")
        #expect(signature.utf8.count.isMultiple(of: 4), "base64")
        #expect(MockSigner.claude.isValid(signature, for: "t"))
        #expect(!MockSigner.claude.isValid(signature, for: "u") && !MockSigner.google.isValid(signature, for: "t"))
    }

    @Test(
        "Anthropic and Bedrock take each other's signatures and no other's",
        arguments: [(MockSigner.claude, 200), (.google, 400), (.openAI, 400)])
    func claude(signer: MockSigner, status: Int) {
        let signature = signer.sign("t")
        let messages =
            #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"\#(signature)"}]},{"role":"user","content":"b"}]}"#
        #expect(self.status("/v1/messages", messages) == status)
        let converse =
            #"{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"\#(signature)"}}}]},{"role":"user","content":[{"text":"b"}]}]}"#
        #expect(self.status("/model/m/converse", converse) == status)
    }

    @Test(
        "A turn that results answer must begin with reasoning where reasoning is on with a budget",
        arguments: [true, false])
    func reasoningFirst(begins: Bool) {
        let block = #"{"type":"thinking","thinking":"t","signature":"\#(MockSigner.claude.sign("t"))"},"#
        let body =
            #"{"model":"m","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[\#(begins ? block : ""){"type":"tool_use","id":"x","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"r"}]}]}"#
        #expect(self.status("/v1/messages", body) == (begins ? 200 : 400))
    }

    @Test(
        "Gemini 3 demands a signature of its own, or Google's word, beside the first of a turn's calls",
        arguments: [
            (#","thoughtSignature":"OWN""#, 200), (#","thoughtSignature":"skip_thought_signature_validator""#, 200),
            (#","thoughtSignature":"b3RoZXI=""#, 400), ("", 400),
        ])
    func google(signature: String, status: Int) {
        let signature = signature.replacing("OWN", with: MockSigner.google.sign("call f"))
        let body =
            #"{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}\#(signature)},{"functionCall":{"name":"g","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"r"}}}]}]}"#
        #expect(self.status("/v1beta/models/gemini-3-pro:generateContent", body) == status)
        #expect(
            self.status("/v1beta/models/gemini-2.5-pro:generateContent", body) == (signature.isEmpty ? 200 : status))
    }

    @Test(
        "OpenAI takes its own encrypted reasoning and its own ids",
        arguments: [
            (#""encrypted_content":"OWN""#, 200), (#""encrypted_content":"b3RoZXI=""#, 400),
            (#""id":"rs_mock_1_0""#, 200), (#""id":"rs_1""#, 400),
        ])
    func openAI(member: String, status: Int) {
        let member = member.replacing("OWN", with: MockSigner.openAI.sign(""))
        let body =
            #"{"model":"m","input":[{"type":"reasoning","summary":[],\#(member)},{"role":"user","content":"a"}]}"#
        #expect(self.status("/v1/responses", body) == status)
    }
}
