import HTTPTypes
import NIOCore
public import NeedletailCore

extension HTTPProvider {
    /// Asks the provider which models it serves; also the cheapest way to see that it is there.
    ///
    /// - Returns: The list; `nil` if the provider answers but has none.
    /// - Throws: What ``Provider/respond(to:context:)`` may throw.
    public func listModels(deadline: Instant?) async throws(NeedletailError) -> [ListedModel]? {
        do {
            let dialect = self.options.dialect ?? self.spec.dialect(for: nil, model: "")
            let request = InferenceRequest(
                operation: .listModels, model: "",
                body: .wire(WireBody(dialect: dialect, bytes: ByteBuffer()), .init()),
                replyDialect: dialect)
            let response = try await self.send(
                request, dialect, ByteBuffer(), forwarded: [:], timeouts: self.options.timeouts,
                deadline: deadline)
            let bytes = try await response.body.collect(upTo: self.options.maximumReplySize)
            return try self.models(in: bytes)
        } catch {
            // A server without the list is there all the same; where the type has none, nobody is asked.
            if error.code == .notFound || error.code == .unsupported { return nil }
            throw error
        }
    }

    /// Reads OpenAI's and Anthropic's form, `{"data": [{"id"}]}`, Google's, `{"models": [{"name": "models/x"}]}`, Ollama's
    /// `{"models": [{"model"}]}`, Cohere's `{"models": [{"name", "endpoints"}]}`, and a bare array, which some servers send.
    private func models(in bytes: ByteBuffer) throws(NeedletailError) -> [ListedModel] {
        let root: JSONView
        do {
            root = try JSONDocument(bytes).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider's list of models is not JSON.", cause: error)
        }
        let list = root.kind == .array ? root : root["data"] ?? root["models"]
        guard let list, list.kind == .array else {
            throw NeedletailError(.malformedReply, "The provider's list of models has neither `data` nor `models`.")
        }
        return list.elements.compactMap { entry in
            guard let id = (entry["id"] ?? entry["model"])?.string ?? Self.nameOfModel(entry) else { return nil }
            // Some of the models embed or rank only.
            if let endpoints = entry.present("endpoints"), !endpoints.elements.contains(where: { $0.string == "chat" })
            {
                return nil
            }
            return ListedModel(id: id, owner: self.id.rawValue, created: entry["created"]?.int.map(Int64.init))
        }
    }
    /// Google's names are paths; what cannot chat (embeddings, images) says so.
    private static func nameOfModel(_ entry: JSONView) -> String? {
        guard let name = entry["name"]?.string else { return nil }
        if let methods = entry.present("supportedGenerationMethods"),
            !methods.elements.contains(where: { $0.string == "generateContent" })
        {
            return nil
        }
        return name.split(separator: "/").last.map(String.init)
    }
}
