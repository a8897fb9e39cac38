public import HTTPTypes
import NeedletailCore

/// What requests that should go to the same target have in common.
public enum AffinityRule: Sendable, Hashable {
    /// The value of a header of the client's; a request without it may go anywhere.
    case header(HTTPField.Name)
    /// How their conversation begins: the first message of the user, and what comes before it.
    case conversation
    /// What a provider's prompt cache would find again: tools and system prompt, or the conversation's beginning where
    /// there are none; OpenAI's `prompt_cache_key` where the client sent one.
    case promptCache

    /// A number that is equal for requests that belong together; `nil` for one that belongs nowhere.
    func hash(of request: InferenceRequest, _ context: RequestContext) -> UInt64? {
        switch self {
        case .header(let name):
            guard let value = context.request.routingHeaders[name], !value.isEmpty else { return nil }
            return StableHash.of(value)
        case .conversation, .promptCache:
            guard request.operation.isChat else { return nil }
            let beginning = PromptBeginning(request.body)
            return self == .conversation ? beginning.opening : beginning.cacheable
        }
    }
}
