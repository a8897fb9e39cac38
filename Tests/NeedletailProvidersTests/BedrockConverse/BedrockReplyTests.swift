import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Bedrock Converse replies and errors")
struct BedrockReplyTests {
    private static func encode(_ reply: ChatResponse) throws -> (json: [String: Any], losses: [String]) {
        var out = ByteBuffer()
        let losses = try BedrockConverse.encodeReply(reply, created: 1, into: &out)
        let json = try JSONSerialization.jsonObject(with: Data(out.readableBytesView))
        return (try #require(json as? [String: Any]), losses.map(\.field))
    }

    @Test("usage: the cache is beside the input there and inside it here")
    func usage() throws {
        let reply = try BedrockConverse.decodeReply(
            ByteBuffer(
                string: #"""
                    {"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn",
                     "usage":{"inputTokens":10,"outputTokens":5,"totalTokens":45,"cacheReadInputTokens":20,
                      "cacheWriteInputTokens":10,"cacheDetails":[{"ttl":"1h","inputTokens":4},{"ttl":"5m","inputTokens":6}],
                      "serverToolUsage":{}},"metrics":{"latencyMs":7}}
                    """#))
        #expect(reply.usage?.inputTokens == 40)
        #expect(reply.usage?.cachedInputTokens == 20)
        #expect(reply.usage?.cacheWriteTokens == 10)
        #expect(reply.usage?.cacheWrite1hTokens == 4)
        #expect(reply.usage?.extensions == [])
        let (json, losses) = try Self.encode(reply)
        #expect(
            BedrockPlainReply.canonical(json["usage"] ?? [:])
                == #"{"cacheDetails":[{"inputTokens":4,"ttl":"1h"},{"inputTokens":6,"ttl":"5m"}],"cacheReadInputTokens":20,"cacheWriteInputTokens":10,"inputTokens":10,"outputTokens":5,"totalTokens":45}"#
        )
        #expect(BedrockPlainReply.canonical(json["metrics"] ?? [:]) == #"{"latencyMs":7}"#)
        #expect(losses == [])
    }

    @Test("a reply of another dialect has all that the schema demands")
    func demanded() throws {
        var reply = ChatResponse(id: "x", model: "m", choices: [ChatChoice(content: [], stopReason: nil)])
        reply.source = .openAIChat
        let (json, _) = try Self.encode(reply)
        #expect(json["stopReason"] as? String == "end_turn")
        #expect((json["metrics"] as? [String: Any])?["latencyMs"] as? Int == 0)
        #expect((json["usage"] as? [String: Any])?["totalTokens"] as? Int == 0)
        #expect(((json["output"] as? [String: Any])?["message"] as? [String: Any])?["role"] as? String == "assistant")
    }

    @Test(
        "calls for the client say so, whatever the provider said",
        arguments: [.endTurn, .stopSequence, .other("eos"), nil, .toolCalls] as [StopReason?])
    func calls(_ reason: StopReason?) throws {
        let call = ContentPart.toolCall(ToolCall(id: "1", name: "f", arguments: "not json"))
        var reply = ChatResponse(id: "", model: "", choices: [ChatChoice(content: [call], stopReason: reason)])
        reply.source = .openAIChat
        let (json, losses) = try Self.encode(reply)
        #expect(json["stopReason"] as? String == "tool_use")
        #expect(losses.contains("choices.message.tool_calls.function.arguments"))
    }

    @Test(
        "words for the end",
        arguments: [
            ("guardrail_intervened", .contentFilter), ("content_filtered", .contentFilter),
            ("model_context_window_exceeded", .contextWindow), ("malformed_tool_use", .other("malformed_tool_use")),
            ("something_new", .other("something_new")), ("max_tokens", .maxTokens),
        ] as [(String, StopReason)])
    func stops(_ word: String, _ reason: StopReason) throws {
        let body = #"{"output":{"message":{"content":[]}},"stopReason":"\#(word)"}"#
        let reply = try BedrockConverse.decodeReply(ByteBuffer(string: body))
        #expect(reply.choices.first?.stopReason == reason)
        #expect(reply.usage == nil)
    }

    @Test("the stop sequence stands among the model's own fields, both ways")
    func stopSequence() throws {
        let body =
            #"{"output":{"message":{"content":[]}},"stopReason":"stop_sequence","additionalModelResponseFields":{"stop_sequence":"END","x":1}}"#
        let reply = try BedrockConverse.decodeReply(ByteBuffer(string: body))
        #expect(reply.choices.first?.stopSequence == "END")
        let fields = try Self.encode(reply).json["additionalModelResponseFields"]
        #expect(BedrockPlainReply.canonical(fields ?? [:]) == #"{"stop_sequence":"END","x":1}"#)
    }

    @Test(
        "what is no reply",
        arguments: ["", "[]", "{}", #"{"output":{}}"#, #"{"output":{"message":{"content":[{"toolUse":{}}]}}}"#])
    func malformed(_ body: String) {
        let error = #expect(throws: NeedletailError.self) {
            try BedrockConverse.decodeReply(ByteBuffer(string: body))
        }
        #expect(error?.code == .malformedReply)
    }

    @Test("an error inside a 200 is one")
    func errorInside() {
        let body = ByteBuffer(string: #"{"__type":"com.amazon#ThrottlingException","message":"slow"}"#)
        let error = #expect(throws: NeedletailError.self) { try BedrockConverse.inspectReply(body) }
        #expect(error?.code == .rateLimited)
    }

    // MARK: Errors

    @Test(
        "the type decides, wherever it stands",
        arguments: [
            (400, "ValidationException:http://x/", "bad", .invalidRequest),
            (429, "ThrottlingException", "slow", .rateLimited),
            (400, "ServiceQuotaExceededException", "much", .rateLimited),
            (429, "ModelNotReadyException", "wait", .rateLimited),
            (
                403, "AccessDeniedException", "You don't have access to the model with the specified model ID.",
                .modelForbidden
            ),
            (403, "AccessDeniedException", "User: x is not authorized", .credentialRejected),
            (403, "UnrecognizedClientException", "The security token is invalid.", .credentialRejected),
            (403, "ExpiredTokenException", "expired", .credentialRejected),
            (404, "ResourceNotFoundException", "no such", .notFound),
            (408, "ModelTimeoutException", "late", .timedOut),
            (424, "ModelErrorException", "broken", .upstreamFailed),
            (500, "InternalServerException", "oops", .upstreamFailed),
            (503, "ServiceUnavailableException", "full", .overloaded),
            (418, "NewException", "?", .invalidRequest),
        ] as [(Int, String, String, NeedletailError.Code)])
    func failures(_ status: Int, _ type: String, _ message: String, _ code: NeedletailError.Code) throws {
        let name = try #require(HTTPField.Name("x-amzn-ErrorType"))
        let inHeader = BedrockConverse.decodeFailure(
            status: status, headers: [name: type], body: ByteBuffer(string: #"{"message":"\#(message)"}"#))
        #expect(inHeader.code == code)
        #expect(inHeader.upstream?.type == String(type.prefix { $0 != ":" }))
        let inBody = BedrockConverse.decodeFailure(
            status: status, headers: [:],
            body: ByteBuffer(string: #"{"__type":"a.b#\#(type)","Message":"\#(message)"}"#))
        #expect(inBody.code == code)
    }

    @Test("errors for clients name their exception in header and body", arguments: NeedletailError.Code.allCases)
    func shape(_ code: NeedletailError.Code) throws {
        let error = NeedletailError(code, "It did not work.", parameter: "messages")
        var out = ByteBuffer()
        let status = BedrockConverse.encodeFailure(error, requestID: "r", into: &out)
        #expect(status == error.disposition.status)
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(out.readableBytesView)) as? [String: String])
        let type = try #require(json["__type"])
        #expect(type.hasSuffix("Exception"))
        let name = try #require(HTTPField.Name("x-amzn-errortype"))
        #expect(BedrockConverse.failureHeaders(error)[name] == type)
        #expect(json["message"]?.hasSuffix("It did not work.") == true)
        // What the client's own side reads is of the same kind: ours to mend or the server's.
        let read = BedrockConverse.decodeFailure(
            status: status, headers: BedrockConverse.failureHeaders(error), body: out)
        #expect((read.disposition.status >= 500) == (status >= 500) || read.code == .credentialRejected)
    }
}
