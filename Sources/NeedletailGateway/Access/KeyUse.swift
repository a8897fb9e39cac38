import NIOCore
import NIOHTTP1
import NeedletailCore

/// Whether a key may be used where and for what it is used.
enum KeyUse {
    /// Why it may not; `nil` if it may. Keys without such bounds cost two comparisons.
    static func refusal(
        of grant: KeyGrant, _ head: HTTPRequestHead, from peer: @autoclosure () -> SocketAddress?,
        behind proxies: [ClientNetwork]
    ) -> NeedletailError? {
        if let surfaces = grant.surfaces {
            let surface = ClientSurface(head)
            guard surfaces.contains(surface) else {
                return NeedletailError(.forbidden, "The key may not use the \(surface.rawValue) surface.")
            }
        }
        if let networks = grant.networks {
            let client = ClientAddress.find(head, from: peer(), behind: proxies)
            guard let client, networks.contains(where: { $0.contains(client) }) else {
                return NeedletailError(.forbidden, "The key may not be used from this address.")
            }
        }
        return nil
    }
}

extension ClientSurface {
    /// The surface that a request speaks to.
    init(_ head: HTTPRequestHead) {
        self =
            switch head.errorDialect {
            case .anthropicMessages: .anthropic
            case .gemini: .gemini
            case .ollamaChat, .ollamaGenerate: .ollama
            case .cohereChat: .cohere
            case .bedrockConverse: .bedrock
            default: head.path.hasPrefix("/openai/") ? .azure : .openai
            }
    }
}
