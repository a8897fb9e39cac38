import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailProviders

/// An upstream that takes only base64, asked in its own dialect and in the other one.
@Suite("Media for upstreams that take only base64")
struct InlineMediaTests {
    /// Gives the same picture for every URL, and remembers them.
    private final class Album: MediaFetcher {
        let asked = Mutex<[String]>([])
        let data: String

        init(_ data: String = "UElDVFVSRQ==") {
            self.data = data
        }

        func fetch(_ url: String, deadline: Instant?) async throws(NeedletailError) -> (mediaType: String, data: String)
        {
            self.asked.withLock { $0.append(url) }
            return ("image/png", self.data)
        }
    }

    private static func picture(_ url: String, in client: DialectID, stream: Bool = false) -> String {
        let head =
            #"{"model":"a","max_tokens":9,"brand_new":1,"stream":\#(stream),"#
            + #""messages":[{"role":"user","content":["#
        let text = #"{"type":"text","text":"what is it"},"#
        switch client {
        case .openAIChat: return head + text + #"{"type":"image_url","image_url":{"url":"\#(url)"}}]}]}"#
        case .anthropicMessages:
            let source =
                url.hasPrefix("data:")
                ? #"{"type":"base64","media_type":"image/png","data":"QUJD"}"# : #"{"type":"url","url":"\#(url)"}"#
            return head + text + #"{"type":"image","source":\#(source)}]}]}"#
        default: preconditionFailure("not spelled out")
        }
    }

    private static func bench(_ upstream: DialectID, _ fetcher: (any MediaFetcher)?) -> Bench {
        let options = HTTPProvider.Options(quirks: [.takesOnlyInlineMedia], mediaFetcher: fetcher)
        switch upstream {
        case .openAIChat:
            return Bench(.openAICompatible, options: options) { request in
                String(buffer: request.body).contains(#""stream":true"#) ? sse(Self.stream) : json(Self.openAI)
            }
        case .anthropicMessages:
            return Bench(.anthropicCompatible, options: options) { _ in json(Self.anthropic) }
        default: preconditionFailure("not spelled out")
        }
    }

    private static let openAI = """
        {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":\
        "assistant","content":"A cat"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}
        """
    private static let anthropic = """
        {"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"A cat"}],\
        "stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}
        """
    private static let stream = """
        data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"A cat"},"finish_reason":"stop"}]}

        data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}

        data: [DONE]


        """

    @Test("a URL is fetched where the operator allows it", arguments: DialectID.spelledOut, DialectID.spelledOut)
    func fetched(_ client: DialectID, _ upstream: DialectID) async throws {
        let album = Album()
        let bench = Self.bench(upstream, album)
        let reply = try await bench.ask(Self.picture("https://example.com/cat.png", in: client), client)
        #expect(album.asked.withLock { $0 } == ["https://example.com/cat.png"])
        let sent = String(buffer: try bench.sent.body)
        #expect(sent.contains("UElDVFVSRQ==") && !sent.contains("example.com"), "\(sent)")
        // What the model has no place for still reaches an upstream of the same dialect.
        #expect(sent.contains("brand_new") == (client == upstream), "\(sent)")
        guard case .complete(let body, _) = reply.body else { Issue.record("no whole reply"); return }
        #expect(body.dialect == client)
    }

    @Test("a URL is refused where he does not", arguments: DialectID.spelledOut, DialectID.spelledOut)
    func refused(_ client: DialectID, _ upstream: DialectID) async throws {
        let bench = Self.bench(upstream, nil)
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(Self.picture("https://example.com/cat.png", in: client), client)
        }
        #expect(error?.code == .unsupported)
        #expect(error?.disposition.status == 400)
        #expect(error?.parameter == "messages")
        #expect(bench.transport.requests.isEmpty)
    }

    @Test("what is inline already goes through byte for byte", arguments: DialectID.spelledOut)
    func inline(_ dialect: DialectID) async throws {
        let album = Album()
        let bench = Self.bench(dialect, album)
        let body = Self.picture("data:image/png;base64,QUJD", in: dialect)
        _ = try await bench.ask(body, dialect)
        #expect(album.asked.withLock { $0 } == [])
        #expect(String(buffer: try bench.sent.body) == body)
    }

    @Test("the client's headers still go along, and the usage chunk it did not ask for is withheld")
    func sameDialectStream() async throws {
        let bench = Self.bench(.openAIChat, Album())
        let reply = try await bench.ask(
            Self.picture("https://example.com/cat.png", in: .openAIChat, stream: true), .openAIChat,
            context: .testing(forwardedHeaders: [.acceptLanguage: "de"]))
        let (text, failure) = try await collect(reply)
        #expect(failure == nil)
        #expect(text.contains("A cat") && !text.contains("prompt_tokens") && text.contains("[DONE]"), "\(text)")
        #expect(try bench.sent.headers[.acceptLanguage] == "de")
        #expect(String(buffer: try bench.sent.body).contains(#""include_usage":true"#))
    }

    @Test("a picture in a tool's result is fetched like any other")
    func toolResult() async throws {
        let album = Album()
        let bench = Self.bench(.anthropicMessages, album)
        _ = try await bench.ask(
            #"{"model":"a","max_tokens":9,"messages":[{"role":"user","content":"look"},{"role":"assistant","content":"#
                + #"[{"type":"tool_use","id":"t1","name":"look","input":{}}]},{"role":"user","content":[{"type":"#
                + #""tool_result","tool_use_id":"t1","content":[{"type":"image","source":{"type":"url","url":"#
                + #""https://example.com/dog.png"}}]}]}]}"#,
            .anthropicMessages)
        #expect(album.asked.withLock { $0 } == ["https://example.com/dog.png"])
        #expect(String(buffer: try bench.sent.body).contains("UElDVFVSRQ=="))
    }

    /// Pictures in the message itself and in a tool's result.
    private static func pictures(_ count: Int) -> String {
        let picture = #"{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}"#
        let inside = Array(repeating: picture, count: count / 2).joined(separator: ",")
        let outside = Array(repeating: picture, count: count - count / 2).joined(separator: ",")
        return
            #"{"model":"a","max_tokens":9,"messages":[{"role":"user","content":"look"},{"role":"assistant","content":"#
            + #"[{"type":"tool_use","id":"t1","name":"look","input":{}}]},{"role":"user","content":[{"type":"#
            + #""tool_result","tool_use_id":"t1","content":[\#(inside)]},\#(outside)]}]}"#
    }

    @Test(
        "what one request has fetched is limited in number and size",
        arguments: [
            (16, 16, true, 16), (17, 16, false, 0), (2, 1 << 20, true, 2), (4, (10 << 20) + 1, false, 4),
            (9, 20 << 20, false, 3),
        ])
    func limits(count: Int, size: Int, passes: Bool, fetched: Int) async throws {
        let album = Album(String(repeating: "A", count: size))
        let bench = Self.bench(.anthropicMessages, album)
        do {
            _ = try await bench.ask(Self.pictures(count), .anthropicMessages)
            #expect(passes)
        } catch let error as NeedletailError {
            #expect(!passes && error.code == .invalidRequest && error.parameter == "messages", "\(error)")
            #expect(bench.transport.requests.isEmpty)
        }
        #expect(album.asked.withLock { $0.count } == fetched)
    }

    @Test("an upstream without the quirk gets the URL")
    func untouched() async throws {
        let bench = Bench(.openAICompatible, options: .init(mediaFetcher: Album())) { _ in json(Self.openAI) }
        let body = Self.picture("https://example.com/cat.png", in: .openAIChat)
        _ = try await bench.ask(body)
        #expect(String(buffer: try bench.sent.body) == body)
    }
}
