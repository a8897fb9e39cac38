import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("A provider's bookkeeping")
struct BookkeepingTests {
    /// A whole reply, and a client of another dialect.
    private static func translate(
        _ body: String, _ upstream: DialectID, to client: DialectID
    ) throws -> (losses: [Loss], reply: JSONView) {
        let answer = try upstream.dialect.decodeReply(ByteBuffer(string: body))
        var out = ByteBuffer()
        let losses = try client.dialect.encodeReply(answer, created: 1, into: &out)
        return (losses.markingBookkeeping(of: upstream), try JSONDocument(out).root)
    }

    private static let azure = """
        {"id":"c","model":"m","created":5,"system_fingerprint":"fp","service_tier":"default","prompt":[],
        "prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false}}}],
        "choices":[{"index":0,"message":{"role":"assistant","content":"hi","annotations":[],"padding":""},
        "finish_reason":"stop","content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}],
        "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"cost":0.25,"num_sources_used":0,
        "prompt_tokens_details":{"text_tokens":0}}}
        """

    @Test("is told as lost and told apart from what was lost of the answer; what says nothing is not lost")
    func isMarked() throws {
        let (losses, _) = try Self.translate(Self.azure, .openAIChat, to: .cohereChat)
        #expect(
            Set(losses.ofBookkeeping) == [
                "system_fingerprint", "service_tier", "prompt_filter_results", "choices.content_filter_results",
                "usage.cost",
            ])
        #expect(losses.ofContent == [] && !losses.holdContent)
        let more = Self.azure.replacing(#""padding":"""#, with: #""padding":"x""#)
        let (others, _) = try Self.translate(more, .openAIChat, to: .cohereChat)
        #expect(others.ofContent == ["choices.message.padding"] && others.holdContent)
    }

    @Test("counters are parts of totals that all have")
    func counters() {
        #expect(Bookkeeping.contains("usage.billed_units", of: .cohereChat))
        #expect(Bookkeeping.contains("usageMetadata.trafficType", of: .gemini))
        #expect(Bookkeeping.contains("usage.completion_tokens_details.reasoning_tokens", of: .openAIChat))
        #expect(!Bookkeeping.contains("choices.logprobs", of: .openAIChat))
        #expect(!Bookkeeping.contains("usage.cost", of: .gemini))
    }

    @Test("a provider's times go wherever there is a place for them")
    func times() throws {
        let converse = """
            {"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn",
            "usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"metrics":{"latencyMs":1250}}
            """
        let ollama = """
            {"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"hi"},"done":true,
            "done_reason":"stop","total_duration":1250000000,"load_duration":2,"prompt_eval_count":1,
            "prompt_eval_duration":3000000,"eval_count":2,"eval_duration":1000000001}
            """
        let groq = """
            {"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},
            "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,
            "queue_time":0.000000002,"prompt_time":0.003,"completion_time":1.000000001,"total_time":1.25}}
            """
        let (fromConverse, there) = try Self.translate(converse, .bedrockConverse, to: .ollamaChat)
        #expect(there["total_duration"]?.int == 1_250_000_000 && there["eval_duration"] == nil)
        #expect(fromConverse.isEmpty)
        for (body, upstream) in [(ollama, DialectID.ollamaChat), (groq, .openAIChat)] {
            let (losses, root) = try Self.translate(body, upstream, to: .ollamaGenerate)
            #expect(losses.isEmpty, "\(losses)")
            #expect(root["total_duration"]?.int == 1_250_000_000)
            #expect(root["load_duration"]?.int == 2)
            #expect(root["prompt_eval_duration"]?.int == 3_000_000)
            #expect(root["eval_duration"]?.int == 1_000_000_001)
            let (_, chat) = try Self.translate(body, upstream, to: .openAICompletions)
            #expect(chat["usage"]?["completion_time"]?.text.description == "1.000000001")
            #expect(chat["usage"]?["total_time"]?.text.description == "1.25")
            let (_, amazon) = try Self.translate(body, upstream, to: .bedrockConverse)
            #expect(amazon["metrics"]?["latencyMs"]?.int == 1250)
            let (lost, _) = try Self.translate(body, upstream, to: .anthropicMessages)
            #expect(lost.ofBookkeeping == [ModelField.replyTiming.name(in: upstream)] && lost.ofContent == [])
        }
    }

    @Test(
        "servers say their times in other places too",
        arguments: [
            (#""time_info":{"queue_time":0.5,"prompt_time":0.25,"completion_time":1,"total_time":2,"created":7}"#, 2.0),
            (#""timings":{"prompt_n":1,"prompt_ms":250.0,"predicted_ms":1000.5}"#, nil),
        ])
    func otherTimes(_ member: String, _ total: Double?) throws {
        let body =
            #"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}],\#(member)"#
        let usage = #","usage":{"prompt_tokens":1,"completion_tokens":1}}"#
        let (losses, root) = try Self.translate(body + usage, .openAIChat, to: .ollamaChat)
        #expect(losses.isEmpty, "\(losses)")
        #expect(root["prompt_eval_duration"]?.int == 250_000_000)
        #expect(root["total_duration"]?.int == total.map { Int($0 * 1e9) })
        // Without counters there is nothing that they could stand beside.
        #expect(try !Self.translate(body + "}", .openAIChat, to: .ollamaChat).losses.isEmpty)
    }

    @Test("a tier is said in the client's words, and lost where it has none")
    func tiers() {
        func said(_ word: String, _ source: DialectID, _ client: DialectID) -> String {
            let (word, isLost) = ServiceTier.said(word, from: source, to: client)
            return (word ?? "none") + (isLost ? ", lost" : "")
        }
        #expect(said("default", .openAIChat, .anthropicMessages) == "standard")
        #expect(said("standard", .anthropicMessages, .openAIResponses) == "default")
        #expect(said("priority", .openAIChat, .gemini) == "priority")
        #expect(said("FLEX", .gemini, .openAIChat) == "flex")
        #expect(said("batch", .anthropicMessages, .openAIChat) == "none, lost")
        #expect(said("scale", .openAIChat, .bedrockConverse) == "none, lost")
        #expect(said("scale", .openAIChat, .openAIChat) == "scale")
        #expect(said("auto", .openAIResponses, .openAIChat) == "none")
    }

    @Test("what stands at the top goes back into its own dialect with all that is in it, and nothing of it is lost")
    func own() throws {
        let groq = """
            {"id":"c","model":"m","created":5,"x_groq":{"id":"r","seed":7,"debug":{"a":1}},"mcp":{"b":2},
            "choices":[{"index":0,"message":{"role":"assistant","content":"hi","odd":1},"finish_reason":"stop"}]}
            """
        let (losses, chat) = try Self.translate(groq, .openAIChat, to: .openAIChat)
        #expect(losses.map(\.field) == ["choices.message.odd"])
        #expect(chat["x_groq"]?["seed"]?.int == 7 && chat["mcp"]?["b"]?.int == 2)
        let google = """
            {"responseId":"r","modelVersion":"m","promptFeedback":{"safetyRatings":[{"category":"X"}]},"candidates":[
            {"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP","finishMessage":"done"}]}
            """
        let (none, back) = try Self.translate(google, .gemini, to: .gemini)
        #expect(none.isEmpty && back["promptFeedback"]?["safetyRatings"]?.kind == .array, "\(none)")
    }

    @Test("Google's time of creation is the reply's, both ways")
    func creation() throws {
        let google = """
            {"responseId":"r","modelVersion":"m","createTime":"2025-07-07T20:32:53.844124Z","candidates":[
            {"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP"}]}
            """
        let (losses, chat) = try Self.translate(google, .gemini, to: .openAIChat)
        #expect(losses.isEmpty && chat["created"]?.int == 1_751_920_373)
        let (_, back) = try Self.translate(Self.azure, .openAIChat, to: .gemini)
        #expect(back["createTime"]?.string == "1970-01-01T00:00:05Z")
        #expect(back["usageMetadata"]?["serviceTier"]?.string == "standard")
    }

    @Test("a blocked prompt's reason is read; only what stands beside it is lost")
    func feedback() throws {
        let google = """
            {"responseId":"r","modelVersion":"m","promptFeedback":{"blockReason":"SAFETY"},
            "usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}
            """
        let (losses, chat) = try Self.translate(google, .gemini, to: .openAIChat)
        #expect(losses.isEmpty, "\(losses)")
        let choice = try #require(chat["choices"]?.elements.first { _ in true })
        #expect(choice["finish_reason"]?.string == "content_filter")
        let rated = google.replacing(#""SAFETY""#, with: #""SAFETY","safetyRatings":[{"category":"X"}]"#)
        let (others, _) = try Self.translate(rated, .gemini, to: .openAIChat)
        #expect(others.map(\.field) == ["promptFeedback.safetyRatings"] && !others.holdContent)
    }

    @Test("pages that Perplexity names beside the choices are the text's citations")
    func sources() throws {
        let pages = #""citations":["https://x.test/"],"search_results":[{"url":"https://x.test/","title":"X"}]"#
        let whole = #"""
            {"id":"c","model":"m",\#(pages),"choices":[{"index":0,"message":{"role":"assistant","content":"hi[1]"},
            "finish_reason":"stop"}]}
            """#
        let (losses, google) = try Self.translate(whole, .openAIChat, to: .gemini)
        #expect(losses.isEmpty, "\(losses)")
        let sources = google["candidates"]?.elements.first { _ in true }?["citationMetadata"]?["citationSources"]
        let source = try #require(sources?.elements.first { _ in true })
        #expect(source["uri"]?.string == "https://x.test/" && source["title"]?.string == "X")
        #expect(source["startIndex"]?.int == 0 && source["endIndex"]?.int == 5)
        let dated = whole.replacing(#""title":"X""#, with: #""title":"X","date":"2026-01-01""#)
        #expect(try Self.translate(dated, .openAIChat, to: .gemini).losses.ofContent == ["search_results"])

        var decoder = OpenAIChat.makeStreamDecoder()
        decoder.unread = UnreadMembers(limit: 9)
        var events: [ChatEvent] = []
        for (text, reason) in [("hi", "null"), ("[1]", #""stop""#)] {
            let choice = #"{"index":0,"delta":{"content":"\#(text)"},"finish_reason":\#(reason)}"#
            try decoder.decode(
                ByteBuffer(string: #"data: {"id":"c","model":"m",\#(pages),"choices":[\#(choice)]}"# + "\n\n"),
                into: &events)
        }
        try decoder.finish(into: &events)
        #expect(decoder.unread.losses.isEmpty)
        let cited = events.filter { if case .citation = $0 { true } else { false } }
        #expect(cited.count == 1)
    }

    @Test("Google's citations are lost where they say more than a page", arguments: [true, false])
    func citations(_ isLicensed: Bool) throws {
        let license = isLicensed ? #","license":"mit""# : #","license":"""#
        let google = """
            {"responseId":"r","modelVersion":"m","candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},
            "finishReason":"STOP","citationMetadata":{"citationSources":[
            {"startIndex":0,"endIndex":2,"uri":"https://x.test/"\(license)}]}}]}
            """
        let (losses, chat) = try Self.translate(google, .gemini, to: .openAIChat)
        #expect(losses.ofContent == (isLicensed ? ["candidates.citationMetadata"] : []))
        let message = try #require(chat["choices"]?.elements.first { _ in true }?["message"])
        #expect(message["annotations"]?.text.description.contains("https://x.test/") == true)
    }
}
