import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailRouting

/// Gets the vectors that a semantic cache compares: from a model of the configuration, on the account of who asks.
struct Embeddings: Sendable {
    /// As a client would name it.
    let model: String
    let directory: ModelDirectory
    let time: TimeSource

    /// What a look into the cache may take: a provider that hangs makes it a miss, and the request goes on.
    static let limit = Duration.seconds(2)

    /// The vector for a text; `nil` where the provider gives none, which costs the request no more than the time.
    func vector(_ text: String, _ context: RequestContext) async -> [Float]? {
        guard let destination = try? self.directory.destination(of: self.model, allowed: nil) else { return nil }
        let asker = context.request
        // A request of its own, whose calls are none of the asker's, and whose cost is.
        let info = RequestInfo(
            id: asker.id, keyName: asker.keyName, tenant: asker.tenant, team: asker.team, tags: asker.tags,
            priority: asker.priority, logger: asker.logger)
        let limit = self.time.now().advanced(by: Self.limit)
        let own = RequestContext(info, deadline: min(context.deadline ?? limit, limit))
        defer { if let cost = info.cost.value { asker.cost.add(cost) } }
        var json = JSONWriter()
        json.beginObject()
        json.member("model", destination.model)
        json.member("input", text)
        json.member("encoding_format", "float")
        json.endObject()
        guard
            let request = try? RequestPeek.read(json.bytes, dialect: .openAIChat, operation: .embeddings),
            let reply = try? await destination.provider.respond(to: request, context: own),
            case .complete(let body, _) = reply.body, let root = try? JSONDocument(body.bytes).root,
            let first = root["data"]?.elements.first(where: { _ in true }), let numbers = first["embedding"]
        else { return nil }
        let vector = numbers.elements.compactMap { $0.double.map { Float($0) } }
        return vector.isEmpty ? nil : vector
    }
}
