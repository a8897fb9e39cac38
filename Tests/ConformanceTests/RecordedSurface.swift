import Foundation
import NeedletailCore

/// What kind of traffic a folder of recordings holds.
enum RecordedSurface {
    /// Chat in one of the gateway's dialects.
    case chat(DialectID)
    /// Chat of several kinds, told apart by what the replies look like.
    case mixed(String)
    /// No chat, or none of a dialect that the gateway has; with the reason.
    case other(String)

    /// Told by the folder's name, which holds for errors too.
    static func of(_ folder: String) -> RecordedSurface? {
        let parts = folder.split(separator: "/").map(String.init)
        guard parts.count == 2 else { return nil }
        if let reason = self.others[folder] ?? self.others[parts[0]] { return .other(reason) }
        if let reason = self.mixtures[folder] { return .mixed(reason) }
        if let dialect = self.dialects[parts[1]] { return .chat(dialect) }
        return self.others["*/" + parts[1]].map { .other($0) }
    }

    private static let dialects: [String: DialectID] = [
        "chat": .openAIChat, "responses": .openAIResponses, "completions": .openAICompletions,
        "messages": .anthropicMessages, "anthropic-messages": .anthropicMessages,
        "anthropic-rawpredict": .anthropicMessages, "anthropic-stream": .anthropicMessages,
        "generateContent": .gemini, "streamGenerateContent": .gemini,
        "converse": .bedrockConverse, "converse-stream": .bedrockConverse, "bedrock-converse-stream": .bedrockConverse,
        "api-chat": .ollamaChat, "api-generate": .ollamaGenerate, "v2-chat": .cohereChat,
    ]

    private static let mixtures = [
        "gemini/openai-compat": "lists of models, which the gateway answers itself",
        "writer/other": "not chat",
        "openai/responses-other": "compaction and token counts: surfaces of their own",
        "bedrock/invoke": "InvokeModel in a model's own format",
        "bedrock/invoke-with-response-stream": "InvokeModel in a model's own format",
        "ai21/bedrock-invoke": "InvokeModel in a model's own format",
    ]

    private static let others = [
        "aws-eventstream": "single frames, which the framing's own tests read",
        "specs": "descriptions of interfaces",
        "replicate": "predictions: jobs to create and poll, a provider's own form",
        "runpod": "jobs to create and poll, a provider's own form",
        "voyage": "vectors and ranking: surfaces of their own",
        "anthropic/complete-legacy": "a dialect of its own: a prompt and a text, retired by Anthropic",
        "anthropic/count_tokens": "token counts, which are replayed by themselves",
        "bedrock/count-tokens": "token counts of InvokeModel's and Converse's bodies",
        "bedrock/other": "guardrails: a surface of its own",
        "bedrock-control/other": "Bedrock's administration",
        "cohere/v1-chat": "a dialect of its own: Cohere's first version of chat",
        "cohere/v1-generate": "a dialect of its own: Cohere's retired completions",
        "cohere/v1-tokenize": "tokens: a surface of its own",
        "gemini/other": "cached contents and interactions: surfaces of their own",
        "huggingface/other": "pipelines of single models: surfaces of their own",
        "mistral/other": "reading of pictures and batches: surfaces of their own",
        "vertex/predict": "vectors: a surface of its own",
        "vertex/countTokens": "token counts: a surface of its own",
        "gemini/countTokens": "token counts: a surface of its own",
        "gemini/batchEmbedContents": "vectors: a surface of its own",
        "inbound-requests/openai-embeddings": "vectors: a surface of its own",
        "inbound-requests/rerank": "ranking: a surface of its own",
        "inbound-requests/anthropic-count_tokens": "token counts, which are replayed by themselves",
        "inbound-requests": "requests alone, which are put to every upstream",
        "*/embeddings": "vectors: a surface of its own",
        "*/api-embed": "vectors: a surface of its own",
        "*/api-embeddings": "vectors: a surface of its own",
        "*/v1-embed": "vectors: a surface of its own",
        "*/v2-embed": "vectors: a surface of its own",
        "*/rerank": "ranking: a surface of its own",
        "*/v1-rerank": "ranking: a surface of its own",
        "*/v2-rerank": "ranking: a surface of its own",
        "*/models": "the list of models, which the gateway answers itself",
        "*/api-tags": "the list of models, which the gateway answers itself",
        "*/api-ps": "a server's administration",
        "*/api-create": "a server's administration",
        "*/api-pull": "a server's administration",
        "*/api-push": "a server's administration",
        "*/batches": "a surface of its own: jobs that the gateway does not offer",
        "*/files": "a surface of its own: stored files",
        "*/images": "a surface of its own: pictures",
        "*/moderations": "a surface of its own: verdicts",
    ]

    /// Requests without a reply.
    static let inbound: [String: DialectID] = [
        "inbound-requests/openai-chat": .openAIChat,
        "inbound-requests/anthropic-messages": .anthropicMessages,
        "inbound-requests/gemini-generateContent": .gemini,
        "inbound-requests/openai-responses": .openAIResponses,
    ]

    /// The dialect of a reply by its looks.
    static func dialect(of reply: Data, isStream: Bool) -> DialectID? {
        let objects = isStream ? ServerEvents(reply).objects : [JSON.object(reply) ?? [:]]
        for object in objects {
            if object.text("type") == "message_start" { return .anthropicMessages }
            if object.text("type") == "message", object["content"] is [Any] { return .anthropicMessages }
            if object.text("object") == "response" || object.text("type").hasPrefix("response.") {
                return .openAIResponses
            }
            for choice in object.list("choices") where choice[isStream ? "delta" : "message"] is [String: Any] {
                return .openAIChat
            }
        }
        return nil
    }
}
