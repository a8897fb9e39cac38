import NIOCore
import NeedletailCore

/// Hashes of the part of a request that stays the same while a conversation goes on.
///
/// Read from the bytes of whatever dialect: where the conversation stands is the same word in all that use it. Values are
/// hashed as spelled, which is how the same client spells them again.
struct PromptBeginning {
    /// The messages up to and with the user's first; `nil` where there is none.
    private(set) var opening: UInt64?
    /// What a prompt cache would find again; `nil` where there is nothing.
    private(set) var cacheable: UInt64?

    /// Where dialects keep the conversation.
    private static let conversationKeys: [StaticString] = ["messages", "contents", "input", "prompt"]
    /// Where they keep what comes before it, in the order in which providers' caches see it.
    private static let prefixKeys: [StaticString] = [
        "tools", "toolConfig", "system", "instructions", "systemInstruction", "system_instruction",
    ]

    init(_ body: InferenceRequest.Body) {
        switch body {
        case .wire(let wire, _):
            guard let root = (try? JSONDocument(wire.bytes))?.root else { return }
            self.read(root)
        case .model(let request): self.read(request)
        }
    }

    private mutating func read(_ root: JSONView) {
        var prefix = StableHash()
        var hasPrefix = false
        for key in Self.prefixKeys {
            guard let value = root.present(key) else { continue }
            prefix.add(value.raw.readableBytesView)
            hasPrefix = true
        }
        var opening = StableHash()
        var hasOpening = false
        for key in Self.conversationKeys {
            guard let conversation = root.present(key) else { continue }
            guard conversation.kind == .array else {
                opening.add(conversation.raw.readableBytesView)
                hasOpening = true
                break
            }
            for message in conversation.elements {
                let role = message["role"]?.string
                opening.add(message.raw.readableBytesView)
                hasOpening = true
                // A message without a role is the user's: Gemini's and the Responses API's may leave it out.
                guard role == "system" || role == "developer" else { break }
                prefix.add(message.raw.readableBytesView)
                hasPrefix = true
            }
            break
        }
        self.opening = hasOpening ? opening.value : nil
        if let key = root["prompt_cache_key"]?.string {
            self.cacheable = StableHash.of(key)
        } else {
            self.cacheable = hasPrefix ? prefix.value : self.opening
        }
    }

    private mutating func read(_ request: ChatRequest) {
        var prefix = StableHash()
        var opening = StableHash()
        var hasPrefix = false
        for tool in request.tools {
            prefix.add(tool.name.utf8)
            prefix.add(0)
            hasPrefix = true
        }
        for message in request.messages {
            for part in message.content {
                guard case .text(let text) = part else { continue }
                opening.add(text.text.utf8)
                if message.role == .system || message.role == .developer { prefix.add(text.text.utf8) }
            }
            guard message.role == .system || message.role == .developer else { break }
            hasPrefix = true
        }
        self.opening = request.messages.isEmpty ? nil : opening.value
        self.cacheable = hasPrefix ? prefix.value : self.opening
    }
}
