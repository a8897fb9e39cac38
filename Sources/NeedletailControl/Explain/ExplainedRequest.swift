import HTTPTypes
import Logging
import NeedletailCore
import NeedletailGateway

/// A client's request that is to be explained, and who would make it.
struct ExplainedRequest {
    /// The members beside the client's own body.
    static let fields = [
        AdminField("request", .object, "What a client would send, in any dialect.", isRequired: true),
        AdminField(
            "surface", .text,
            "Which surface it is for: \(ExplainedSurface.allCases.map(\.rawValue).joined(separator: ", ")), or a path. Guessed from the request when left out."
        ),
        AdminField("model", .text, "The model, for a surface that has it in its path."),
        AdminField("stream", .boolean, "Whether a stream is asked for, where the path says so."),
        AdminField("key", .text, "The name of the client key."),
        AdminField("tenant", .text, "The tenant; the key's when left out."),
        AdminField("headers", .object, "Client headers that rules look at."),
        AdminField("deadline_ms", .integer(1...86_400_000), "How long the client waits."),
    ]

    let request: InferenceRequest
    let context: RequestContext

    /// Reads a body: an object with the members above, or the client's request alone.
    ///
    /// - Parameters:
    ///   - body: The body.
    ///   - keys: What is known of a client key, by its name.
    ///   - draw: Decides what is drawn.
    init(
        _ body: JSONView, routingHeaders: [HTTPField.Name], now: Instant, draw: UInt64, logger: Logger,
        keys: (_ name: String) -> ExplainedKey?
    ) throws(AdminError) {
        let isWrapped = body["request"]?.kind == .object
        if isWrapped { try AdminField.check(body, Self.fields) }
        let beside = isWrapped ? body : nil
        let client = (isWrapped ? body["request"] : nil) ?? body
        let surface = ExplainedSurface.Question(
            surface: beside?.present("surface")?.string, model: beside?.present("model")?.string,
            isStreaming: beside?.present("stream")?.bool)
        self.request = try ExplainedSurface.read(client, surface)
        var headers = HTTPFields()
        if let members = beside?["headers"]?.members {
            for member in members {
                guard let name = HTTPField.Name(member.key), let value = member.value.string else {
                    throw .badField("headers", "is an object of texts by names of headers")
                }
                // As on the API listener: nobody sees the others.
                if routingHeaders.contains(name) { headers.append(HTTPField(name: name, value: value)) }
            }
        }
        var key: ExplainedKey?
        if let name = beside?.present("key")?.string {
            guard let known = keys(name) else { throw AdminError(404, "not_found", "There is no key '\(name)'.") }
            key = known
        }
        let info = RequestInfo(
            id: "explain-" + String(draw, radix: 16), keyName: key?.name,
            tenant: beside?.present("tenant")?.string ?? key?.grant.tenant, team: key?.grant.team,
            tags: key?.grant.tags ?? [], allowedModels: key?.grant.models, allowedProviders: key?.grant.providers,
            routingHeaders: headers, priority: key?.priority ?? .normal, logger: logger)
        let limit = beside?.present("deadline_ms")?.int
        var context = RequestContext(info, deadline: limit.map { now.advanced(by: .milliseconds($0)) })
        context.draw = draw
        self.context = context
    }
}

/// What a client key's name stands for.
struct ExplainedKey {
    var name: String
    var grant: KeyGrant
    var priority = RequestPriority.normal
}
