import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("The estimate of input tokens")
struct TokenEstimateTests {
    @Test("Text counts by its bytes, other scripts more")
    func text() {
        #expect(TokenEstimate.count(text: "") == 0)
        #expect(TokenEstimate.count(text: "abcd") == 1)
        #expect(TokenEstimate.count(text: String(repeating: "word ", count: 800)) == 1000)
        #expect(TokenEstimate.count(text: "漢字") == 2)
    }

    @Test("Every part of a request counts")
    func parts() {
        let long = String(repeating: "a", count: 400)
        var request = ChatRequest(model: "m", messages: [ChatMessage(.user, "hi")])
        var last = TokenEstimate.count(request)
        func grows(_ change: (inout ChatRequest) -> Void, by least: Int) {
            change(&request)
            let now = TokenEstimate.count(request)
            #expect(now >= last + least)
            last = now
        }
        grows({ $0.messages.insert(ChatMessage(.system, long), at: 0) }, by: 100)
        grows({ $0.messages[1].content.append(.image(ImagePart(.url("https://a/b")))) }, by: 1600)
        grows({ $0.messages[1].content.append(.document(DocumentPart(.text(long)))) }, by: 100)
        grows(
            { $0.messages[1].content.append(.toolResult(ToolResult(callID: "", content: [.text(TextPart(long))]))) },
            by: 100)
        grows({ $0.messages[1].content.append(.toolCall(ToolCall(id: "", name: "", arguments: long))) }, by: 100)
        grows({ $0.tools.append(Tool(name: "f", kind: .function(parameters: JSONText(string: long)))) }, by: 446)
    }

    @Test("The size of a picture is read from its first bytes")
    func images() {
        let png: [UInt8] = [
            0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 1, 0x2C, 0, 0, 0,
            200,
        ]
        #expect(ImageSize(png) == ImageSize([0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x2C, 1, 200, 0]))
        #expect(ImageSize(png)?.width == 300)
        #expect(ImageSize(png)?.height == 200)
        let jpeg: [UInt8] = [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 1, 0xFF, 0xC2, 0, 11, 8, 0, 200, 1, 0x2C, 3, 0, 0,
        ]
        #expect(ImageSize(jpeg) == ImageSize(png))
        for count in 0..<jpeg.count - 3 { #expect(ImageSize(Array(jpeg.prefix(count))) == nil) }
        #expect(ImageSize(base64: "iVBORw0KGgoAAAANSUhEUgAAASwAAADI") == ImageSize(png))
        let part = ContentPart.image(
            ImagePart(.base64(mediaType: "image/png", data: "iVBORw0KGgoAAAANSUhEUgAAASwAAADI")))
        let with = TokenEstimate.count(ChatRequest(model: "m", messages: [ChatMessage(.user, [part])]))
        #expect(with == TokenEstimate.tokensPerMessage + 80)
    }

    @Test(
        "Base64 is read as RFC 4648 has it", arguments: [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v\nYg", "foob")])
    func base64(_ text: String, _ plain: String) {
        #expect(Base64.decode(text) == Array(plain.utf8))
    }

    @Test("What is no base64 is refused", arguments: ["Z", "Zg=a", "Z!==", "é"])
    func noBase64(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
