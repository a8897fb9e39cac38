import NeedletailCore

/// The words for operations in a rule's condition.
enum RuleOperation: String, CaseIterable {
    case chat, embeddings, rerank, moderations, images, speech, transcription
    case countTokens = "count_tokens"

    /// What the word stands for.
    var operations: Set<NeedletailCore.Operation> {
        switch self {
        case .chat: [.chat]
        case .countTokens: [.countTokens]
        case .embeddings: [.embeddings, .singleEmbedding]
        case .rerank: [.rerank]
        case .moderations: [.moderations]
        case .images: [.imageGeneration, .imageEdit]
        case .speech: [.speech]
        case .transcription: [.transcription, .translation]
        }
    }
}
