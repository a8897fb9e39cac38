import NeedletailCore

extension OpaquePart {
    /// The image that a tool of the provider has made, and what else is told of it.
    fileprivate var image: (part: ImagePart, rest: [Extension])? {
        guard self.dialect == .openAIResponses, self.type == "image_generation_call",
            let item = try? self.json.view(), let data = OpenAIChat.nonEmpty(item["result"])
        else { return nil }
        let format = item.present("output_format")?.string ?? "png"
        var rest: [Extension] = []
        rest.keepUnknown(item, known: ["id", "type", "status", "output_format", "result"], path: "output")
        return (ImagePart(.base64(mediaType: "image/\(format)", data: data)), rest)
    }
}

extension ChatResponse {
    /// The reply for a dialect that shows images and has no such tool: the image is a part of its own, and what else is
    /// told of it has no place.
    func showing(imagesIn dialect: DialectID) -> ChatResponse {
        guard self.source == .openAIResponses, dialect != .openAIResponses else { return self }
        var reply = self
        for choice in reply.choices.indices {
            for index in reply.choices[choice].content.indices {
                guard case .opaque(let part) = reply.choices[choice].content[index], let image = part.image else {
                    continue
                }
                reply.choices[choice].content[index] = .image(image.part)
                reply.extensions += image.rest
            }
        }
        return reply
    }
}

extension ChatEvent {
    /// The event for a dialect that shows images and has no such tool.
    func showing(imagesIn dialect: DialectID) -> ChatEvent {
        guard case .opaque(let part, let choice) = self, dialect != part.dialect, let image = part.image else {
            return self
        }
        return .image(image.part, choice: choice)
    }
}
