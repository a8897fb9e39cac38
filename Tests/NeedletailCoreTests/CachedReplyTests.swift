import NIOCore
import NeedletailCore
import Testing

@Suite("A kept reply as text")
struct CachedReplyTests {
    private static func usage() -> Usage {
        var usage = Usage(inputTokens: 1, outputTokens: 2)
        usage.cachedInputTokens = 3
        usage.cacheWriteTokens = 4
        usage.cacheWrite1hTokens = 5
        usage.reasoningTokens = 6
        usage.audioInputTokens = 7
        usage.audioOutputTokens = 8
        usage.acceptedPredictionTokens = 9
        usage.rejectedPredictionTokens = 10
        usage.webSearches = 11
        usage.imageInputTokens = 12
        usage.imageOutputTokens = 13
        usage.images = 14
        usage.serviceTier = .flex
        usage.timing = ProviderTiming()
        usage.timing?.total = 15
        usage.timing?.output = 16
        usage.extensions = [Extension("usage.own", JSONText(unchecked: #"{"a":[1, 2]}"#))]
        return usage
    }

    @Test("all of a usage is kept", arguments: [true, false])
    func usage(_ isFull: Bool) throws {
        let usage = isFull ? Self.usage() : Usage(inputTokens: 7, outputTokens: 0)
        if isFull {
            for part in Mirror(reflecting: usage).children {
                #expect("\(part.value)" != "nil", "\(part.label ?? "") is not in the sample")
            }
        }
        var reply = Self.reply()
        reply.usage = usage
        #expect(CachedReply(head: reply.head(), bytes: reply.bytes)?.usage == usage)
    }

    private static func reply() -> CachedReply {
        var reply = CachedReply(
            InferenceReply(
                provider: "up", model: "m \"1\"", losses: [Loss("a", "b"), Loss("c", "d")], contentType: "audio/mpeg",
                body: .complete(WireBody(dialect: .anthropicMessages, bytes: ByteBuffer()), nil)),
            includesUsage: true, created: 1_700_000_000)
        reply.dialect = .anthropicMessages
        reply.isStream = true
        reply.bytes = ByteBuffer(string: "data: {}\n\n")
        return reply
    }

    @Test("all of a reply is kept")
    func reply() throws {
        let reply = Self.reply()
        let read = try #require(CachedReply(head: reply.head(), bytes: reply.bytes))
        #expect(read.provider == reply.provider && read.model == reply.model && read.losses == reply.losses)
        #expect(read.contentType == "audio/mpeg" && read.dialect == .anthropicMessages && read.isStream)
        #expect(read.includesUsage && read.bytes == reply.bytes && read.created == reply.created && read.usage == nil)
    }

    @Test("what is no head is no reply", arguments: ["{}", "[]", #"{"provider":"p"}"#, "null"])
    func nonsense(_ text: String) throws {
        #expect(CachedReply(head: try JSONText(text), bytes: ByteBuffer()) == nil)
    }
}
