import NIOCore
import NeedletailCore

/// What a chat that was made in Swift asks of a model: the facts that ``RequestPeek`` reads from a client's bytes.
extension ChatRequest {
    /// JSON around each message, tool and part, in bytes.
    private static let scaffolding = 40

    /// What the model must understand.
    var demandedFeatures: Features {
        var features = Features()
        if !self.tools.isEmpty { features.insert(.tools) }
        switch self.responseFormat {
        case .jsonObject, .jsonSchema: features.insert(.structuredOutput)
        case .text, nil: break
        }
        if let reasoning = self.reasoning, reasoning.mode != .disabled { features.insert(.reasoning) }
        if self.logprobs == true { features.insert(.logprobs) }
        if self.modalities.contains("audio") { features.insert(.audio) }
        for part in self.messages.lazy.flatMap(\.content) { Self.add(part, to: &features) }
        return features
    }

    private static func add(_ part: ContentPart, to features: inout Features) {
        switch part {
        case .image: features.insert(.images)
        case .document: features.insert(.documents)
        case .audio: features.insert(.audio)
        case .toolResult(let result): for part in result.content { self.add(part, to: &features) }
        default: break
        }
    }

    /// How many pictures it holds.
    var demandedImages: Int {
        var sum = Sum()
        for part in self.messages.lazy.flatMap(\.content) { sum.add(part) }
        return sum.images
    }

    /// A guess at the input tokens that is rather too high than too low, by the same measures as of a client's bytes.
    var demandedInputTokens: Int {
        var sum = Sum()
        for message in self.messages {
            sum.bytes += Self.scaffolding + (message.name?.utf8.count ?? 0)
            for part in message.content { sum.add(part) }
        }
        for tool in self.tools {
            sum.bytes += Self.scaffolding + tool.name.utf8.count + (tool.description?.utf8.count ?? 0)
            switch tool.kind {
            case .function(let schema), .custom(let schema): sum.bytes += schema?.bytes.readableBytes ?? 0
            case .provider(_, let definition, _): sum.bytes += definition.bytes.readableBytes
            }
        }
        if case .jsonSchema(_, let description, let schema, _) = self.responseFormat {
            sum.bytes += schema.bytes.readableBytes + (description?.utf8.count ?? 0)
        }
        return sum.tokens
    }

    private struct Sum {
        var bytes = 0
        var images = 0
        var attachments = 0
        var payload = 0

        var tokens: Int {
            var tokens =
                self.bytes / RequestPeekFields.bytesPerToken + 1 + self.images * RequestPeekFields.tokensPerImage
            if self.attachments > 0 {
                tokens += max(
                    self.attachments * RequestPeekFields.tokensPerAttachment,
                    self.payload / RequestPeekFields.payloadBytesPerToken)
            }
            return tokens
        }

        mutating func add(_ part: ContentPart) {
            self.bytes += ChatRequest.scaffolding
            switch part {
            case .text(let part): self.bytes += part.text.utf8.count
            case .image: self.images += 1
            case .document(let part):
                self.bytes += (part.title?.utf8.count ?? 0) + (part.context?.utf8.count ?? 0)
                if case .text(let text) = part.source {
                    self.bytes += text.utf8.count
                } else {
                    self.attachments += 1
                    if case .base64(_, let data) = part.source { self.payload += data.utf8.count }
                }
            case .audio(let part):
                self.attachments += 1
                self.payload += part.data.utf8.count
            case .toolCall(let call): self.bytes += call.name.utf8.count + call.arguments.utf8.count
            case .toolResult(let result): for part in result.content { self.add(part) }
            case .reasoning(let part): self.bytes += part.text.utf8.count
            case .redactedReasoning(let data): self.bytes += data.utf8.count
            case .refusal(let text): self.bytes += text.utf8.count
            case .opaque(let part): self.bytes += part.json.bytes.readableBytes
            }
        }
    }
}

extension ChatRequest {
    /// How often the provider may search for it, as far as it says.
    var demandedSearches: Int {
        let asks = self.extensions.contains { $0.path == "web_search_options" && $0.value.description != "null" }
        return self.tools.reduce(asks ? JSONToolScan.unlimitedSearches : 0) { sum, tool in
            guard case .provider(_, let definition, _) = tool.kind else { return sum }
            var scan = JSONToolScan()
            _ = try? scan.value(definition.bytes.readableBytesUInt8Span, 0)
            return sum + scan.searches
        }
    }
}
