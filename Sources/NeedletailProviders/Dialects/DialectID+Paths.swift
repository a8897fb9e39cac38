import NeedletailCore

extension DialectID {
    /// Where servers of the dialect have its operations, unless a provider says otherwise.
    var paths: OperationPaths {
        switch self {
        case .openAIChat:
            OperationPaths(
                version: "v1",
                [
                    .chat: "/chat/completions", .listModels: "/models", .embeddings: "/embeddings",
                    .rerank: "/rerank", .moderations: "/moderations", .imageGeneration: "/images/generations",
                    .imageEdit: "/images/edits", .speech: "/audio/speech",
                    .transcription: "/audio/transcriptions", .translation: "/audio/translations",
                ])
        case .openAIResponses:
            OperationPaths(
                version: "v1",
                [
                    .chat: "/responses", .listModels: "/models",
                    // What stands for the model here is the response's id.
                    .retrieveResponse: "/responses/{model}", .deleteResponse: "/responses/{model}",
                    .listInputItems: "/responses/{model}/input_items",
                ])
        case .openAICompletions: OperationPaths(version: "v1", [.chat: "/completions", .listModels: "/models"])
        case .anthropicMessages:
            OperationPaths(
                version: "v1",
                [.chat: "/messages", .countTokens: "/messages/count_tokens", .listModels: "/models"])
        case .gemini:
            OperationPaths(
                version: "v1beta",
                [
                    .chat: "/models/{model}:generateContent", .countTokens: "/models/{model}:countTokens",
                    .listModels: "/models?pageSize=1000", .embeddings: "/models/{model}:batchEmbedContents",
                    .singleEmbedding: "/models/{model}:embedContent",
                ],
                streamedChat: "/models/{model}:streamGenerateContent?alt=sse")
        case .bedrockConverse:
            OperationPaths(
                version: nil,
                [.chat: "/model/{model}/converse", .countTokens: "/model/{model}/count-tokens"],
                streamedChat: "/model/{model}/converse-stream")
        case .ollamaChat:
            OperationPaths(
                version: nil,
                [
                    .chat: "/api/chat", .listModels: "/api/tags", .embeddings: "/api/embed",
                    .singleEmbedding: "/api/embeddings",
                ])
        case .ollamaGenerate: OperationPaths(version: nil, [.chat: "/api/generate", .listModels: "/api/tags"])
        case .cohereChat:
            OperationPaths(
                version: nil,
                [
                    .chat: "/v2/chat", .listModels: "/v1/models?page_size=1000", .embeddings: "/v2/embed",
                    .rerank: "/v2/rerank",
                ])
        }
    }
}
