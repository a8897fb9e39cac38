import NeedletailCore

extension OpaquePart {
    /// What is read of an item `image_generation_call`.
    static let madeImageMembers: [StaticString] = ["id", "type", "status", "output_format", "result"]

    /// The image that a tool of the provider has made, and what else is told of it.
    ///
    /// - Parameter path: Where its dialect has such items, for names of what is told.
    fileprivate func image(in path: String) -> (part: ImagePart, rest: [Extension])? {
        guard self.dialect == .openAIResponses, self.type == "image_generation_call",
            let item = try? self.json.view(), let data = OpenAIChat.nonEmpty(item["result"])
        else { return nil }
        let format = item.present("output_format")?.string ?? "png"
        var rest: [Extension] = []
        rest.keepUnknown(item, known: Self.madeImageMembers, path: path)
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
                guard case .opaque(let part) = reply.choices[choice].content[index],
                    let image = part.image(in: "output")
                else {
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
        guard case .opaque(let part, let choice) = self, dialect != part.dialect, let image = part.image(in: "output")
        else {
            return self
        }
        return .image(image.part, choice: choice)
    }
}

extension ChatRequest {
    /// The request for a dialect whose assistant shows images: one that a tool of the provider has made is a part of its
    /// turn, so that the model sees what the conversation is about.
    func showingMadeImages() -> ChatRequest {
        guard self.source == .openAIResponses else { return self }
        var request = self
        for message in request.messages.indices where request.messages[message].role == .assistant {
            for index in request.messages[message].content.indices {
                guard case .opaque(let part) = request.messages[message].content[index],
                    let image = part.image(in: "input")
                else { continue }
                request.messages[message].content[index] = .image(image.part)
                request.extensions += image.rest
            }
        }
        return request
    }
}
