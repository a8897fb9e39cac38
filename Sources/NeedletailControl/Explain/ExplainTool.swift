import Logging
import NIOCore
public import NeedletailCore
import NeedletailRouting

/// Explains requests to a configuration that does not run: nothing has failed there yet, and nothing is used up.
public struct ExplainTool: Sendable {
    private let configuration: Configuration
    private let environment: [String: String]

    /// Works on a configuration.
    public init(_ configuration: Configuration, environment: [String: String]) {
        self.configuration = configuration
        self.environment = environment
    }

    /// What would become of a request.
    ///
    /// - Parameter body: As for `POST /admin/v1/explain`.
    /// - Returns: What that answers.
    /// - Throws: What is wrong with the body or keeps the configuration from being used.
    public func explain(_ body: JSONText) throws(NeedletailError) -> JSONText {
        let group = EventLoops.make(count: 1)
        defer { group.shutdownGracefully { _ in } }
        let logger = Logger(label: "explain", factory: { _ in SwiftLogNoOpLogHandler() })
        let root: JSONView
        let stack: GatewayStack
        do {
            root = try JSONDocument(body.bytes).root
            stack = try GatewayStack(
                self.configuration, environment: self.environment, group: group, time: .live, random: .live,
                logger: logger, localSpecs: [])
        } catch {
            throw NeedletailError(.invalidRequest, (error as? NeedletailError)?.message ?? "\(error)")
        }
        do throws(AdminError) {
            let asked = try ExplainedRequest(
                root, routingHeaders: self.configuration.routingHeaders, now: TimeSource.live.now(),
                draw: RandomSource.live.next(), logger: logger
            ) { self.configuration.explainedKey($0) }
            let explanation = stack.explain(asked.request, context: asked.context)
            var json = JSONWriter()
            json.beginObject()
            json.members(of: explanation)
            json.endObject()
            return JSONText(unchecked: json.bytes)
        } catch {
            throw NeedletailError(.invalidRequest, error.message)
        }
    }
}
